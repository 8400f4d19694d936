#include "pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker.h"

enum {
    LIMIT_THREADS = 64,
    STACK_BYTES = 512 * 1024,
    /* Waits this many pauses before sleeping: operations follow each other within microseconds, inferences do not. */
    SPINS = 1024,
    /* Between so many pauses the processor is offered to others: the thread waited for may need this very core. */
    SPINS_PER_YIELD = 128,
    CACHE_LINE = 64,
};

typedef struct worker {
    tern_pool *pool;
    pthread_t thread;
    unsigned part;
} worker;

struct tern_pool {
    void (*body)(void *argument, unsigned part, unsigned parts);
    void *argument;
    unsigned threads, started;
    int stops;
    _Alignas(CACHE_LINE) atomic_uint generation; /* one more for each run; workers sleep on it */
    atomic_uint sleepers;
    _Alignas(CACHE_LINE) atomic_uint pending;    /* workers that have not finished this run; the caller sleeps on it */
    atomic_uint caller_sleeps;
    worker workers[LIMIT_THREADS];
};

static void pause_once(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void futex_wait(atomic_uint *word, unsigned expected) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/* Until `word` is no longer `old`. The order sleepers, then the kernel's own look at `word`, against the waker's order word, then
   sleepers, leaves no wake lost: all are sequentially consistent. */
static void wait_while(atomic_uint *word, unsigned old, atomic_uint *sleepers) {
    for (unsigned i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != old) return;
        pause_once();
        if (i % SPINS_PER_YIELD == SPINS_PER_YIELD - 1) sched_yield();
    }
    atomic_fetch_add(sleepers, 1);
    while (atomic_load(word) == old) futex_wait(word, old);
    atomic_fetch_sub(sleepers, 1);
}

static void *work(void *argument) {
    worker *self = argument;
    tern_pool *pool = self->pool;
    for (unsigned seen = 0;; seen++) {
        wait_while(&pool->generation, seen, &pool->sleepers);
        if (pool->stops) return NULL;
        pool->body(pool->argument, self->part, pool->threads);
        if (atomic_fetch_sub(&pool->pending, 1) == 1 && atomic_load(&pool->caller_sleeps)) futex_wake(&pool->pending, 1);
    }
}

tern_pool *tern_pool_create(unsigned threads) {
    if (threads == 0 || threads > LIMIT_THREADS) return NULL;
    tern_pool *pool = aligned_alloc(CACHE_LINE, (sizeof(tern_pool) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (!pool) return NULL;
    *pool = (tern_pool){.threads = threads};
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        free(pool);
        return NULL;
    }
    int failed = pthread_attr_setstacksize(&attributes, STACK_BYTES) != 0;
    for (unsigned part = 1; part < threads && !failed; part++) {
        worker *each = &pool->workers[part];
        *each = (worker){.pool = pool, .part = part};
        failed = pthread_create(&each->thread, &attributes, work, each) != 0;
        if (!failed) pool->started = part;
    }
    pthread_attr_destroy(&attributes);
    if (failed) {
        tern_pool_destroy(pool);
        return NULL;
    }
    return pool;
}

static void publish(tern_pool *pool) {
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) > 0) futex_wake(&pool->generation, LIMIT_THREADS);
}

void tern_pool_run(tern_pool *pool, void (*body)(void *argument, unsigned part, unsigned parts), void *argument) {
    tern_worker_step();
    if (pool->threads == 1) {
        body(argument, 0, 1);
        return;
    }
    pool->body = body;
    pool->argument = argument;
    atomic_store(&pool->pending, pool->threads - 1);
    publish(pool);
    body(argument, 0, pool->threads);
    unsigned left;
    while ((left = atomic_load(&pool->pending)) != 0) wait_while(&pool->pending, left, &pool->caller_sleeps);
}

void tern_pool_destroy(tern_pool *pool) {
    if (!pool) return;
    pool->stops = 1;
    publish(pool);
    for (unsigned part = 1; part <= pool->started; part++) pthread_join(pool->workers[part].thread, NULL);
    free(pool);
}

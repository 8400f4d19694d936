#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* `jobs` is a ring: finished jobs from `collected`, then the running one, then those that wait, up to `submitted`.
   Positions only grow; a job's slot is its position modulo `slots`. */
struct tern_worker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    size_t capacity, slots;
    uint64_t collected, finished, started, submitted;
    uint64_t steps, steps_seen; /* `steps` is written by the worker's thread alone */
    char name[16];
    int ending;
    void (*run)(void *job);
    void (*on_finished)(void *context);
    void *context;
    void *jobs[];
};

/* The worker whose thread this is. */
static _Thread_local tern_worker *current;

void tern_worker_step(void)
{
    if (current)
        __atomic_store_n(&current->steps, current->steps + 1, __ATOMIC_RELAXED);
}

static void *work(void *argument)
{
    tern_worker *worker = argument;
    current = worker;
    /* A thread that names another opens a file for it. */
    (void)pthread_setname_np(pthread_self(), worker->name);
    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        while (worker->started == worker->submitted && !worker->ending)
            pthread_cond_wait(&worker->arrived, &worker->mutex);
        if (worker->started == worker->submitted)
            break;
        void *job = worker->jobs[worker->started % worker->slots];
        worker->started++;
        pthread_mutex_unlock(&worker->mutex);
        tern_worker_step();
        worker->run(job);
        pthread_mutex_lock(&worker->mutex);
        worker->finished++;
        pthread_mutex_unlock(&worker->mutex);
        worker->on_finished(worker->context);
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

tern_worker *tern_worker_create(const char *name, size_t capacity, void (*run)(void *job), void (*finished)(void *context), void *context)
{
    /* Waiting jobs, the running one, and as many finished ones that nobody collected yet. */
    size_t slots;
    if (__builtin_mul_overflow(capacity, 2, &slots) || __builtin_add_overflow(slots, 2, &slots) || slots > 1 << 20)
        return NULL;
    tern_worker *worker = calloc(1, sizeof *worker + slots * sizeof(void *));
    if (!worker)
        return NULL;
    /* A name that is too long is cut. */
    strncpy(worker->name, name, sizeof worker->name - 1);
    worker->capacity = capacity;
    worker->slots = slots;
    worker->run = run;
    worker->on_finished = finished;
    worker->context = context;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->arrived, NULL);
    /* Signals are for the thread of the event loop, except the one that a refused call raises (seccomp.c). */
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&worker->thread, NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure) {
        free(worker);
        return NULL;
    }
    return worker;
}

int tern_worker_submit(tern_worker *worker, void *job)
{
    pthread_mutex_lock(&worker->mutex);
    /* One job may run beside `capacity` that wait. */
    int full = worker->submitted - worker->finished >= worker->capacity + 1 || worker->submitted - worker->collected >= worker->slots;
    if (!full) {
        worker->jobs[worker->submitted % worker->slots] = job;
        worker->submitted++;
        pthread_cond_signal(&worker->arrived);
    }
    pthread_mutex_unlock(&worker->mutex);
    return full;
}

void *tern_worker_collect(tern_worker *worker)
{
    void *job = NULL;
    pthread_mutex_lock(&worker->mutex);
    if (worker->collected < worker->finished) {
        job = worker->jobs[worker->collected % worker->slots];
        worker->collected++;
    }
    pthread_mutex_unlock(&worker->mutex);
    return job;
}

size_t tern_worker_waiting(tern_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    size_t waiting = (size_t)(worker->submitted - worker->started);
    pthread_mutex_unlock(&worker->mutex);
    return waiting;
}

int tern_worker_is_idle(tern_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    int idle = worker->collected == worker->submitted;
    pthread_mutex_unlock(&worker->mutex);
    return idle;
}

int tern_worker_is_alive(tern_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    uint64_t steps = __atomic_load_n(&worker->steps, __ATOMIC_RELAXED);
    int alive = worker->finished == worker->submitted || steps != worker->steps_seen;
    worker->steps_seen = steps;
    pthread_mutex_unlock(&worker->mutex);
    return alive;
}

void tern_worker_end(tern_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->ending = 1;
    pthread_cond_signal(&worker->arrived);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->arrived);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

struct tern_lock {
    pthread_mutex_t mutex;
};

tern_lock *tern_lock_create(void)
{
    tern_lock *lock = malloc(sizeof *lock);
    if (lock)
        pthread_mutex_init(&lock->mutex, NULL);
    return lock;
}

void tern_lock_take(tern_lock *lock) { pthread_mutex_lock(&lock->mutex); }
void tern_lock_give(tern_lock *lock) { pthread_mutex_unlock(&lock->mutex); }

void tern_lock_free(tern_lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
    free(lock);
}

void tern_flag_raise(tern_flag *flag) { __atomic_store_n(&flag->raised, 1, __ATOMIC_RELEASE); }
int tern_flag_is_raised(const tern_flag *flag) { return __atomic_load_n(&flag->raised, __ATOMIC_ACQUIRE); }
void tern_flag_lower(tern_flag *flag) { __atomic_store_n(&flag->raised, 0, __ATOMIC_RELEASE); }

int tern_flag_wait(const tern_flag *flag, unsigned milliseconds)
{
    const struct timespec step = {.tv_nsec = 10000000};
    for (unsigned waited = 0; waited < milliseconds && !tern_flag_is_raised(flag); waited += 10)
        nanosleep(&step, NULL);
    return tern_flag_is_raised(flag);
}

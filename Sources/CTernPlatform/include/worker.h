/* One thread that runs jobs in order, from a bounded queue. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct tern_worker tern_worker;

/* `run` is called on the worker's thread, `finished` there too after it, to wake whoever collects. `name` is cut after 15 bytes. NULL when there is no
   memory or thread. */
tern_worker *tern_worker_create(const char *name, size_t capacity, void (*run)(void *job), void (*finished)(void *context), void *context);
/* 0, or 1 when the queue holds `capacity` jobs already. */
int tern_worker_submit(tern_worker *worker, void *job);
/* The next finished job, or NULL. */
void *tern_worker_collect(tern_worker *worker);
/* Jobs that wait, and whether one runs. */
size_t tern_worker_waiting(tern_worker *worker);
int tern_worker_is_idle(tern_worker *worker);
/* Says that the calling thread, if it is a worker's, has made progress. */
void tern_worker_step(void);
/* 1 when the worker has nothing to do, or has made progress since this was last asked; a job that begins is progress. One thread asks. */
int tern_worker_is_alive(tern_worker *worker);
/* Ends the thread after the jobs it has, and frees the worker. Finished jobs must have been collected. */
void tern_worker_end(tern_worker *worker);

/* What one thread at a time may hold. NULL when there is no memory. */
typedef struct tern_lock tern_lock;
tern_lock *tern_lock_create(void);
void tern_lock_take(tern_lock *lock);
void tern_lock_give(tern_lock *lock);
void tern_lock_free(tern_lock *lock);

/* A flag that one thread raises and lowers and others read. */
typedef struct tern_flag {
    int raised;
} tern_flag;
void tern_flag_raise(tern_flag *flag);
int tern_flag_is_raised(const tern_flag *flag);
void tern_flag_lower(tern_flag *flag);
/* Until the flag is raised, or so many milliseconds have passed; gives whether it is raised. */
int tern_flag_wait(const tern_flag *flag, unsigned milliseconds);

/* A team of threads that runs one function at a time, many times a second. */
#pragma once

/* Opaque; made and destroyed by one thread, which is also the only one that may call tern_pool_run. */
typedef struct tern_pool tern_pool;

/* A team of `threads` threads, the caller counted, 1 ... 64; NULL when out of range, or memory or threads are refused. */
tern_pool *tern_pool_create(unsigned threads);

/* Calls body(argument, part, parts) once for every part 0 ..< parts = threads and returns when all have returned. The caller
   runs part 0. Allocates nothing. */
void tern_pool_run(tern_pool *pool, void (*body)(void *argument, unsigned part, unsigned parts), void *argument);

/* Ends the threads; NULL is allowed. */
void tern_pool_destroy(tern_pool *pool);

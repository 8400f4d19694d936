/* What a process needs of the operating system: its arguments, descriptors, time, a lock, an append-only file.
   Functions that return int give 0 or an errno value unless they say otherwise. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The process. The strings live as long as the process does. */
int tern_argument_count(void);
const char *tern_argument(int index);
const char *tern_environment(const char *name);
_Noreturn void tern_exit(int code);
/* A vanished reader and a file past its limit are errors of the call, never the end of the process. */
void tern_ignore_signals(void);
/* Calls of malloc, calloc, realloc, aligned_alloc and posix_memalign so far; stays 0 in a program linked without the wrappers. */
uint64_t tern_allocation_count(void);
/* Memory that is freed stays with the process for the next image, in pieces of up to 32 MiB. */
void tern_keep_freed_memory(void);
/* Largest resident set of this program so far, in bytes; 0 when the system does not say. */
uint64_t tern_peak_resident_bytes(void);

/* 1 when the descriptor is a terminal, else 0. */
int tern_is_terminal(int descriptor);
/* 1 when the descriptor is the system journal's (JOURNAL_STREAM), else 0. */
int tern_is_journal(int descriptor);
/* How long the service manager waits for a sign of life (WATCHDOG_USEC, WATCHDOG_PID); 0 when it does not. */
unsigned tern_watchdog_milliseconds(void);
int tern_write_all(int descriptor, const void *bytes, size_t count);
/* Messages, to standard error, from any thread. Once they never wait, one that finds no room there is lost and counted; call it before there are threads. */
void tern_messages_never_wait(void);
/* `told`: of those that were lost, how many this one tells of. */
void tern_write_message(const void *text, size_t count, uint64_t told);
/* Messages that were lost, of which none has told. */
uint64_t tern_lost_messages(void);
int tern_fill_random(void *bytes, size_t count);

/* Time. */
typedef struct tern_utc {
    int year, month, day, hour, minute, second, millisecond;
} tern_utc;
uint64_t tern_monotonic_nanoseconds(void);
/* The same, and goes on while the machine sleeps. */
uint64_t tern_elapsed_nanoseconds(void);
void tern_utc_now(tern_utc *now);
/* Since 1970. */
int64_t tern_utc_seconds(void);

/* A directory and the lock inside it. */
int tern_make_directory(const char *path, unsigned mode);
/* EWOULDBLOCK when another process holds it; freed with the descriptor. */
int tern_lock_file(const char *path, int *descriptor);
int tern_free_bytes(const char *path, uint64_t *bytes);

/* A file that only grows. */
int tern_append_open(const char *path, unsigned mode, int *descriptor, uint64_t *byte_count);
/* Writes all bytes at the end and waits until they are on the disk. */
int tern_append(int descriptor, const void *bytes, size_t count);
int tern_truncate(int descriptor, uint64_t byte_count);
int tern_read_at(int descriptor, uint64_t offset, void *bytes, size_t count);
void tern_close(int descriptor);

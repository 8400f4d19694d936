/* A tree of folders that is looked through, files that are written in pieces and appear whole, and the person at the terminal. Functions give 0 or an
   errno value unless they say otherwise. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    TERN_ENTRY_FILE = 0,
    TERN_ENTRY_FOLDER = 1,
    TERN_ENTRY_LINK = 2,
    TERN_ENTRY_OTHER = 3, /* a device, a pipe or a socket */
};

typedef struct tern_entry {
    int kind;
    uint64_t byte_count;
    int64_t written; /* the contents, nanoseconds since 1970 */
    uint64_t device, inode;
} tern_entry;

/* What a path names; follows no link in its last part. */
int tern_entry_look(const char *path, tern_entry *entry);
/* Calls `each` with every name in a folder but "." and ".."; a link in its place is refused. The strings live until it returns. */
int tern_entry_list(const char *path, void (*each)(void *context, const char *name), void *context);
/* The first bytes of a regular file; values of files.h too. */
int tern_entry_start(const char *path, void *bytes, size_t count, size_t *done);

/* Opens a new file (0640) in place of one that an earlier process left there. */
int tern_stage_open(const char *path, int *descriptor);
/* Closes it, flushed to the disk, and gives it its name; the directory is flushed too. What a failure leaves behind is removed. */
int tern_stage_finish(int descriptor, const char *path, const char *name);
/* Closes and removes it. */
void tern_stage_abandon(int descriptor, const char *path);

/* SIGINT, SIGTERM and SIGHUP raise a flag instead of ending the process; a second one ends it. */
void tern_stop_catch(void);
int tern_stop_is_asked(void);

/* Columns of a terminal; 0 when the descriptor is none or does not say. */
int tern_terminal_columns(int descriptor);
/* CPUs that this process may use, at least 1. */
int tern_cpu_count(void);

/* What several threads wait at. NULL when there is no memory. */
typedef struct tern_monitor tern_monitor;
tern_monitor *tern_monitor_create(void);
void tern_monitor_free(tern_monitor *monitor);
void tern_monitor_take(tern_monitor *monitor);
void tern_monitor_give(tern_monitor *monitor);
/* Gives it, waits until somebody wakes all or so many milliseconds have passed (0: no limit), takes it again. */
void tern_monitor_wait(tern_monitor *monitor, unsigned milliseconds);
void tern_monitor_wake(tern_monitor *monitor);

/* A private directory of files that are there whole or not at all. Functions give 0 or an errno value unless they say otherwise. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Makes the directory with `mode` when it is missing and opens it. `is_inside`: it lies in a directory of ours, where a link is an error. */
int tern_store_open(const char *path, unsigned mode, int is_inside, int *directory);
/* Calls `each` with every name but "." and ".."; the strings live until it returns. */
int tern_store_list(int directory, void (*each)(void *context, const char *name), void *context);
/* Writes `name` (0600): under `temporary` first, flushed to disk, then renamed. The name is on the disk after tern_store_sync.
   What a failure leaves behind is removed. */
int tern_store_write(int directory, const char *temporary, const char *name, const void *head, size_t head_count, const void *body,
                     size_t body_count);
/* Waits until every name made or removed so far is on the disk. */
int tern_store_sync(int directory);
int tern_store_remove(int directory, const char *name);
/* Makes the file when it is missing (0640) and writes bytes at its beginning, with nothing flushed: a power cut may undo it. */
int tern_store_overwrite(int directory, const char *name, const void *bytes, size_t count);
/* Gives a file another name, in this or another directory of the same file system, in place of a file that has it; on the disk after tern_store_sync. */
int tern_store_move(int directory, const char *name, int target, const char *target_name);
/* When a file was last written, seconds since 1970. */
int tern_store_written_at(int directory, const char *name, int64_t *seconds);
/* Opens a regular file for reading; the descriptor is the caller's to close. */
int tern_store_read(int directory, const char *name, int *descriptor, uint64_t *byte_count);

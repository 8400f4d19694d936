/* Files: mapping, reading whole, and replacing whole. Functions give 0, an errno value, or one of the negative values below. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    TERN_FILE_EMPTY = -1,
    TERN_FILE_NOT_REGULAR = -2,
    TERN_FILE_TOO_LARGE = -3,
};

typedef struct tern_mapping {
    const void *start;
    size_t count;
} tern_mapping;

/* Maps a regular file that is not empty, read-only and private. */
int tern_map_file(const char *path, tern_mapping *mapping);
/* Maps anonymous read-only memory that holds a copy of `count` > 0 bytes. */
int tern_map_copy(const void *bytes, size_t count, tern_mapping *mapping);
void tern_unmap(const void *start, size_t count);

/* Opens a regular file of at most `limit` bytes for reading and says how many it holds. */
int tern_open_file(const char *path, size_t limit, int *descriptor, size_t *count);
/* Reads until `count` bytes or the end of the file; `done` receives the bytes read. */
int tern_read_descriptor(int descriptor, void *bytes, size_t count, size_t *done);
void tern_close_descriptor(int descriptor);

/* Writes a temporary file beside `path`, flushes it to disk, renames it over `path` and flushes the directory.
   A file that exists is replaced whole or not at all. */
int tern_replace_file(const char *path, const void *bytes, size_t count, unsigned mode);

/* The path without links, to be freed; NULL when nothing is there. */
char *tern_real_path(const char *path);
void tern_free_path(char *path);

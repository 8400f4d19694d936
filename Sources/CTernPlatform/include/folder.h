/* A folder that others put files into, and its inotify. Functions give 0 or an errno value unless they say otherwise. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    TERN_NOTICE_FILE = 1,  /* a file was closed after writing, or moved in */
    TERN_NOTICE_ENTRY = 2, /* a folder was made, moved or removed in a parent */
    TERN_NOTICE_GONE = 3,  /* what the watch was on is gone or elsewhere */
    TERN_NOTICE_LOST = 4,  /* the kernel's queue was full; anything may have happened */
};

int tern_notify_open(int *descriptor);
/* Watches files that arrive in a folder, or folders that come and go in a parent. Gives the watch that notices name. */
int tern_notify_add(int descriptor, const char *path, int is_parent, int *watch);
void tern_notify_remove(int descriptor, int watch);
/* Calls `each` with what one read of the queue gives; strings live until it returns. */
void tern_notify_read(int descriptor, void (*each)(void *context, int watch, int notice, const char *name), void *context);

int tern_folder_open(const char *path, int *directory);
/* Makes a folder inside when it is missing (0750) and opens it; a link is refused. */
int tern_folder_inside(int directory, const char *name, int *inside);
/* EWOULDBLOCK when another process holds it; freed with the descriptor. */
int tern_folder_lock(int directory);
/* 1 while an open folder still has a name. */
int tern_folder_is_linked(int directory);
/* 1 while `path` names this folder. */
int tern_folder_is_at(int directory, const char *path);

typedef struct tern_look {
    uint64_t byte_count;
    int64_t changed; /* nanoseconds, of the inode */
    int is_regular;
    int is_written; /* 1: somebody has it open for writing, 0: nobody, -1: the system does not say */
} tern_look;
/* Follows no link. */
int tern_folder_look(int directory, const char *name, tern_look *look);
/* EEXIST when the new name is there already. */
int tern_folder_move(int from, const char *name, int to, const char *new_name);
/* Writes a file (0640) whole and waits until its bytes are on the disk; one of that name is written over. */
int tern_folder_write(int directory, const char *name, const void *bytes, size_t count);

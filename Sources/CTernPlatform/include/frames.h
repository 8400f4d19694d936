/* Messages with descriptors on a Unix socket of packets, and sealed memory. Functions give 0, an errno value, or one of the negative values below. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "files.h"

enum {
    TERN_FRAME_BYTES = 128,       /* the most of a message that is looked at */
    TERN_FRAME_DESCRIPTORS = 2,   /* one is allowed; the second says that there were more */
    TERN_SEAL_NOT_MEMORY = -11,   /* not a memfd of ordinary pages */
    TERN_SEAL_MISSING = -12,      /* its size or its bytes can still change */
    TERN_SEAL_COUNT = -13,        /* it has another number of bytes */
    TERN_SEAL_HOLES = -14,        /* some of its pages were never written */
};

/* A connection taken from a listening socket. EAGAIN: none waits. */
int tern_frames_accept(int listener, int *descriptor, int64_t *uid, int64_t *pid);

/* One message, with the descriptors that came with it: all are the receiver's to close. `count` is that of the message, which may be more than was
   kept; `cut` says that descriptors were left out. EAGAIN: none waits; a message of no bytes cannot be told from the end, EPIPE. */
typedef struct tern_message {
    unsigned char bytes[TERN_FRAME_BYTES];
    size_t count;
    int cut;
    int descriptor_count;
    int descriptors[TERN_FRAME_DESCRIPTORS];
} tern_message;
int tern_frames_receive(int connection, tern_message *message);

/* Sends one message at once or not at all: EAGAIN when the reader is too far behind, EMSGSIZE when it is too long for one. */
int tern_frames_send(int connection, const void *bytes, size_t count);

/* 1 when a descriptor is shared memory: closing it waits for no file system. */
int tern_is_shared_memory(int descriptor);
/* Maps a sealed memfd of exactly `count` > 0 bytes, read-only. */
int tern_map_sealed(int descriptor, size_t count, tern_mapping *mapping);

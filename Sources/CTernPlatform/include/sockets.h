/* Unix sockets to listen on. Functions that return int give 0, an errno value or one of the values below unless they say otherwise. */
#pragma once

#include <stdint.h>

enum {
    TERN_SOCKET_ANSWERED = -1,     /* a server listens at the path, or is about to */
    TERN_SOCKET_NOT_A_SOCKET = -2, /* the path is something else */
    TERN_SOCKET_PATH_TOO_LONG = -3,
    TERN_SOCKET_NOT_LISTENING = -4,
};

/* A socket and the file that binding it made. */
typedef struct tern_listener {
    int descriptor;
    int replaced; /* a socket file nobody listened on was in the way */
    uint64_t device, inode;
} tern_listener;

/* Binds and listens with `mode`, for `group` (-1: that of the process). A socket file nobody listens on is replaced. Servers take turns by a lock on `path`.lock,
   which is there only meanwhile; one that has waited two seconds for its turn gets TERN_SOCKET_ANSWERED. `packets`: a socket of messages (SOCK_SEQPACKET), not
   of bytes. */
int tern_listen_unix(const char *path, int packets, unsigned mode, int64_t group, int backlog, tern_listener *listener);
/* 1 and descriptor 3 when the process was started with a listening socket (LISTEN_PID, LISTEN_FDS), 0 when not, or TERN_SOCKET_NOT_LISTENING. */
int tern_adopt_listener(int *descriptor);
/* Sends `state` to the socket that NOTIFY_SOCKET names; 0 also when it names none. The first call connects it, one without text does only that.
   It never waits: EAGAIN when the manager is behind with reading. One thread. */
int tern_notify(const char *state);
/* Removes the path when it still is the file that `listener` made; `listener` must not be closed yet. */
void tern_remove_socket(const char *path, const tern_listener *listener);

#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_NAME_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof ".lock",
    /* Ten milliseconds each. */
    LIMIT_TURN_ATTEMPTS = 200,
};

static int fill_address(const char *path, struct sockaddr_un *address)
{
    size_t count = strlen(path);
    if (count == 0 || count >= sizeof address->sun_path)
        return TERN_SOCKET_PATH_TOO_LONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, count + 1);
    return 0;
}

/* Makes way at the path: 0 when nothing is there any more. */
static int clear_path(const char *path, const struct sockaddr_un *address, int *replaced)
{
    struct stat found;
    if (lstat(path, &found) != 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(found.st_mode))
        return TERN_SOCKET_NOT_A_SOCKET;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return errno;
    int failure = connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    close(probe);
    /* EAGAIN: someone listens, and its backlog is full. EPROTOTYPE: on a socket of packets. */
    if (failure == 0 || failure == EAGAIN || failure == EPROTOTYPE)
        return TERN_SOCKET_ANSWERED;
    if (failure != ECONNREFUSED)
        return failure;
    if (unlink(path) != 0)
        return errno;
    *replaced = 1;
    return 0;
}

/* Where two servers take turns at a path: a listener between bind and listen must not look like one that has gone. */
static int lock_name(const char *path, char *name, size_t count)
{
    int written = snprintf(name, count, "%s.lock", path);
    return written < 0 || (size_t)written >= count ? TERN_SOCKET_PATH_TOO_LONG : 0;
}

/* One attempt: 0 and the descriptor, EWOULDBLOCK while another server has its turn, or errno. */
static int try_turn(const char *name, int *turn)
{
    struct stat held, named;
    int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (file < 0)
        return errno;
    int failure = flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (failure == 0 && fstat(file, &held) != 0)
        failure = errno;
    /* Whoever had the turn before may have removed the file that was opened here: then the lock is on no name. */
    if (failure == 0 && (lstat(name, &named) != 0 || named.st_dev != held.st_dev || named.st_ino != held.st_ino))
        failure = EWOULDBLOCK;
    if (failure != 0) {
        close(file);
        return failure;
    }
    *turn = file;
    return 0;
}

static int take_turn(const char *path, int *turn)
{
    char name[LOCK_NAME_BYTES];
    int failure = lock_name(path, name, sizeof name);
    if (failure != 0)
        return failure;
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    for (int attempt = 0; attempt < LIMIT_TURN_ATTEMPTS; attempt++) {
        failure = try_turn(name, turn);
        if (failure != EWOULDBLOCK)
            return failure;
        nanosleep(&pause, NULL);
    }
    return TERN_SOCKET_ANSWERED;
}

static void end_turn(const char *path, int turn)
{
    char name[LOCK_NAME_BYTES];
    struct stat held;
    /* A file of someone else that bears the name is not ours to remove. */
    if (lock_name(path, name, sizeof name) == 0 && fstat(turn, &held) == 0 && S_ISREG(held.st_mode) && held.st_size == 0)
        unlink(name);
    close(turn);
}

static int bind_and_listen(const char *path, const struct sockaddr_un *address, int type, unsigned mode, int64_t group, int backlog, tern_listener *listener)
{
    struct stat made;
    int descriptor = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return errno;
    mode_t before = umask(~(mode_t)mode & 0777);
    int failure = bind(descriptor, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    umask(before);
    int bound = failure == 0;
    /* Nobody can connect before it listens. */
    if (failure == 0 && group >= 0 && lchown(path, (uid_t)-1, (gid_t)group) != 0)
        failure = errno;
    if (failure == 0 && lstat(path, &made) != 0)
        failure = errno;
    if (failure == 0 && listen(descriptor, backlog) != 0)
        failure = errno;
    if (failure != 0) {
        if (bound)
            unlink(path);
        close(descriptor);
        return failure;
    }
    listener->descriptor = descriptor;
    listener->device = (uint64_t)made.st_dev;
    listener->inode = (uint64_t)made.st_ino;
    return 0;
}

int tern_listen_unix(const char *path, int packets, unsigned mode, int64_t group, int backlog, tern_listener *listener)
{
    struct sockaddr_un address;
    int turn = -1;
    *listener = (tern_listener){.descriptor = -1};
    int failure = fill_address(path, &address);
    if (failure == 0)
        failure = take_turn(path, &turn);
    if (failure != 0)
        return failure;
    failure = clear_path(path, &address, &listener->replaced);
    if (failure == 0)
        failure = bind_and_listen(path, &address, packets ? SOCK_SEQPACKET : SOCK_STREAM, mode, group, backlog, listener);
    end_turn(path, turn);
    return failure;
}

int tern_adopt_listener(int *descriptor)
{
    const char *process = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (!process || !count || strtoull(process, NULL, 10) != (unsigned long long)getpid())
        return 0;
    int listening = 0, family = 0;
    socklen_t bytes = sizeof listening;
    if (strtoull(count, NULL, 10) != 1 || getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes) != 0 || !listening)
        return TERN_SOCKET_NOT_LISTENING;
    bytes = sizeof family;
    if (getsockopt(3, SOL_SOCKET, SO_DOMAIN, &family, &bytes) != 0 || family != AF_UNIX)
        return TERN_SOCKET_NOT_LISTENING;
    fcntl(3, F_SETFD, FD_CLOEXEC);
    fcntl(3, F_SETFL, fcntl(3, F_GETFL) | O_NONBLOCK);
    *descriptor = 3;
    return 1;
}

/* A connected socket is all that is needed later, when no other can be made: -2 before the first look, -1 without a manager. */
static int manager = -2;

static void connect_manager(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    manager = -1;
    if (!path || fill_address(path, &address) != 0)
        return;
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = 0; /* an abstract name */
    int channel = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (channel >= 0 && connect(channel, (const struct sockaddr *)&address, bytes) == 0)
        manager = channel;
    else if (channel >= 0)
        close(channel);
}

int tern_notify(const char *state)
{
    if (manager == -2)
        connect_manager();
    if (manager < 0 || !*state)
        return 0;
    /* A manager that reads nothing must not hold up the event loop. */
    return send(manager, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno : 0;
}

void tern_remove_socket(const char *path, const tern_listener *listener)
{
    struct stat found;
    int turn = -1;
    /* Without a turn the file stays: nobody will listen on it, and the next server replaces it. */
    if (take_turn(path, &turn) != 0)
        return;
    /* The descriptor still holds the inode, so that no other socket has its number. */
    if (lstat(path, &found) == 0 && S_ISSOCK(found.st_mode) && (uint64_t)found.st_dev == listener->device &&
        (uint64_t)found.st_ino == listener->inode)
        unlink(path);
    end_turn(path, turn);
}

#include "frames.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    NEEDED_SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
    TMPFS_KIND = 0x01021994,
    BLOCK_BYTES = 512, /* of st_blocks */
};

int tern_frames_accept(int listener, int *descriptor, int64_t *uid, int64_t *pid)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0)
        return errno;
    int known = getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0;
    *descriptor = connection;
    *uid = known ? (int64_t)peer.uid : -1;
    *pid = known ? (int64_t)peer.pid : -1;
    return 0;
}

/* Takes over what the kernel has given us: more descriptors than one come when there is room for them. */
static void take_descriptors(struct msghdr *header, tern_message *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(part) + i * sizeof descriptor, sizeof descriptor);
            if (message->descriptor_count < TERN_FRAME_DESCRIPTORS)
                message->descriptors[message->descriptor_count++] = descriptor;
            else
                close(descriptor);
        }
    }
}

int tern_frames_receive(int connection, tern_message *message)
{
    /* Room for two: the kernel drops and does not install what does not fit, and says so. */
    union {
        struct cmsghdr aligned;
        char bytes[CMSG_LEN(TERN_FRAME_DESCRIPTORS * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = message->bytes, .iov_len = sizeof message->bytes};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};
    message->count = 0;
    message->cut = 0;
    message->descriptor_count = 0;
    ssize_t count;
    do {
        count = recvmsg(connection, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return errno;
    take_descriptors(&header, message);
    message->count = (size_t)count;
    message->cut = (header.msg_flags & MSG_CTRUNC) != 0;
    return count == 0 ? EPIPE : 0;
}

int tern_frames_send(int connection, const void *bytes, size_t count)
{
    ssize_t sent;
    do {
        sent = send(connection, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

/* No call here may reach a file system that takes its time: the seals are asked of the kernel's own memory alone. */
int tern_is_shared_memory(int descriptor) { return fcntl(descriptor, F_GET_SEALS) >= 0; }

int tern_map_sealed(int descriptor, size_t count, tern_mapping *mapping)
{
    struct statfs system;
    struct stat status;
    int seals = fcntl(descriptor, F_GET_SEALS);
    if (seals < 0)
        return TERN_SEAL_NOT_MEMORY;
    if ((seals & NEEDED_SEALS) != NEEDED_SEALS)
        return TERN_SEAL_MISSING;
    /* From here on neither size nor bytes can change. Huge pages, of which there may be none left, are of another file system. */
    if (fstatfs(descriptor, &system) != 0 || fstat(descriptor, &status) != 0)
        return errno;
    if (system.f_type != TMPFS_KIND || !S_ISREG(status.st_mode))
        return TERN_SEAL_NOT_MEMORY;
    if (status.st_size < 0 || (uintmax_t)status.st_size != count || count == 0)
        return TERN_SEAL_COUNT;
    /* A page that is not there yet would be made when we read it, of our memory, and end this process when there is none. */
    if ((uintmax_t)status.st_blocks * BLOCK_BYTES < count)
        return TERN_SEAL_HOLES;
    void *start = mmap(NULL, count, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (start == MAP_FAILED)
        return errno;
    mapping->start = start;
    mapping->count = count;
    return 0;
}

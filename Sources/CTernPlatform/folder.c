#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system.h"

int tern_notify_open(int *descriptor)
{
    int opened = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (opened < 0)
        return errno;
    *descriptor = opened;
    return 0;
}

int tern_notify_add(int descriptor, const char *path, int is_parent, int *watch)
{
    uint32_t mask = IN_ONLYDIR | IN_DELETE_SELF | IN_MOVE_SELF;
    mask |= is_parent ? IN_CREATE | IN_DELETE | IN_MOVE : IN_CLOSE_WRITE | IN_MOVED_TO | IN_EXCL_UNLINK;
    int added = inotify_add_watch(descriptor, path, mask);
    if (added < 0)
        return errno;
    *watch = added;
    return 0;
}

void tern_notify_remove(int descriptor, int watch) { inotify_rm_watch(descriptor, watch); }

void tern_notify_read(int descriptor, void (*each)(void *context, int watch, int notice, const char *name), void *context)
{
    _Alignas(struct inotify_event) char events[16 << 10];
    ssize_t count = read(descriptor, events, sizeof events);
    /* The kernel gives whole events, each with room for its terminated name. */
    for (ssize_t at = 0; at < count;) {
        const struct inotify_event *event = (const struct inotify_event *)(events + at);
        const char *name = event->len > 0 ? event->name : "";
        if (event->mask & IN_Q_OVERFLOW)
            each(context, event->wd, TERN_NOTICE_LOST, name);
        else if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED))
            each(context, event->wd, TERN_NOTICE_GONE, name);
        else if (event->mask & IN_ISDIR)
            each(context, event->wd, TERN_NOTICE_ENTRY, name);
        else if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO))
            each(context, event->wd, TERN_NOTICE_FILE, name);
        at += (ssize_t)(sizeof *event + event->len);
    }
}

int tern_folder_open(const char *path, int *directory)
{
    int opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
        return errno;
    *directory = opened;
    return 0;
}

int tern_folder_inside(int directory, const char *name, int *inside)
{
    if (mkdirat(directory, name, 0750) != 0 && errno != EEXIST)
        return errno;
    int opened = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (opened < 0)
        return errno;
    *inside = opened;
    return 0;
}

int tern_folder_lock(int directory) { return flock(directory, LOCK_EX | LOCK_NB) == 0 ? 0 : errno; }

int tern_folder_is_linked(int directory)
{
    struct stat found;
    return fstat(directory, &found) == 0 && found.st_nlink > 0;
}

int tern_folder_is_at(int directory, const char *path)
{
    struct stat own, named;
    return fstat(directory, &own) == 0 && stat(path, &named) == 0 && own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

/* A lease for reading is given only while nobody has the file open for writing, to its owner and to the superuser. Who opens it for writing
   before the lease is given back waits that long; the signal that this sends us is ignored (tern_ignore_signals). */
static int is_written(int directory, const char *name)
{
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return -1;
    int written = 0;
    if (fcntl(file, F_SETLEASE, F_RDLCK) != 0)
        written = errno == EAGAIN ? 1 : -1;
    else
        fcntl(file, F_SETLEASE, F_UNLCK);
    close(file);
    return written;
}

int tern_folder_look(int directory, const char *name, tern_look *look)
{
    struct stat found;
    if (fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    look->is_regular = S_ISREG(found.st_mode);
    look->byte_count = found.st_size > 0 ? (uint64_t)found.st_size : 0;
    look->changed = (int64_t)found.st_ctim.tv_sec * 1000000000 + found.st_ctim.tv_nsec;
    look->is_written = look->is_regular ? is_written(directory, name) : -1;
    return 0;
}

int tern_folder_move(int from, const char *name, int to, const char *new_name)
{
    if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* A file system that cannot do both at once; nobody but us makes names there. */
    struct stat found;
    if (fstatat(to, new_name, &found, AT_SYMLINK_NOFOLLOW) == 0)
        return EEXIST;
    return renameat(from, name, to, new_name) == 0 ? 0 : errno;
}

int tern_folder_write(int directory, const char *name, const void *bytes, size_t count)
{
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (file < 0)
        return errno;
    int failure = tern_write_all(file, bytes, count);
    if (failure == 0 && fsync(file) != 0)
        failure = errno;
    if (close(file) != 0 && failure == 0)
        failure = errno;
    if (failure != 0)
        unlinkat(directory, name, 0);
    return failure;
}

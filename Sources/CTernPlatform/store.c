#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system.h"

int tern_store_open(const char *path, unsigned mode, int is_inside, int *directory)
{
    int failure = tern_make_directory(path, mode);
    if (failure != 0)
        return failure;
    int opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_inside ? O_NOFOLLOW : 0));
    if (opened < 0)
        return errno;
    *directory = opened;
    return 0;
}

int tern_store_list(int directory, void (*each)(void *context, const char *name), void *context)
{
    int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (again < 0)
        return errno;
    DIR *listing = fdopendir(again);
    if (listing == NULL) {
        int failure = errno;
        close(again);
        return failure;
    }
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(listing)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(context, entry->d_name);
        errno = 0;
    }
    int failure = errno;
    closedir(listing);
    return failure;
}

int tern_store_write(int directory, const char *temporary, const char *name, const void *head, size_t head_count, const void *body,
                     size_t body_count)
{
    int file = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return errno;
    int failure = tern_write_all(file, head, head_count);
    if (failure == 0)
        failure = tern_write_all(file, body, body_count);
    if (failure == 0 && fsync(file) != 0)
        failure = errno;
    if (close(file) != 0 && failure == 0)
        failure = errno;
    if (failure == 0 && renameat(directory, temporary, directory, name) != 0)
        failure = errno;
    if (failure != 0)
        unlinkat(directory, temporary, 0);
    return failure;
}

int tern_store_sync(int directory) { return fsync(directory) == 0 ? 0 : errno; }

int tern_store_remove(int directory, const char *name) { return unlinkat(directory, name, 0) == 0 ? 0 : errno; }

int tern_store_overwrite(int directory, const char *name, const void *bytes, size_t count)
{
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
    if (file < 0)
        return errno;
    int failure = tern_write_all(file, bytes, count);
    if (close(file) != 0 && failure == 0)
        failure = errno;
    return failure;
}

int tern_store_move(int directory, const char *name, int target, const char *target_name)
{
    return renameat(directory, name, target, target_name) == 0 ? 0 : errno;
}

int tern_store_written_at(int directory, const char *name, int64_t *seconds)
{
    struct stat found;
    if (fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    *seconds = found.st_mtim.tv_sec;
    return 0;
}

int tern_store_read(int directory, const char *name, int *descriptor, uint64_t *byte_count)
{
    struct stat found;
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return errno;
    int failure = fstat(file, &found) == 0 ? 0 : errno;
    if (failure == 0 && !S_ISREG(found.st_mode))
        failure = EINVAL;
    if (failure != 0) {
        close(file);
        return failure;
    }
    *descriptor = file;
    *byte_count = (uint64_t)found.st_size;
    return 0;
}

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_retrying(const char *path, int flags, mode_t mode) {
    int descriptor;
    do {
        descriptor = open(path, flags, mode);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

int tern_open_file(const char *path, size_t limit, int *descriptor, size_t *count) {
    /* O_NONBLOCK: a named pipe without a writer must not stop us before fstat tells that it is one. */
    int file = open_retrying(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (file < 0) return errno;
    struct stat status;
    int failure = 0;
    if (fstat(file, &status) != 0) failure = errno;
    else if (!S_ISREG(status.st_mode)) failure = TERN_FILE_NOT_REGULAR;
    else if (status.st_size < 0 || (uintmax_t)status.st_size > limit) failure = TERN_FILE_TOO_LARGE;
    if (failure != 0) {
        close(file);
        return failure;
    }
    *descriptor = file;
    *count = (size_t)status.st_size;
    return 0;
}

int tern_map_file(const char *path, tern_mapping *mapping) {
    int descriptor;
    size_t count;
    int failure = tern_open_file(path, PTRDIFF_MAX, &descriptor, &count);
    if (failure != 0) return failure;
    void *start = NULL;
    if (count == 0) {
        failure = TERN_FILE_EMPTY;
    } else {
        start = mmap(NULL, count, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (start == MAP_FAILED) failure = errno;
    }
    close(descriptor);
    if (failure != 0) return failure;
    mapping->start = start;
    mapping->count = count;
    return 0;
}

int tern_map_copy(const void *bytes, size_t count, tern_mapping *mapping) {
    void *start = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return errno;
    memcpy(start, bytes, count);
    if (mprotect(start, count, PROT_READ) != 0) {
        int failure = errno;
        munmap(start, count);
        return failure;
    }
    mapping->start = start;
    mapping->count = count;
    return 0;
}

void tern_unmap(const void *start, size_t count) { munmap((void *)(uintptr_t)start, count); }

int tern_read_descriptor(int descriptor, void *bytes, size_t count, size_t *done) {
    size_t total = 0;
    while (total < count) {
        ssize_t got = read(descriptor, (char *)bytes + total, count - total);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) break;
        total += (size_t)got;
    }
    *done = total;
    return 0;
}

void tern_close_descriptor(int descriptor) { close(descriptor); }

static int write_all(int descriptor, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t done = write(descriptor, bytes, count);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno;
        bytes += done;
        count -= (size_t)done;
    }
    return 0;
}

char *tern_real_path(const char *path) { return realpath(path, NULL); }

void tern_free_path(char *path) { free(path); }

static int flush_directory_of(const char *path) {
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        strcpy(directory, ".");
    } else {
        size_t count = slash == path ? 1 : (size_t)(slash - path);
        memcpy(directory, path, count);
        directory[count] = 0;
    }
    int descriptor = open_retrying(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (descriptor < 0) return errno;
    int failure = fsync(descriptor) == 0 ? 0 : errno;
    close(descriptor);
    return failure;
}

int tern_replace_file(const char *path, const void *bytes, size_t count, unsigned mode) {
    char temporary[PATH_MAX];
    int descriptor = -1;
    for (int attempt = 0; attempt < 100 && descriptor < 0; attempt++) {
        int written = snprintf(temporary, sizeof temporary, "%s.%ld.%d.tmp", path, (long)getpid(), attempt);
        if (written < 0 || (size_t)written >= sizeof temporary) return ENAMETOOLONG;
        descriptor = open_retrying(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
        if (descriptor < 0 && errno != EEXIST) return errno;
    }
    if (descriptor < 0) return EEXIST;
    int failure = write_all(descriptor, bytes, count);
    if (failure == 0 && fsync(descriptor) != 0) failure = errno;
    if (close(descriptor) != 0 && failure == 0) failure = errno;
    if (failure == 0 && rename(temporary, path) != 0) failure = errno;
    if (failure != 0) {
        unlink(temporary);
        return failure;
    }
    return flush_directory_of(path);
}

#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static int argument_count;
static char **arguments;

/* The C library hands constructors the arguments of main. */
__attribute__((constructor)) static void keep_arguments(int count, char **values)
{
    argument_count = count;
    arguments = values;
}

int tern_argument_count(void) { return argument_count; }

const char *tern_argument(int index) { return index >= 0 && index < argument_count ? arguments[index] : NULL; }

const char *tern_environment(const char *name) { return getenv(name); }

void tern_exit(int code) { exit(code); }

void tern_ignore_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    /* Of a lease that tern_folder_look is about to give back. */
    signal(SIGIO, SIG_IGN);
}

/* Linked with --wrap, every call of these functions in the program's objects and archives arrives here. */
static _Atomic uint64_t allocations;

uint64_t tern_allocation_count(void) { return atomic_load(&allocations); }

void *__real_malloc(size_t) __attribute__((weak));
void *__real_calloc(size_t, size_t) __attribute__((weak));
void *__real_realloc(void *, size_t) __attribute__((weak));
void *__real_aligned_alloc(size_t, size_t) __attribute__((weak));
int __real_posix_memalign(void **, size_t, size_t) __attribute__((weak));
void *__wrap_malloc(size_t count);
void *__wrap_calloc(size_t count, size_t each);
void *__wrap_realloc(void *old, size_t count);
void *__wrap_aligned_alloc(size_t alignment, size_t count);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t count);

void *__wrap_malloc(size_t count)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __real_malloc(count);
}

void *__wrap_calloc(size_t count, size_t each)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __real_calloc(count, each);
}

void *__wrap_realloc(void *old, size_t count)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __real_realloc(old, count);
}

void *__wrap_aligned_alloc(size_t alignment, size_t count)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __real_aligned_alloc(alignment, count);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t count)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __real_posix_memalign(memory, alignment, count);
}

int tern_is_terminal(int descriptor)
{
    return isatty(descriptor);
}

int tern_is_journal(int descriptor)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat found;
    char *end = NULL;
    if (!stream || fstat(descriptor, &found) != 0)
        return 0;
    unsigned long long device = strtoull(stream, &end, 10);
    return *end == ':' && device == found.st_dev && strtoull(end + 1, NULL, 10) == found.st_ino;
}

unsigned tern_watchdog_milliseconds(void)
{
    const char *period = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
    if (!period || (process && strtoull(process, NULL, 10) != (unsigned long long)getpid()))
        return 0;
    unsigned long long milliseconds = strtoull(period, NULL, 10) / 1000;
    return milliseconds > 1u << 31 ? 1u << 31 : (unsigned)milliseconds;
}

/* 32 MiB is the most that the C library takes for the first. */
void tern_keep_freed_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

/* Not getrusage: its figure survives exec and may be that of the program that started this one. */
uint64_t tern_peak_resident_bytes(void)
{
    char text[4096];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0)
        return 0;
    text[count] = 0;
    const char *line = strstr(text, "VmHWM:");
    return line ? strtoull(line + 6, NULL, 10) * 1024 : 0;
}

int tern_write_all(int descriptor, const void *bytes, size_t count)
{
    const char *next = bytes;
    while (count > 0) {
        ssize_t written = write(descriptor, next, count);
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return errno;
        }
        next += written;
        count -= (size_t)written;
    }
    return 0;
}

static pthread_mutex_t messages = PTHREAD_MUTEX_INITIALIZER;
static int messages_wait = 1;
static uint64_t lost_messages;

void tern_messages_never_wait(void) { messages_wait = 0; }

/* A pipe that can be written takes a page, and a socket more than that: a message is shorter. */
static int takes_message(void)
{
    struct pollfd output = {.fd = 2, .events = POLLOUT};
    return messages_wait || (poll(&output, 1, 0) == 1 && output.revents & POLLOUT);
}

void tern_write_message(const void *text, size_t count, uint64_t told)
{
    /* One at a time: between the look and the write no other thread takes the room. */
    pthread_mutex_lock(&messages);
    if (!takes_message()) {
        lost_messages++;
    } else {
        tern_write_all(2, text, count);
        lost_messages -= told < lost_messages ? told : lost_messages;
    }
    pthread_mutex_unlock(&messages);
}

uint64_t tern_lost_messages(void)
{
    pthread_mutex_lock(&messages);
    uint64_t count = lost_messages;
    pthread_mutex_unlock(&messages);
    return count;
}

int tern_fill_random(void *bytes, size_t count)
{
    char *next = bytes;
    while (count > 0) {
        ssize_t got = getrandom(next, count, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return errno;
        }
        next += got;
        count -= (size_t)got;
    }
    return 0;
}

uint64_t tern_monotonic_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t tern_elapsed_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void tern_utc_now(tern_utc *now)
{
    struct timespec clock;
    struct tm fields;
    clock_gettime(CLOCK_REALTIME, &clock);
    gmtime_r(&clock.tv_sec, &fields);
    *now = (tern_utc){
        fields.tm_year + 1900, fields.tm_mon + 1, fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec, (int)(clock.tv_nsec / 1000000),
    };
}

int64_t tern_utc_seconds(void)
{
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    return clock.tv_sec;
}

/* A new name is on the disk only when its directory is. */
static int sync_directory_of(const char *path)
{
    char name[4096];
    const char *slash = strrchr(path, '/');
    size_t count = slash ? (size_t)(slash - path) : 0;
    if (count >= sizeof name)
        return ENAMETOOLONG;
    memcpy(name, path, count);
    name[count] = 0;
    int directory = open(count ? name : slash ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return errno;
    int failure = fsync(directory) == 0 ? 0 : errno;
    close(directory);
    return failure;
}

int tern_make_directory(const char *path, unsigned mode)
{
    struct stat found;
    if (mkdir(path, mode) == 0) {
        int failure = sync_directory_of(path);
        /* A parent that may be entered and not read cannot be synced by us. */
        return failure == EACCES ? 0 : failure;
    }
    if (errno != EEXIST)
        return errno;
    if (stat(path, &found) != 0)
        return errno;
    return S_ISDIR(found.st_mode) ? 0 : ENOTDIR;
}

int tern_lock_file(const char *path, int *descriptor)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (file < 0)
        return errno;
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        int failure = errno;
        close(file);
        return failure;
    }
    *descriptor = file;
    return 0;
}

int tern_free_bytes(const char *path, uint64_t *bytes)
{
    struct statvfs found;
    if (statvfs(path, &found) != 0)
        return errno;
    if (__builtin_mul_overflow((uint64_t)found.f_bavail, (uint64_t)found.f_frsize, bytes))
        *bytes = UINT64_MAX;
    return 0;
}

int tern_append_open(const char *path, unsigned mode, int *descriptor, uint64_t *byte_count)
{
    struct stat found;
    int file = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
    if (file < 0)
        return errno;
    int failure = fstat(file, &found) == 0 ? 0 : errno;
    if (failure == 0 && !S_ISREG(found.st_mode))
        failure = EINVAL;
    if (failure == 0)
        failure = sync_directory_of(path);
    if (failure != 0) {
        close(file);
        return failure;
    }
    *descriptor = file;
    *byte_count = (uint64_t)found.st_size;
    return 0;
}

int tern_append(int descriptor, const void *bytes, size_t count)
{
    int failure = tern_write_all(descriptor, bytes, count);
    if (failure == 0 && fdatasync(descriptor) != 0)
        failure = errno;
    return failure;
}

int tern_truncate(int descriptor, uint64_t byte_count)
{
    if (ftruncate(descriptor, (off_t)byte_count) != 0 || fsync(descriptor) != 0)
        return errno;
    return 0;
}

int tern_read_at(int descriptor, uint64_t offset, void *bytes, size_t count)
{
    char *next = bytes;
    while (count > 0) {
        ssize_t got = pread(descriptor, next, count, (off_t)offset);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return errno;
        }
        if (got == 0)
            return EIO;
        next += got;
        offset += (uint64_t)got;
        count -= (size_t)got;
    }
    return 0;
}

void tern_close(int descriptor) { close(descriptor); }

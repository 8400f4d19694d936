#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "store.h"
#include "system.h"

int tern_entry_look(const char *path, tern_entry *entry)
{
    struct stat found;
    if (lstat(path, &found) != 0)
        return errno;
    entry->kind = S_ISREG(found.st_mode)   ? TERN_ENTRY_FILE
                  : S_ISDIR(found.st_mode) ? TERN_ENTRY_FOLDER
                  : S_ISLNK(found.st_mode) ? TERN_ENTRY_LINK
                                           : TERN_ENTRY_OTHER;
    entry->byte_count = found.st_size > 0 ? (uint64_t)found.st_size : 0;
    entry->written = (int64_t)found.st_mtim.tv_sec * 1000000000 + found.st_mtim.tv_nsec;
    entry->device = found.st_dev;
    entry->inode = found.st_ino;
    return 0;
}

int tern_entry_list(const char *path, void (*each)(void *context, const char *name), void *context)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return errno;
    int failure = tern_store_list(folder, each, context);
    close(folder);
    return failure;
}

int tern_entry_start(const char *path, void *bytes, size_t count, size_t *done)
{
    int file;
    size_t all;
    int failure = tern_open_file(path, SIZE_MAX, &file, &all);
    if (failure != 0)
        return failure;
    failure = tern_read_descriptor(file, bytes, count, done);
    close(file);
    return failure;
}

int tern_stage_open(const char *path, int *descriptor)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return errno;
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (file < 0)
        return errno;
    *descriptor = file;
    return 0;
}

static void flush_parent(const char *path)
{
    char *folder = strdup(path);
    if (!folder)
        return;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    int opened = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened >= 0) {
        fsync(opened);
        close(opened);
    }
    free(folder);
}

int tern_stage_finish(int descriptor, const char *path, const char *name)
{
    int failure = fsync(descriptor) == 0 ? 0 : errno;
    if (close(descriptor) != 0 && failure == 0)
        failure = errno;
    if (failure == 0 && rename(path, name) != 0)
        failure = errno;
    if (failure != 0)
        unlink(path);
    else
        flush_parent(name);
    return failure;
}

void tern_stage_abandon(int descriptor, const char *path)
{
    close(descriptor);
    unlink(path);
}

static volatile sig_atomic_t stop;

static void ask_to_stop(int signal)
{
    (void)signal;
    stop = 1;
}

void tern_stop_catch(void)
{
    struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) {
        struct sigaction before;
        /* What whoever started us ignores stays ignored: nohup. */
        if (sigaction(signals[index], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[index], &action, NULL);
    }
}

int tern_stop_is_asked(void) { return stop; }

int tern_terminal_columns(int descriptor)
{
    struct winsize window;
    return isatty(descriptor) && ioctl(descriptor, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

int tern_cpu_count(void)
{
    cpu_set_t allowed;
    int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    return count > 0 ? count : 1;
}

struct tern_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
};

tern_monitor *tern_monitor_create(void)
{
    tern_monitor *monitor = malloc(sizeof *monitor);
    if (!monitor)
        return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&monitor->mutex, NULL);
    pthread_cond_init(&monitor->condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return monitor;
}

void tern_monitor_free(tern_monitor *monitor)
{
    pthread_cond_destroy(&monitor->condition);
    pthread_mutex_destroy(&monitor->mutex);
    free(monitor);
}

void tern_monitor_take(tern_monitor *monitor) { pthread_mutex_lock(&monitor->mutex); }
void tern_monitor_give(tern_monitor *monitor) { pthread_mutex_unlock(&monitor->mutex); }
void tern_monitor_wake(tern_monitor *monitor) { pthread_cond_broadcast(&monitor->condition); }

void tern_monitor_wait(tern_monitor *monitor, unsigned milliseconds)
{
    if (milliseconds == 0) {
        pthread_cond_wait(&monitor->condition, &monitor->mutex);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&monitor->condition, &monitor->mutex, &until);
}

/* Makes system calls of a program fail: loaded before the C library (LD_PRELOAD), into dynamic programs only.

   TERN_FAULTS holds rules between semicolons, each of words: calls joined by +, a path prefix or *, what happens, options.

       write+pwrite+writev /var/lib/tern ENOSPC p=0.05; fsync * EIO nth=3; malloc * ENOMEM over=4096 times=1

   Half of a small file that is written over as a whole is not left: that call is done, fails, or is not made.

   What happens: an errno name (the call is not made); SHORT, a write of half its bytes; TORN, half of them and then EIO; KILL, half of them
   and then SIGKILL (other calls: SIGKILL before the call); DELAY, a tenth of a second.
   Options: p=SHARE of the calls, nth=N the Nth alone, from=N from the Nth on, times=N at most so often, over=N bytes at least, seed=N.
   Without p, nth or from: every call.

   TERN_FAULTS_CONTROL names a file of 1024 bytes that both sides map: int32 at 0, rules hold while it is not 0; int64 at 8, nanoseconds
   added to the time of day; from 16 on two uint64 a rule, how often it met a call and how often it acted. Without the file rules always hold.
   The choice of p depends on the seed, the rule and the number of the call alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { RULES = 32, CONTROL_BYTES = 1024 };

typedef enum { NOTHING = 0, SHORT = -1, TORN = -2, KILL = -3, DELAY = -4 } special; /* positive: an errno */

typedef struct {
    char calls[128], prefix[256];
    int action;
    double share;
    uint64_t nth, from, times, over, seed;
} rule;

typedef struct {
    int32_t armed, unused;
    int64_t shift;
    struct { uint64_t met, acted; } counts[RULES];
} control;

static rule rules[RULES];
static int rule_count;
static control own = {.armed = 1};
static control *shared = &own;
static __thread int inside __attribute__((tls_model("initial-exec")));

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

static int number_of(const char *name) {
    static const struct { const char *name; int number; } names[] = {
        {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"ENOMEM", ENOMEM}, {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"EINTR", EINTR}, {"EDQUOT", EDQUOT},
        {"EROFS", EROFS}, {"EACCES", EACCES}, {"ENOSYS", ENOSYS}, {"EAGAIN", EAGAIN}, {"SHORT", SHORT}, {"TORN", TORN}, {"KILL", KILL}, {"DELAY", DELAY}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0) return names[i].number;
    fprintf(stderr, "faults: unknown %s\n", name);
    _exit(64);
}

static void parse(char *text) {
    char *end_rule = NULL, *end_word = NULL;
    for (char *one = strtok_r(text, ";", &end_rule); one && rule_count < RULES; one = strtok_r(NULL, ";", &end_rule)) {
        rule *now = &rules[rule_count];
        int place = 0;
        *now = (rule){.share = 1, .seed = 1};
        for (char *word = strtok_r(one, " ", &end_word); word; word = strtok_r(NULL, " ", &end_word), place++) {
            char *value = strchr(word, '=');
            if (place == 0) snprintf(now->calls, sizeof now->calls, "+%s+", word);
            else if (place == 1) snprintf(now->prefix, sizeof now->prefix, "%s", strcmp(word, "*") == 0 ? "" : word);
            else if (place == 2) now->action = number_of(word);
            else if (!value) { fprintf(stderr, "faults: %s is no option\n", word); _exit(64); }
            else if (strncmp(word, "p=", 2) == 0) now->share = atof(value + 1);
            else if (strncmp(word, "nth=", 4) == 0) now->nth = strtoull(value + 1, NULL, 10);
            else if (strncmp(word, "from=", 5) == 0) now->from = strtoull(value + 1, NULL, 10);
            else if (strncmp(word, "times=", 6) == 0) now->times = strtoull(value + 1, NULL, 10);
            else if (strncmp(word, "over=", 5) == 0) now->over = strtoull(value + 1, NULL, 10);
            else if (strncmp(word, "seed=", 5) == 0) now->seed = strtoull(value + 1, NULL, 10);
        }
        if (place >= 3) rule_count++;
    }
}

__attribute__((constructor)) static void begin(void) {
    inside++;
    const char *text = getenv("TERN_FAULTS"), *path = getenv("TERN_FAULTS_CONTROL");
    static char copy[4096];
    if (text) {
        snprintf(copy, sizeof copy, "%s", text);
        parse(copy);
    }
    if (path) {
        int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
        void *start = file < 0 ? MAP_FAILED : (void *)syscall(SYS_mmap, NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (start == MAP_FAILED) { fprintf(stderr, "faults: no control file\n"); _exit(66); }
        syscall(SYS_close, file);
        shared = start;
    }
    inside--;
}

static uint64_t mixed(uint64_t value) { /* splitmix64 */
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static const char *path_of(int descriptor, char buffer[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    long count = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_MAX - 1);
    buffer[count < 0 ? 0 : count] = 0;
    return buffer;
}

/* What is to happen to a call: 0, an errno or a special. `path` may be NULL where the call has none. */
static int decide(const char *call, int descriptor, const char *path, size_t count) {
    if (!rule_count || inside || !__atomic_load_n(&shared->armed, __ATOMIC_RELAXED)) return NOTHING;
    inside++;
    int saved = errno, action = NOTHING;
    char name[48], whole[2 * PATH_MAX], folder[PATH_MAX];
    snprintf(name, sizeof name, "+%s+", call);
    for (int i = 0; i < rule_count && action == NOTHING; i++) {
        const rule *now = &rules[i];
        if (!strstr(now->calls, name) || count < now->over) continue;
        if (now->prefix[0]) {
            if (path && path[0] != '/' && descriptor >= 0) {
                snprintf(whole, sizeof whole, "%s/%s", path_of(descriptor, folder), path);
            } else {
                snprintf(whole, sizeof whole, "%s", path ? path : descriptor >= 0 ? path_of(descriptor, folder) : "");
            }
            if (strncmp(whole, now->prefix, strlen(now->prefix)) != 0) continue;
        }
        uint64_t met = __atomic_add_fetch(&shared->counts[i].met, 1, __ATOMIC_RELAXED);
        if (now->nth && met != now->nth) continue;
        if (met < now->from) continue;
        if (now->share < 1 && (double)(mixed(now->seed * 1000003 + (uint64_t)i * 7919 + met) >> 11) * 0x1p-53 >= now->share) continue;
        if (now->times && __atomic_load_n(&shared->counts[i].acted, __ATOMIC_RELAXED) >= now->times) continue;
        __atomic_add_fetch(&shared->counts[i].acted, 1, __ATOMIC_RELAXED);
        action = now->action;
    }
    if (action == DELAY) {
        struct timespec tenth = {0, 100000000};
        nanosleep(&tenth, NULL);
        action = NOTHING;
    }
    errno = saved;
    inside--;
    return action;
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* True when the call is not to be made; errno is set. */
static int stopped(int action) {
    if (action == KILL) die();
    if (action == NOTHING || action == SHORT) return 0;
    errno = action == TORN ? EIO : action;
    return 1;
}

/* A file of at most one sector that is written over from its beginning: neither a kill nor a power cut leaves half of that. */
static int is_one_sector(int descriptor, size_t count) {
    struct stat found;
    return count <= 512 && !(syscall(SYS_fcntl, descriptor, F_GETFL) & O_APPEND) && syscall(SYS_lseek, descriptor, 0, SEEK_CUR) == 0
        && syscall(SYS_fstat, descriptor, &found) == 0 && S_ISREG(found.st_mode) && found.st_size >= (off_t)count;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    int action = decide("write", descriptor, NULL, count);
    if (action < 0 && action != DELAY && is_one_sector(descriptor, count)) return stopped(action == TORN ? EIO : action) ? -1 : syscall(SYS_write, descriptor, bytes, count);
    if (action < 0 && count > 1) {
        long done = syscall(SYS_write, descriptor, bytes, count / 2);
        if (action == KILL) die();
        if (action == TORN) { errno = EIO; return -1; }
        return done;
    }
    return stopped(action) ? -1 : syscall(SYS_write, descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t place) {
    int action = decide("pwrite", descriptor, NULL, count);
    if (action < 0 && count > 1) {
        long done = syscall(SYS_pwrite64, descriptor, bytes, count / 2, place);
        if (action == KILL) die();
        if (action == TORN) { errno = EIO; return -1; }
        return done;
    }
    return stopped(action) ? -1 : syscall(SYS_pwrite64, descriptor, bytes, count, place);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t place) __attribute__((alias("pwrite")));

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    int action = decide("writev", descriptor, NULL, 0);
    if (action < 0 && count > 0 && parts[0].iov_len > 1) {
        long done = syscall(SYS_write, descriptor, parts[0].iov_base, parts[0].iov_len / 2);
        if (action == KILL) die();
        if (action == TORN) { errno = EIO; return -1; }
        return done;
    }
    return stopped(action) ? -1 : syscall(SYS_writev, descriptor, parts, count);
}

ssize_t read(int descriptor, void *bytes, size_t count) {
    int action = decide("read", descriptor, NULL, count);
    if (stopped(action)) return -1;
    return syscall(SYS_read, descriptor, bytes, action == SHORT && count > 1 ? count / 2 : count);
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t place) {
    int action = decide("pread", descriptor, NULL, count);
    if (stopped(action)) return -1;
    return syscall(SYS_pread64, descriptor, bytes, action == SHORT && count > 1 ? count / 2 : count, place);
}
ssize_t pread64(int descriptor, void *bytes, size_t count, off_t place) __attribute__((alias("pread")));

int fsync(int descriptor) { return stopped(decide("fsync", descriptor, NULL, 0)) ? -1 : (int)syscall(SYS_fsync, descriptor); }
int fdatasync(int descriptor) { return stopped(decide("fdatasync", descriptor, NULL, 0)) ? -1 : (int)syscall(SYS_fdatasync, descriptor); }
int ftruncate(int descriptor, off_t count) {
    return stopped(decide("ftruncate", descriptor, NULL, 0)) ? -1 : (int)syscall(SYS_ftruncate, descriptor, count);
}
int ftruncate64(int descriptor, off_t count) __attribute__((alias("ftruncate")));

int renameat(int from, const char *old, int to, const char *name) {
    return stopped(decide("rename", to, name, 0)) ? -1 : (int)syscall(SYS_renameat2, from, old, to, name, 0);
}
int renameat2(int from, const char *old, int to, const char *name, unsigned flags) {
    return stopped(decide("rename", to, name, 0)) ? -1 : (int)syscall(SYS_renameat2, from, old, to, name, flags);
}
int rename(const char *old, const char *name) { return renameat(AT_FDCWD, old, AT_FDCWD, name); }

int unlinkat(int folder, const char *name, int flags) {
    return stopped(decide("unlink", folder, name, 0)) ? -1 : (int)syscall(SYS_unlinkat, folder, name, flags);
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

static int opened(int folder, const char *path, int flags, mode_t mode) {
    return stopped(decide("open", folder, path, 0)) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}
#define MODE(last)                                       \
    mode_t mode = 0;                                     \
    if (flags & (O_CREAT | __O_TMPFILE)) {               \
        va_list more;                                    \
        va_start(more, last);                            \
        mode = va_arg(more, mode_t);                     \
        va_end(more);                                    \
    }
int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return opened(folder, path, flags, mode); }

int mkdir(const char *path, mode_t mode) {
    return stopped(decide("mkdir", AT_FDCWD, path, 0)) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

void *mmap(void *start, size_t count, int protection, int flags, int descriptor, off_t place) {
    if (stopped(decide("mmap", flags & MAP_ANONYMOUS ? -1 : descriptor, NULL, count))) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, start, count, protection, flags, descriptor, place);
}
void *mmap64(void *start, size_t count, int protection, int flags, int descriptor, off_t place) __attribute__((alias("mmap")));

void *malloc(size_t count) { return stopped(decide("malloc", -1, NULL, count)) ? NULL : __libc_malloc(count); }
void *calloc(size_t count, size_t each) { return stopped(decide("malloc", -1, NULL, count * each)) ? NULL : __libc_calloc(count, each); }
void *realloc(void *old, size_t count) { return stopped(decide("malloc", -1, NULL, count)) ? NULL : __libc_realloc(old, count); }
void *aligned_alloc(size_t unit, size_t count) { return stopped(decide("malloc", -1, NULL, count)) ? NULL : __libc_memalign(unit, count); }
int posix_memalign(void **result, size_t unit, size_t count) {
    int saved = errno;
    if (stopped(decide("malloc", -1, NULL, count)) || !(*result = __libc_memalign(unit, count))) {
        errno = saved;
        return ENOMEM;
    }
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failure = (int)syscall(SYS_clock_gettime, clock, now);
    if (failure == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t whole = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + __atomic_load_n(&shared->shift, __ATOMIC_RELAXED);
        now->tv_sec = whole / 1000000000;
        now->tv_nsec = whole % 1000000000;
    }
    return failure;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

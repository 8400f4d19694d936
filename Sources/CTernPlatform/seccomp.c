#include "sandbox.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif

/* docs/sandbox.md has the reason of each; a test compares the two lists. Names that a machine does not have are left out by libseccomp. */
static const int allowed[] = {
    /* Files and sockets that are open */
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(close),
    SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(flock), SCMP_SYS(getdents64),
    /* Files by name: Landlock says which */
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statfs),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rmdir),
    SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
    SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch),
    /* Connections that clients make */
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(shutdown), SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    /* Waiting */
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(eventfd2),
    SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall),
    /* Memory */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(sysinfo),
    /* Threads */
    SCMP_SYS(futex), SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(membarrier),
    SCMP_SYS(gettid), SCMP_SYS(exit), SCMP_SYS(exit_group),
    /* Signals */
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
    /* Time, chance, who we are */
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
};

static const int descriptor_commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GET_SEALS, F_SETLEASE};

/* What a thread is, and every new name space. */
static const uint64_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
static const uint64_t space_flags =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE;

static _Atomic uint64_t refused;
static _Atomic int last_refused;

/* A refused call arrives here in the place of its own return, on the thread that made it. */
static void on_refused(int signal_number, siginfo_t *what, void *context)
{
    ucontext_t *thread = context;
    (void)signal_number;
    /* A debugger took the call away and gives the answer itself. */
    if (what->si_syscall < 0)
        return;
    atomic_store_explicit(&last_refused, what->si_syscall, memory_order_relaxed);
    atomic_fetch_add_explicit(&refused, 1, memory_order_release);
#if defined(__x86_64__)
    thread->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
    thread->uc_mcontext.regs[0] = (uint64_t)-EPERM;
#else
#error "where does this machine keep the result of a system call?"
#endif
}

uint64_t tern_seccomp_refused(int *number)
{
    uint64_t count = atomic_load_explicit(&refused, memory_order_acquire);
    *number = atomic_load_explicit(&last_refused, memory_order_relaxed);
    return count;
}

/* Lets a call pass when an argument, as far as `mask` reaches, is `value`. */
static int allow_when(scmp_filter_ctx filter, int call, unsigned argument, uint64_t mask, uint64_t value)
{
    const struct scmp_arg_cmp condition = {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

/* Those that are allowed with some arguments alone. */
static int add_conditions(scmp_filter_ctx filter)
{
    const uint64_t all = UINT64_MAX;
    int failure = allow_when(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
    failure |= allow_when(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
    failure |= allow_when(filter, SCMP_SYS(clone), 0, thread_flags | space_flags, thread_flags);
    /* Its flags lie in memory, where a filter cannot see them; the C library then takes clone. */
    failure |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    failure |= allow_when(filter, SCMP_SYS(prctl), 0, all, PR_SET_NAME);
    /* How many bytes can be read: libevent asks before it reads. */
    failure |= allow_when(filter, SCMP_SYS(ioctl), 1, all, FIONREAD);
    /* To the other end alone, to no address. */
    failure |= allow_when(filter, SCMP_SYS(sendto), 4, all, 0);
    /* abort */
    failure |= allow_when(filter, SCMP_SYS(tgkill), 0, all, (uint64_t)getpid());
    for (size_t i = 0; i < sizeof descriptor_commands / sizeof *descriptor_commands; i++)
        failure |= allow_when(filter, SCMP_SYS(fcntl), 1, all, (uint64_t)descriptor_commands[i]);
    return failure;
}

int tern_seccomp_enforce(void)
{
    struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_RESTART};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!filter)
        return ENOMEM;
    /* All threads that there are; the machine's own calls alone (the default kills who makes those of another); found by halving. Memory that is read ahead of its store
       is no secret here: all of it is this program's. */
    int failure = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    failure |= seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    failure |= seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    failure |= seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        failure |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    failure |= add_conditions(filter);
    if (failure == 0 && sigaction(SIGSYS, &action, NULL) != 0)
        failure = -errno;
    if (failure == 0)
        failure = seccomp_load(filter);
    seccomp_release(filter);
    return failure == 0 ? 0 : failure < 0 && failure > -4096 ? -failure : EINVAL;
}

int tern_call_name(int number, char *name, int count)
{
    char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    int fits = found && strlen(found) < (size_t)count;
    if (fits)
        strcpy(name, found);
    free(found);
    return !fits;
}

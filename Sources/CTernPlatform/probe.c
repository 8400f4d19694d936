#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, PEEK = 1 };

/* Calls that do no harm when nothing refuses them. Where a probe is refused by Landlock, which gives EACCES, `landlock` is 1. */
static const struct probe {
    const char *name;
    int landlock;
    long call, arguments[6];
} probes[] = {
    {"socket IPv4", 0, SYS_socket, {AF_INET, SOCK_STREAM}},
    {"socket IPv6", 0, SYS_socket, {AF_INET6, SOCK_DGRAM}},
    {"socket packet", 0, SYS_socket, {AF_PACKET, SOCK_RAW}},
    {"socket netlink", 0, SYS_socket, {AF_NETLINK, SOCK_RAW}},
    {"socket Unix", 0, SYS_socket, {AF_UNIX, SOCK_STREAM}},
    {"connect", 0, SYS_connect, {-1}},
    {"bind", 0, SYS_bind, {-1}},
    {"listen", 0, SYS_listen, {-1}},
    {"sendmsg", 0, SYS_sendmsg, {-1}},
    {"execve", 0, SYS_execve, {0}},
    {"execveat", 0, SYS_execveat, {-1}},
    {"fork", 0, SYS_clone, {SIGCHLD}},
    {"unshare", 0, SYS_unshare, {0}},
    {"ptrace", 0, SYS_ptrace, {PEEK, -1}},
    {"process_vm_readv", 0, SYS_process_vm_readv, {-1}},
    {"kill", 0, SYS_kill, {-1, 65}},
    {"bpf", 0, SYS_bpf, {-1}},
    {"io_uring_setup", 0, SYS_io_uring_setup, {0}},
    {"perf_event_open", 0, SYS_perf_event_open, {0}},
    {"userfaultfd", 0, SYS_userfaultfd, {-1}},
    {"keyctl", 0, SYS_keyctl, {-1}},
    {"mount", 0, SYS_mount, {0}},
    {"setuid", 0, SYS_setuid, {-1}},
    {"init_module", 0, SYS_init_module, {0}},
    {"memfd_create", 0, SYS_memfd_create, {0}},
    {"mmap executable", 0, SYS_mmap, {0, PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
    {"mprotect executable", 0, SYS_mprotect, {0, PAGE_BYTES, PROT_READ | PROT_EXEC}},
    {"open for writing outside", 1, SYS_openat, {AT_FDCWD, (long)"/dev/null", O_WRONLY | O_CLOEXEC}},
    {"open for reading outside", 1, SYS_openat, {AT_FDCWD, (long)"/etc/passwd", O_RDONLY | O_CLOEXEC}},
    {"list a folder outside", 1, SYS_openat, {AT_FDCWD, (long)"/", O_RDONLY | O_DIRECTORY | O_CLOEXEC}},
};

const char *tern_probe_name(int index)
{
    return index >= 0 && (size_t)index < sizeof probes / sizeof *probes ? probes[index].name : NULL;
}

int tern_probe(int index, int *filtered)
{
    const struct probe *probe = &probes[index];
    const long *a = probe->arguments;
    int number;
    uint64_t before = tern_seccomp_refused(&number);
    long result = syscall(probe->call, a[0], a[1], a[2], a[3], a[4], a[5]);
    int failure = result < 0 ? errno : 0;
    if (probe->call == SYS_clone && result == 0)
        _exit(0);
    if (result >= 0 && (probe->call == SYS_socket || probe->call == SYS_openat))
        close((int)result);
    *filtered = tern_seccomp_refused(&number) != before;
    return *filtered || (probe->landlock && failure == EACCES) ? failure : 0;
}

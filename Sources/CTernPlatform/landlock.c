#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h as of version 6; the distribution's header may be older than the kernel that runs. */
struct ruleset_attributes {
    uint64_t files, network, scoped;
};

struct path_attributes {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

enum {
    CALL_CREATE = 444, CALL_ADD = 445, CALL_RESTRICT = 446, /* the same on every architecture */
    ASK_VERSION = 1, RULE_PATH = 1,
    EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIRECTORY = 1 << 3, REMOVE_DIRECTORY = 1 << 4, REMOVE_FILE = 1 << 5,
    MAKE_DIRECTORY = 1 << 7, MAKE_REGULAR = 1 << 8, MAKE_SOCKET = 1 << 9, REFER = 1 << 13, TRUNCATE = 1 << 14,
    ALL_OF_VERSION_2 = (1 << 14) - 1, SINCE_VERSION_3 = 1 << 14, SINCE_VERSION_5 = 1 << 15,
    BIND_AND_CONNECT_TCP = 3,       /* version 4 */
    ABSTRACT_SOCKETS_AND_SIGNALS = 3, /* version 6 */
    OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE,
    REFUSE_EXECUTE_GAIN = 1,
};

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

int tern_landlock_version(void)
{
    long version = syscall(CALL_CREATE, NULL, (size_t)0, ASK_VERSION);
    /* The first version lets nobody rename between folders. */
    return version < 2 ? 0 : (int)version;
}

static uint64_t handled_files(int version)
{
    return (uint64_t)ALL_OF_VERSION_2 | (version >= 3 ? SINCE_VERSION_3 : 0) | (version >= 5 ? SINCE_VERSION_5 : 0);
}

int tern_landlock_begin(int *ruleset)
{
    int version = tern_landlock_version();
    if (version == 0)
        return ENOSYS;
    struct ruleset_attributes attributes = {
        .files = handled_files(version),
        .network = version >= 4 ? BIND_AND_CONNECT_TCP : 0,
        .scoped = version >= 6 ? ABSTRACT_SOCKETS_AND_SIGNALS : 0,
    };
    size_t bytes = version >= 6 ? sizeof attributes : version >= 4 ? offsetof(struct ruleset_attributes, scoped) : sizeof attributes.files;
    long made = syscall(CALL_CREATE, &attributes, bytes, 0);
    if (made < 0)
        return errno;
    *ruleset = (int)made;
    return 0;
}

int tern_landlock_allow(int ruleset, const char *path, int use)
{
    struct stat found;
    int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0)
        return errno;
    struct path_attributes rule = {.allowed = READ_FILE, .parent = place};
    if (use == TERN_FOLDER_READ)
        rule.allowed |= READ_DIRECTORY;
    else if (use == TERN_FOLDER_SOCKET)
        rule.allowed |= WRITE_FILE | REMOVE_FILE | MAKE_REGULAR | MAKE_SOCKET;
    else
        rule.allowed |= READ_DIRECTORY | WRITE_FILE | TRUNCATE | REMOVE_FILE | REMOVE_DIRECTORY | MAKE_REGULAR | MAKE_DIRECTORY | REFER;
    rule.allowed &= handled_files(tern_landlock_version());
    int failure = fstat(place, &found) == 0 ? 0 : errno;
    if (failure == 0 && !S_ISDIR(found.st_mode))
        rule.allowed &= OF_FILES;
    if (failure == 0 && syscall(CALL_ADD, ruleset, RULE_PATH, &rule, 0) != 0)
        failure = errno;
    close(place);
    return failure;
}

int tern_landlock_enforce(int ruleset)
{
    int failure = syscall(CALL_RESTRICT, ruleset, 0) == 0 ? 0 : errno;
    close(ruleset);
    return failure;
}

int tern_refuse_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno; }

int tern_refuse_write_execute(void) { return prctl(PR_SET_MDWE, REFUSE_EXECUTE_GAIN, 0, 0, 0) == 0 ? 0 : errno; }

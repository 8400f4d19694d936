/* What a process gives up: files (Landlock), system calls (seccomp), memory that is written and then executed, and new privileges.
   None of it can be taken back. Functions that return int give 0 or an errno value unless they say otherwise. */
#pragma once

#include <stdint.h>

enum {
    TERN_FOLDER_READ = 0,   /* open and list */
    TERN_FOLDER_WRITE = 1,  /* and make, write, rename and remove files and folders */
    TERN_FOLDER_SOCKET = 2, /* make and remove a socket and its lock */
};

/* The version of Landlock; 0 when there is none that serves. */
int tern_landlock_version(void);
/* A set of folders that will stay within reach. */
int tern_landlock_begin(int *ruleset);
/* Adds what is at `path`, links followed, and all below it. */
int tern_landlock_allow(int ruleset, const char *path, int use);
/* From here on the calling thread, and those it starts, open nothing else, make no TCP connection and signal no other process. Closes the set. */
int tern_landlock_enforce(int ruleset);

/* No program that is executed gains privileges; what seccomp and Landlock ask of those that use them. */
int tern_refuse_new_privileges(void);
/* No memory becomes executable (PR_SET_MDWE, Linux 6.3). */
int tern_refuse_write_execute(void);

/* From here on every thread of the process makes only the calls of the list in seccomp.c. Any other gives EPERM and is counted. ENOSYS when the kernel has no filters. */
int tern_seccomp_enforce(void);
/* Calls refused so far; `number` receives the last one's. */
uint64_t tern_seccomp_refused(int *number);
/* The name of a system call of this machine; 1 when it has none that fits. */
int tern_call_name(int number, char *name, int count);

/* Tries what the sandbox refuses. The name of probe `index`, NULL past the last one. */
const char *tern_probe_name(int index);
/* Why the call was refused, as errno, or 0 when it was not; `filtered` receives whether the filter did it. */
int tern_probe(int index, int *filtered);

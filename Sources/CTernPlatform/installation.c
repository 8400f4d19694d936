#include "installation.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sockets.h"

int tern_check_directory(const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return errno;
    if (!S_ISDIR(found.st_mode))
        return ENOTDIR;
    return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

int tern_check_socket_path(const char *path)
{
    struct sockaddr_un address;
    struct stat found;
    char folder[sizeof address.sun_path];
    size_t count = strlen(path);
    if (count == 0 || count >= sizeof address.sun_path)
        return TERN_SOCKET_PATH_TOO_LONG;
    if (lstat(path, &found) == 0 && !S_ISSOCK(found.st_mode))
        return TERN_SOCKET_NOT_A_SOCKET;
    memcpy(folder, path, count + 1);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return tern_check_directory(".");
    slash[slash == folder ? 1 : 0] = 0;
    return tern_check_directory(folder);
}

static void mask_reload(int how)
{
    sigset_t reload;
    sigemptyset(&reload);
    sigaddset(&reload, SIGHUP);
    pthread_sigmask(how, &reload, NULL);
}

void tern_hold_reload(void) { mask_reload(SIG_BLOCK); }

void tern_take_reload(void) { mask_reload(SIG_UNBLOCK); }

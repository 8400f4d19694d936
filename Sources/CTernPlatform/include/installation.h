/* What an installation is checked for before it serves, and SIGHUP while it starts. */
#pragma once

/* Whether files can be made in a directory: 0, or an errno value; ENOTDIR for something else of that name. */
int tern_check_directory(const char *path);
/* Whether a socket could be made at a path: 0, an errno value, TERN_SOCKET_NOT_A_SOCKET or TERN_SOCKET_PATH_TOO_LONG. Nothing is made. */
int tern_check_socket_path(const char *path);
/* Keeps SIGHUP waiting until tern_http_run can take it; before, it would end the process. */
void tern_hold_reload(void);
void tern_take_reload(void);

/* Where everything lies: below D with --dir D, else in the installed folders. Strings are malloc'ed; the caller frees them. */
#pragma once

#include "bus/role.h"

/* Settings: D/etc, or the system's. */
char *path_etc(const char *dir);
/* Certificates and keys. */
char *path_keys(const char *dir);
char *path_log(const char *dir);
/* Pid files, the supervisor's socket. */
char *path_run(const char *dir);
/* The folder of a role: its working directory, and its root where it is chrooted. router.sock, control.N.sock, keyd.sock; `data` is
 * in it or linked there. */
char *path_role(const char *dir, enum role role);
/* Durable files of a role. */
char *path_data(const char *dir, enum role role);

/* Small helpers of the skeleton around descriptors: files by folder, pid files, inherited listeners, readiness. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define SETTINGS_FILE_MAX (1024 * 1024)
#define NAMED_FILE_MAX (16 * 1024 * 1024) /* that a setting names: revocation lists are long */

/* Reads a regular file (or the null device) from its beginning, at most max bytes; a NUL follows that is not counted. */
int file_read_fd(int fd, const char *name, size_t max, struct buf *out, struct err *err);
/* The same, at most SETTINGS_FILE_MAX bytes, without a NUL in it. */
int file_read_text(int fd, const char *name, struct buf *out, struct err *err);
/* The same by name, relative to a folder. A missing file is an empty one when `optional`. */
int file_read(const char *folder, const char *name, bool optional, struct buf *out, struct err *err);

/* A folder that has just been made is still there after a loss of power. 0; -1 with errno. */
int folder_keep(int folder_fd);

/* Locks FOLDER/NAME.lock, which nobody else may open, and writes our pid into NAME.pid, which all who may enter can read; follows
 * no link there. The descriptor is kept for life. */
int pidfile_lock(const char *folder, const char *name, int *fd_r, struct err *err);
/* Pid of the process that holds the lock; 0 when nobody does. */
pid_t pidfile_owner(int folder_fd, const char *name);

/* Whoever starts us without standard input, output or error gets no file or socket of ours in their place. */
void descriptors_fill(void);

/* Descriptors that the supervisor passed (LISTEN_FDS, LISTEN_FDNAMES); found by name, each given out once. */
struct listen_fds;
/* At the start, before anything is opened: what else was inherited is closed, and of the first three none stays open for taking. */
struct listen_fds *descriptors_tidy(void);
int listen_fds_find(struct listen_fds *l, const char *name);
/* Closes what nobody asked for. */
void listen_fds_free(struct listen_fds **l);

/* A listening TCP socket; the form of `address` is that of service_listen_tcp. shared: beside sockets of the same user that
 * allow it (SO_REUSEPORT). -1 with *err filled. */
int listen_tcp(const char *name, const char *address, uint16_t port, bool shared, struct err *err);

/* Binds a Unix socket to a name in the working directory, for its owner alone; a file of that name is replaced. owner: (uid_t)-1 =
 * who we are. Non-blocking. -1 with errno. */
int bind_unix(const char *name, int type, uid_t owner);

/* sd_notify: opened before the sandbox; sending never blocks. -1 = nobody listens. */
int notify_open(void);
void notify_send(int fd, const char *text);

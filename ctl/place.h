/* Files that are replaced whole or not at all. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Writes name in the folder: a new file beside it, fsync, rename. One that is there keeps its mode and owner, a new one gets
 * this mode and the folder's owner. -1 with *err filled. */
int place_file(int dir, const char *name, struct str text, mode_t mode, struct err *err);

/* A new file with the folder's owner, for whoever fills it; renamed by place_finish. The descriptor, or -1 with *err filled. */
int place_begin(int dir, const char *name, mode_t mode, struct err *err);
int place_finish(int dir, const char *name, int fd, struct err *err);
void place_abandon(int dir, const char *name);
/* The two halves of place_finish: the content is on the disk and fd closed; the file is in its place. */
int place_seal(const char *name, int fd, struct err *err);
int place_commit(int dir, const char *name, struct err *err);

/* Reads a whole file of less than 1 MiB; NUL-terminated. */
int place_read(int dir, const char *name, struct buf *out, struct err *err);

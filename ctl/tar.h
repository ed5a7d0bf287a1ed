/* A small writer and reader of POSIX archives (ustar; sizes over 8 GiB as GNU tar writes them): what `backup` makes can
 * be looked at with tar. Regular files only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define TAR_NAME_MAX 255

struct tar_member {
	char name[TAR_NAME_MAX + 1];
	mode_t mode;
	uint64_t size;
};

/* Writes one file with its current content. -1 with *err filled. */
int tar_write_file(int tar_fd, const char *name, int fd, struct err *err);
int tar_write_text(int tar_fd, const char *name, struct str text, struct err *err);
int tar_write_end(int tar_fd, struct err *err);

/* Reads the next header: 1, 0 at the end, -1 with *err filled (damaged, cut short, anything but a regular file). */
int tar_read_member(int tar_fd, struct tar_member *m_r, struct err *err);
/* Then its content, which must be taken before the next header: into a file, or nowhere (fd -1). */
int tar_read_content(int tar_fd, const struct tar_member *m, int fd, struct err *err);

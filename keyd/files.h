/* The folder with the pairs: DOMAIN.key and DOMAIN.crt, in PEM. Used before the sandbox. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "pair.h"

struct key_folder {
	int fd;
	const char *name; /* for texts; borrowed */
};

/* Opens the folder, which is made if need be. -1 with *err filled. */
int files_open(struct key_folder *f_r, const char *name, struct err *err);
void files_close(struct key_folder *f);

enum files_result {
	FILES_LOADED,
	FILES_MADE,   /* self-signed, just now */
	FILES_NONE,   /* neither file is there, and make is false */
	FILES_BROKEN, /* *err says what and what to do */
};
enum files_result files_load(const struct key_folder *f, const char *domain, bool make,
    struct pair *pair_r, struct err *err);

/* All of a regular file, at most PAIR_FILE_MAX bytes, into an empty buffer that will not grow (it may be a key). */
int files_read(int fd, const char *name, struct buf *out, struct err *err);
int files_write(int fd, const char *name, struct str content, struct err *err);

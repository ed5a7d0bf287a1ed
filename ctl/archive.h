/* What a backup holds: where each of its files lies in a suite. */
#pragma once

#include <stdbool.h>

#include "ctl.h"

#define ARCHIVE_MARK "jackdaw-backup" /* first member: says what this is */
#define ARCHIVE_MARK_TEXT "Jackdaw backup, form 1\n"

struct archive_place {
	const char *prefix; /* in the archive: "keys/" */
	char *(*path)(const struct ctl *c);
	mode_t mode;
};

/* Up to an entry without a prefix. */
extern const struct archive_place archive_places[];

/* The place of a member, and its name there. NULL: no backup has such a member. */
const struct archive_place *archive_find(const char *member, const char **name_r);

/* The databases of a daemon, as `backup` on its control socket takes them; NULL-terminated. */
struct archive_store {
	enum role role;
	const char *prefix;
	const char *databases[4];
	const char *files[4]; /* beside them */
};
extern const struct archive_store archive_stores[2];

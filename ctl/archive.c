/* See archive.h. */
#include "archive.h"

#include <string.h>

#include "keys.h"
#include "service/paths.h"

static char *
etc_path(const struct ctl *c)
{
	return path_etc(c->dir);
}

static char *
keys_copy(const struct ctl *c)
{
	return str_dup(str_z(keys_path(c)));
}

static char *
authd_path(const struct ctl *c)
{
	return path_data(c->dir, ROLE_AUTHD);
}

static char *
storaged_path(const struct ctl *c)
{
	return path_data(c->dir, ROLE_STORAGED);
}

const struct archive_place archive_places[] = {
    {"etc/", etc_path, 0600},
    {"keys/", keys_copy, 0600},
    {"authd/data/", authd_path, 0600},
    {"storaged/data/", storaged_path, 0600},
    {NULL, NULL, 0},
};

const struct archive_store archive_stores[2] = {
    {ROLE_AUTHD, "authd/data/", {"credentials.db"}, {"seal.key", "authd.pub"}},
    {ROLE_STORAGED, "storaged/data/", {"main.db", "archive.db"}, {NULL}},
};

const struct archive_place *
archive_find(const char *member, const char **name_r)
{
	for (const struct archive_place *p = archive_places; p->prefix; p++) {
		size_t n = strlen(p->prefix);
		const char *name = member + n;

		if (strncmp(member, p->prefix, n) != 0)
			continue;
		if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') || strlen(name) > 200)
			return NULL;
		*name_r = name;
		return p;
	}
	return NULL;
}

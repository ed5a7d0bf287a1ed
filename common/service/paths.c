/* See paths.h. */
#include "service/paths.h"

#include "base/arena.h"
#include "base/mem.h"

static char *
joined(const char *a, const char *b, const char *c)
{
	struct arena arena = {.blocks = NULL};
	struct str s =
	    *c ? arena_printf(&arena, "%s/%s/%s", a, b, c) : arena_printf(&arena, "%s/%s", a, b);
	char *z = str_dup(s);

	arena_deinit(&arena);
	return z;
}

char *
path_etc(const char *dir)
{
	return dir ? joined(dir, "etc", "") : str_dup(str_z(JACKDAW_SYSCONFDIR));
}

char *
path_keys(const char *dir)
{
	return joined(dir ? dir : JACKDAW_STATEDIR, "keys", "");
}

char *
path_log(const char *dir)
{
	return dir ? joined(dir, "log", "") : str_dup(str_z("/var/log/jackdaw"));
}

char *
path_run(const char *dir)
{
	return dir ? joined(dir, "run", "") : str_dup(str_z(JACKDAW_RUNDIR));
}

char *
path_role(const char *dir, enum role role)
{
	return joined(dir ? dir : JACKDAW_RUNDIR, role_name(role), "");
}

char *
path_data(const char *dir, enum role role)
{
	return dir ? joined(dir, role_name(role), "data")
		   : joined(JACKDAW_STATEDIR, role_name(role), "");
}

/* jackdawctl repair: has a daemon that does not run make its database anew from what can be read of a damaged one (db/salvage.h). */
#include <stdio.h>

#include "archive.h"
#include "base/mem.h"
#include "commands.h"
#include "suite.h"
#include "tool.h"

static bool
has_database(const struct program *p)
{
	for (size_t i = 0; i < COUNT(archive_stores); i++)
		if (archive_stores[i].role == p->role)
			return true;
	return false;
}

int
repair_run(struct ctl *c, int argc, char **argv)
{
	const struct program *p = program_find(str_z(argv[0]));
	struct buf out = {0};
	struct err err;
	int status = STATUS_OK;

	(void)argc;
	if (!p || !has_database(p))
		return ctl_error("%s has no database; storaged and authd have", argv[0]);
	if (suite_open_folders(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (suite_load(c, &err) != 0)
		ctl_error("%s", err.text); /* and one of each daemon is assumed */
	if (suite_running(c, p, 0) > 0)
		return ctl_error("%s is running; jackdawctl down %s first", p->name, p->name);
	if (tool_ask(c, p, "--repair", &out, &err) != 0)
		status = ctl_error("%s: %s", p->name, err.text);
	printf("%.*s", STR_ARG(buf_str(&out)));
	buf_deinit(&out);
	return status;
}

/* jackdawctl route add|del|list: the list `routes` of s2sd.conf, changed in place; s2sd reads it again if it runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/jid.h"
#include "commands.h"
#include "edit.h"
#include "place.h"
#include "reload.h"
#include "suite.h"
#include "tool.h"

#define FILE_NAME "s2sd.conf"
#define KEY "routes"

/* A route is "DOMAIN HOST:PORT". */
static bool
same_domain(struct str value, struct str wanted)
{
	struct jid_buf buf;
	struct str domain, rest, name;

	str_split(value, ' ', &domain, &rest);
	return jid_prepare_domain(&name, &buf, domain) && str_eq(name, wanted);
}

static int
begin(struct ctl *c, struct buf *text, struct err *err)
{
	if (suite_open(c, err) != 0)
		return -1;
	/* Two changes at a time must not undo each other. */
	if (flock(c->etc_dir, LOCK_EX) != 0)
		return err_set(err, "cannot lock the settings: %s", strerror(errno));
	return place_read(c->etc_dir, FILE_NAME, text, err);
}

static int
tell(struct ctl *c, struct err *err)
{
	const struct program *p = program_of(ROLE_S2SD);

	for (unsigned i = 0; i < program_instances(p, c); i++)
		if (suite_running(c, p, i) > 0 && reload_one(c, p, i, NULL, err) != 0)
			return -1;
	return 0;
}

/* What the daemon does not take is not left behind. */
static int
finish(struct ctl *c, struct str before, struct str after, struct err *err)
{
	struct buf ignored = {0};
	struct err second;

	if (place_file(c->etc_dir, FILE_NAME, after, 0600, err) != 0)
		return -1;
	int rc = tool_ask(c, program_of(ROLE_S2SD), "-n", &ignored, err);
	buf_deinit(&ignored);
	if (rc == 0)
		return tell(c, err);
	place_file(c->etc_dir, FILE_NAME, before, 0600, &second);
	return -1;
}

static int
change(struct ctl *c, const char *domain, const char *target)
{
	struct buf text = {0}, without = {0}, with = {0}, value = {0};
	struct jid_buf buf;
	struct str name;
	struct err err;
	unsigned n = 0;

	if (!jid_prepare_domain(&name, &buf, str_z(domain)))
		return ctl_error("%s is no domain name", domain);
	int rc = begin(c, &text, &err);
	if (rc == 0)
		n = edit_list_del(buf_str(&text), KEY, name, same_domain, &without);
	if (rc == 0 && target) {
		buf_printf(&value, "%.*s %s", STR_ARG(name), target);
		edit_list_add(buf_str(&without), KEY, buf_str(&value), &with);
		rc = finish(c, buf_str(&text), buf_str(&with), &err);
	} else if (rc == 0 && n == 0) {
		rc = err_set(&err, "%.*s has no route", STR_ARG(name));
	} else if (rc == 0) {
		rc = finish(c, buf_str(&text), buf_str(&without), &err);
	}
	buf_deinit_secret(&text);
	buf_deinit_secret(&without);
	buf_deinit_secret(&with);
	buf_deinit(&value);
	return rc == 0 ? STATUS_OK : ctl_error("%s", err.text);
}

int
route_add(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	return change(c, argv[0], argv[1]);
}

int
route_del(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	return change(c, argv[0], NULL);
}

static bool
print_route(struct str value, struct str wanted)
{
	struct str domain, target;

	(void)wanted;
	str_split(value, ' ', &domain, &target);
	printf("%-40.*s %.*s\n", STR_ARG(domain), STR_ARG(target));
	return false;
}

int
route_list(struct ctl *c, int argc, char **argv)
{
	struct buf text = {0}, ignored = {0};
	struct err err;

	(void)argc;
	(void)argv;
	if (begin(c, &text, &err) != 0)
		return ctl_error("%s", err.text);
	edit_list_del(buf_str(&text), KEY, S(""), print_route, &ignored);
	buf_deinit_secret(&text);
	buf_deinit_secret(&ignored);
	return STATUS_OK;
}

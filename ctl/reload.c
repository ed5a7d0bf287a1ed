/* jackdawctl reload, log: what goes to running daemons over their control sockets. */
#include "reload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "commands.h"
#include "service/settings.h"
#include "spawn.h"
#include "suite.h"
#include "tool.h"

int
no_such_daemon(const struct ctl *c, const char *name)
{
	struct buf names = {0};

	for (const struct program *p = programs; p->name; p++) {
		unsigned n = program_instances(p, c);

		if (n > 1)
			buf_printf(&names, " %s.0–%u", p->name, n - 1);
		else
			buf_printf(&names, " %s", p->name);
	}
	ctl_error("there is no daemon %s here but%.*s", name, STR_ARG(buf_str(&names)));
	buf_deinit(&names);
	return STATUS_FAILED;
}

/* A daemon's own file may be missing: everything has its default then. */
static int
open_settings(const struct ctl *c, const char *name, struct err *err)
{
	int fd = openat(c->etc_dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		fd = spawn_scratch(err);
	return fd >= 0 ? fd : err_set(err, "%s: %s", name, strerror(errno));
}

/* What a daemon is passed: both settings files, and those that its own one names. */
struct passed {
	int fds[2 + SETTING_FILES_MAX];
	unsigned n;
};

static int
pass_one(struct passed *f, int fd)
{
	if (fd >= 0)
		f->fds[f->n++] = fd;
	return fd >= 0 ? 0 : -1;
}

/* A line for each, KEY PATH; a path is relative to the role's folder, as at the start. */
static int
open_named(struct passed *f, const struct ctl *c, const struct program *p, struct str lines,
    struct err *err)
{
	struct str line, key, path;
	int dir = suite_role_dir(c, p->role, err), rc = dir < 0 ? -1 : 0;

	while (rc == 0 && f->n < COUNT(f->fds) && str_split(lines, '\n', &line, &lines)) {
		str_split(line, ' ', &key, &path);
		char *z = str_dup(path);
		rc = pass_one(f, openat(dir, z, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
		if (rc != 0)
			err_set(err, "%.*s: %s: %s", STR_ARG(key), z, strerror(errno));
		free(z);
	}
	if (dir >= 0)
		close(dir);
	return rc;
}

/* named: the lines that the program says of its settings. */
static int
pass_files(struct ctl *c, const struct control_call *call, struct str named, struct buf *pending,
    struct err *err)
{
	struct passed f = {.n = 0};
	struct control_call passing = *call;
	char own[64];
	int rc = -1;

	snprintf(own, sizeof(own), "%s.conf", call->program->name);
	if (pass_one(&f, open_settings(c, "jackdaw.conf", err)) == 0 &&
	    pass_one(&f, open_settings(c, own, err)) == 0 &&
	    open_named(&f, c, call->program, named, err) == 0) {
		passing.fds = f.fds;
		passing.n_fds = f.n;
		rc = suite_control(c, &passing, pending, err);
	}
	while (f.n > 0)
		close(f.fds[--f.n]);
	return rc;
}

int
reload_one(
    struct ctl *c, const struct program *p, unsigned instance, struct buf *pending, struct err *err)
{
	const struct control_call call = {.program = p, .instance = instance, .line = "reload"};
	struct buf named = {0};
	int rc = tool_ask(c, p, "-F", &named, err);

	if (rc == 0)
		rc = pass_files(c, &call, buf_str(&named), pending, err);
	else
		err_prefix(err, "%s keeps its old settings", p->name);
	buf_deinit(&named);
	return rc;
}

/* Each line once, however many daemons read the file. */
static void
tell_pending(struct buf *told, struct str lines)
{
	struct str line, rest, file, keys;

	while (str_split(lines, '\n', &line, &lines)) {
		bool is_new = true;
		for (struct str t = buf_str(told), one; str_split(t, '\n', &one, &rest); t = rest)
			is_new = is_new && !str_eq(one, line);
		if (!is_new || !str_split(line, ':', &file, &keys))
			continue;
		buf_add_str(told, line);
		buf_add_c(told, '\n');
		fprintf(stderr, "jackdawctl: %.*s: in force from the next start on:%.*s\n",
		    STR_ARG(file), STR_ARG(keys));
	}
}

/* wanted -1: all instances that run. told: what was said to be pending. */
static int
reload_program(struct ctl *c, const struct program *p, int wanted, struct buf *told)
{
	int status = STATUS_OK;
	unsigned n = program_instances(p, c);
	struct err err;
	struct buf pending = {0};

	for (unsigned i = 0; i < n; i++) {
		if (wanted >= 0 && i != (unsigned)wanted)
			continue;
		if (suite_running(c, p, i) == 0)
			status = ctl_error("%s.%u is down", p->name, i);
		else if (reload_one(c, p, i, &pending, &err) != 0) {
			status = ctl_error("%s", err.text);
			break; /* the others would say the same */
		}
	}
	tell_pending(told, buf_str(&pending));
	buf_deinit(&pending);
	return status;
}

int
reload_run(struct ctl *c, int argc, char **argv)
{
	int status = STATUS_OK, instance = -1;
	struct buf told = {0};
	struct err err;

	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (argc > 0) {
		const struct program *p = program_parse(str_z(argv[0]), c, &instance);
		status = p ? reload_program(c, p, instance, &told) : no_such_daemon(c, argv[0]);
	}
	for (const struct program *p = programs; argc == 0 && p->name; p++)
		if (reload_program(c, p, -1, &told) != STATUS_OK)
			status = STATUS_FAILED;
	buf_deinit(&told);
	return status;
}

int
log_run(struct ctl *c, int argc, char **argv)
{
	int status = STATUS_OK, instance = -1;
	enum log_level level;
	char line[32];
	struct err err;

	(void)argc;
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	const struct program *p = program_parse(str_z(argv[0]), c, &instance);
	if (!p)
		return no_such_daemon(c, argv[0]);
	if (!log_level_parse(str_z(argv[1]), &level))
		return ctl_error(
		    "%s is no level; the levels are debug, info, warn and error", argv[1]);
	snprintf(line, sizeof(line), "log %s", argv[1]);
	for (unsigned i = 0; i < program_instances(p, c); i++) {
		const struct control_call call = {.program = p, .instance = i, .line = line};

		if (instance >= 0 && i != (unsigned)instance)
			continue;
		if (suite_control(c, &call, NULL, &err) != 0)
			status = ctl_error("%s", err.text);
	}
	return status;
}

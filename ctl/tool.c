/* See tool.h. Programs lie beside jackdawctl (in a build folder) or in libexec. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "spawn.h"

#define ASK_MS 30000

static char *
joined(const char *folder, const char *name)
{
	size_t n = strlen(folder) + strlen(name) + 2;
	char *path = mem_new(n);

	snprintf(path, n, "%s/%s", folder, name);
	return path;
}

char *
tool_folder(void)
{
	char *self = realpath("/proc/self/exe", NULL);

	if (self)
		*strrchr(self, '/') = '\0';
	return self;
}

static char *
find_program(const struct ctl *c, const char *name)
{
	char *path = c->program_folder ? joined(c->program_folder, name) : NULL;

	if (path && access(path, X_OK) == 0)
		return path;
	free(path);
	return joined(JACKDAW_LIBEXECDIR, name);
}

int
tool_check_programs(const struct ctl *c, struct err *err)
{
	int rc = 0;

	for (const struct program *p = programs; p->name && rc == 0; p++) {
		char *path = find_program(c, p->name);

		if (access(path, X_OK) != 0)
			rc = err_set(
			    err, "the program %s is missing; is the suite installed?", path);
		free(path);
	}
	return rc;
}

static unsigned
start_argv(struct tool_argv *a, const struct ctl *c, const struct program *p)
{
	unsigned n = 0;

	a->path = find_program(c, p->name);
	a->v[n++] = a->path;
	if (c->dir) {
		a->v[n++] = "--dir";
		a->v[n++] = c->dir;
	}
	return n;
}

void
tool_argv(struct tool_argv *a, const struct ctl *c, const struct program *p, const char *option)
{
	unsigned n = start_argv(a, c, p);

	a->v[n++] = option;
	a->v[n] = NULL;
}

void
tool_argv_instance(
    struct tool_argv *a, const struct ctl *c, const struct program *p, unsigned instance)
{
	unsigned n = start_argv(a, c, p);

	snprintf(a->number, sizeof(a->number), "%u", instance);
	a->v[n++] = "--instance";
	a->v[n++] = a->number;
	a->v[n] = NULL;
}

void
tool_argv_deinit(struct tool_argv *a)
{
	free(a->path);
	a->path = NULL;
}

void
tool_last_words(struct str log, struct err *err)
{
	struct str line, last = {0}, word, rest;
	enum log_level level;

	while (!str_empty(log)) {
		str_split(log, '\n', &line, &log);
		if (!str_empty(str_trim(line)))
			last = str_trim(line);
	}
	/* STAMP NAME LEVEL TEXT */
	if (str_split(last, ' ', &word, &rest) && str_split(rest, ' ', &word, &rest) &&
	    str_split(rest, ' ', &word, &rest) && log_level_parse(word, &level))
		last = rest;
	if (str_empty(last))
		err_set(err, "it ended without a word");
	else
		err_set(err, "%.*s", STR_ARG(last));
}

int
tool_ask(const struct ctl *c, const struct program *p, const char *option, struct buf *out,
    struct err *err)
{
	struct tool_argv a;
	struct buf errors = {0};

	tool_argv(&a, c, p, option);
	int status = spawn_capture(a.v, ASK_MS, out, &errors, err);
	if (status > 0) {
		tool_last_words(buf_str(&errors), err);
		status = -1;
	}
	tool_argv_deinit(&a);
	buf_deinit(&errors);
	return status;
}

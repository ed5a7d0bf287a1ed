/* What a daemon does without starting: it prints its tables, its settings, its listeners, or tries its sandbox. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "service/paths.h"
#include "service/sandbox_private.h"
#include "service/skeleton.h"

static _Noreturn void
print_and_exit(struct buf *out, int status)
{
	fwrite(out->data, 1, buf_len(out), stdout);
	exit(fflush(stdout) == 0 ? status : 1);
}

/* The router's table is one without keys. */
static bool
has_settings(const struct service *s)
{
	return s->settings && s->settings->name;
}

void
modes_print_tables(const struct skeleton *k)
{
	const struct service *s = k->daemon.service;
	struct buf out = {.data = NULL};

	if (k->options.mode == MODE_SAMPLE_SUITE)
		suite_sample(&out);
	else if (k->options.mode == MODE_MAN_SUITE)
		suite_man(&out);
	else if (k->options.mode == MODE_SAMPLE && has_settings(s))
		settings_sample(s->settings, &out);
	else if (k->options.mode == MODE_MAN && has_settings(s))
		settings_man(s->settings, &out);
	else if (k->options.mode == MODE_SAMPLE)
		buf_printf(&out, "# %s has no settings of its own.\n", s->name);
	else
		buf_printf(&out, "It has no settings of its own.\n");
	print_and_exit(&out, 0);
}

static void
print_settings(const struct skeleton *k)
{
	const struct service *s = k->daemon.service;
	struct buf out = {.data = NULL};

	buf_add_z(&out, "# jackdaw.conf\n");
	suite_print(k->loaded.suite_file, &out);
	buf_printf(&out, "\n# %s.conf\n", s->name);
	if (has_settings(s))
		settings_print(s->settings, k->loaded.settings, &out);
	print_and_exit(&out, 0);
}

static void
print_listener(void *ctx, const char *name, const char *address, uint16_t port)
{
	buf_printf(ctx, "%s %s %u\n", name, address, port);
}

static void
print_listeners(const struct skeleton *k)
{
	struct buf out = {.data = NULL};

	if (k->daemon.service->listeners)
		k->daemon.service->listeners(&k->daemon, print_listener, &out);
	print_and_exit(&out, 0);
}

static void
print_files(const struct skeleton *k)
{
	const struct service *s = k->daemon.service;
	struct buf out = {.data = NULL};
	struct setting_file v[SETTING_FILES_MAX];
	size_t n = has_settings(s) ? settings_files(s->settings, k->loaded.settings, v) : 0;

	for (size_t i = 0; i < n; i++)
		if (*v[i].path)
			buf_printf(&out, "%s %s\n", v[i].key, v[i].path);
	print_and_exit(&out, 0);
}

/* Beside a running suite: no pid file, no socket, none of the daemon's own hooks; but its user, its limits, its tables. */
static int
enter_sandbox(struct skeleton *k, struct self_test **test_r, struct err *err)
{
	const struct service *s = k->daemon.service;

	k->role_folder = path_role(k->options.dir, s->role);
	if (chdir(k->role_folder) != 0)
		return err_set(
		    err, "%s: %s; run \"jackdawctl init\" first", k->role_folder, strerror(errno));
	if (skeleton_drop(k, err) != 0)
		return -1;
	*test_r = self_test_new(s->sandbox, err);
	if (!*test_r)
		return -1;
	sandbox_trap_install();
	return sandbox_seccomp(s->sandbox, err);
}

static void
self_test(struct skeleton *k)
{
	struct buf out = {.data = NULL};
	struct self_test *test = NULL;
	struct err err;
	int status;

	if (enter_sandbox(k, &test, &err) != 0)
		log_fatal("%s", err.text);
	status = self_test_run(test, &out) == 0 ? 0 : 1;
	print_and_exit(&out, status);
}

void
modes_without_start(struct skeleton *k)
{
	struct buf out = {.data = NULL};

	switch (k->options.mode) {
	case MODE_CHECK:
		buf_printf(&out, "%s: the settings are good\n", k->daemon.service->name);
		print_and_exit(&out, 0);
	case MODE_PRINT:
		print_settings(k);
		return;
	case MODE_LISTENERS:
		print_listeners(k);
		return;
	case MODE_FILES:
		print_files(k);
		return;
	case MODE_SELF_TEST:
		self_test(k);
		return;
	case MODE_RUN:
	case MODE_SAMPLE:
	case MODE_SAMPLE_SUITE:
	case MODE_MAN:
	case MODE_MAN_SUITE:
		return;
	}
}

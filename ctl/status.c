/* jackdawctl status, check, version. Status works with the router dead, and with the supervisor dead: then nobody has
 * counted restarts. */
#include "status.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "base/mem.h"
#include "commands.h"
#include "place.h"
#include "reload.h"
#include "service/paths.h"
#include "suite.h"
#include "tool.h"

#define ANSWER_MS 3000
#define SUPERVISOR_MS 3000

/* NAME PID STATE LINK UPTIME */
static void
parse_answer(struct str answer, struct status_row *row)
{
	struct str line, word, rest;

	str_split(answer, '\n', &line, &rest);
	str_split(line, ' ', &word, &rest); /* name */
	str_split(rest, ' ', &word, &rest); /* pid */
	str_split(rest, ' ', &word, &rest);
	str_copy(row->state, sizeof(row->state), word);
	str_split(rest, ' ', &word, &rest);
	str_copy(row->link, sizeof(row->link), word);
	str_u64(rest, &row->uptime_s);
}

void
status_of(const struct ctl *c, const struct program *p, unsigned instance, struct status_row *row_r)
{
	const struct control_call call = {
	    .program = p, .instance = instance, .line = "status", .timeout_ms = ANSWER_MS};
	struct buf answer = {0};
	struct err err;

	*row_r = (struct status_row){.state = "down", .link = "-"};
	program_instance_name(p, instance, row_r->name, sizeof(row_r->name));
	row_r->pid = suite_running(c, p, instance);
	if (row_r->pid == 0)
		return;
	if (suite_control(c, &call, &answer, &err) == 0) {
		parse_answer(buf_str(&answer), row_r);
	} else {
		str_copy(row_r->state, sizeof(row_r->state), S("silent"));
		str_copy(row_r->link, sizeof(row_r->link), S("?"));
	}
	buf_deinit(&answer);
}

/* The supervisor's line about one daemon: NAME PID STATE SECONDS RESTARTS. False: it has none. */
static bool
find_line(struct str lines, const char *name, struct str *state_r, struct str *restarts_r)
{
	struct str line, word, rest;

	while (!str_empty(lines)) {
		str_split(lines, '\n', &line, &lines);
		str_split(line, ' ', &word, &rest);
		if (!str_is(word, name))
			continue;
		str_split(rest, ' ', &word, &rest);
		str_split(rest, ' ', state_r, &rest);
		str_split(rest, ' ', &word, restarts_r);
		return true;
	}
	return false;
}

static void
print_uptime(const struct status_row *row, char out[32])
{
	unsigned long long s = row->uptime_s;

	if (row->pid == 0)
		snprintf(out, 32, "-");
	else if (s < 86400)
		snprintf(out, 32, "%02llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(out, 32, "%llud%02lluh", s / 86400, s / 3600 % 24);
}

/* True: it runs. */
static bool
print_row(const struct ctl *c, const struct program *p, unsigned instance, struct str supervisor)
{
	struct status_row row;
	struct str state, restarts = S("-");
	char pid[16] = "-", uptime[32];

	status_of(c, p, instance, &row);
	/* "down" may be "paused" or "stopped" to those who know more. */
	if (find_line(supervisor, row.name, &state, &restarts) && row.pid == 0 &&
	    !str_is(state, "ready"))
		str_copy(row.state, sizeof(row.state), state);
	if (row.pid > 0)
		snprintf(pid, sizeof(pid), "%ld", (long)row.pid);
	print_uptime(&row, uptime);
	printf("%-14s %7s %-9s %-5s %9s %8.*s\n", row.name, pid, row.state, row.link, uptime,
	    STR_ARG(restarts));
	return row.pid > 0 && strcmp(row.state, "ready") == 0;
}

static int
print_all(const struct ctl *c, const struct program *only, int instance)
{
	struct buf supervisor = {0};
	struct err err;
	int status = STATUS_OK;

	if (suite_supervisor(c) > 0)
		suite_ask_supervisor(c, "status", SUPERVISOR_MS, &supervisor, &err);
	printf(
	    "%-14s %7s %-9s %-5s %9s %8s\n", "NAME", "PID", "STATE", "LINK", "UPTIME", "RESTARTS");
	for (const struct program *p = programs; p->name; p++) {
		for (unsigned i = 0; i < program_instances(p, c); i++) {
			bool is_meant =
			    !only || (p == only && (instance < 0 || i == (unsigned)instance));
			if (is_meant && !print_row(c, p, i, buf_str(&supervisor)))
				status = STATUS_FAILED;
		}
	}
	buf_deinit(&supervisor);
	return status;
}

/* ---- damaged files (db/damage.h) ---- */

#define NOTE ".db.damaged"

/* A note says that a file is not used; what was set aside says so for as long as it is there. */
static void
print_damage(int dir, const char *daemon, const char *name)
{
	const char *note = strstr(name, NOTE);
	struct buf what = {0};
	struct err err;

	if (!note || strstr(note, "-wal") || strstr(note, "-shm"))
		return;
	if (note[strlen(NOTE)])
		printf("%s: a damaged file was set aside: data/%s\n", daemon, name);
	else if (place_read(dir, name, &what, &err) == 0)
		printf("%s: data/%.*s.db is damaged and is not used: %.*s\n", daemon,
		    (int)(note - name), name, STR_ARG(buf_str(&what)));
	buf_deinit(&what);
}

/* Nothing to those who may not look there: the members of admin_group. */
static void
print_damages(const struct ctl *c, enum role role)
{
	char *path = path_data(c->dir, role);
	DIR *d = opendir(path);

	free(path);
	if (!d)
		return;
	for (const struct dirent *e; (e = readdir(d));)
		print_damage(dirfd(d), role_name(role), e->d_name);
	closedir(d);
}

int
status_run(struct ctl *c, int argc, char **argv)
{
	const struct program *only = NULL;
	int instance = -1;
	struct err err;

	if (suite_open_folders(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (suite_load(c, &err) != 0)
		ctl_error("%s", err.text); /* and one of each daemon is assumed */
	if (argc > 0) {
		only = program_parse(str_z(argv[0]), c, &instance);
		if (!only)
			return no_such_daemon(c, argv[0]);
	}
	int status = print_all(c, only, instance);
	for (size_t i = 0; i < COUNT(archive_stores); i++)
		if (!only || only->role == archive_stores[i].role)
			print_damages(c, archive_stores[i].role);
	return status;
}

/* ---- check, version ---- */

/* What each program says when it is started so. */
static int
print_answers(struct ctl *c, const char *option)
{
	int status = STATUS_OK;
	struct err err;

	for (const struct program *p = programs; p->name; p++) {
		struct buf out = {0};

		if (tool_ask(c, p, option, &out, &err) != 0)
			status = ctl_error("%s", err.text);
		else
			printf("%.*s", STR_ARG(buf_str(&out)));
		buf_deinit(&out);
	}
	return status;
}

int
check_run(struct ctl *c, int argc, char **argv)
{
	struct err err;

	(void)argc;
	(void)argv;
	if (tool_check_programs(c, &err) != 0 || suite_open_folders(c, &err) != 0 ||
	    suite_load(c, &err) != 0)
		return ctl_error("%s", err.text);
	return print_answers(c, "-n");
}

int
version_run(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("jackdawctl " JACKDAW_VERSION);
	return print_answers(c, "--version");
}

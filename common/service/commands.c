/* The lines that every daemon understands on its control socket; others go to the daemon. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/skeleton.h"

static const char *
state_name(enum run_state s)
{
	static const char *const NAMES[] = {"starting", "ready", "stopping", "stopping"};

	return NAMES[s];
}

/* One line: name pid state link uptime-in-seconds; then counters. */
static void
command_status(struct skeleton *k, struct buf *out)
{
	const struct daemon *d = &k->daemon;
	const char *link = !d->bus ? "-" : bus_is_linked(d->bus) ? "up" : "down";

	buf_printf(out, "ok\n%s %ld %s %s %llu\n", d->name, (long)getpid(), state_name(k->state),
	    link, (unsigned long long)(clock_mono_ms() - k->started_ms) / 1000);
	if (d->bus) {
		struct bus_stats s = bus_stats(d->bus);

		buf_printf(out,
		    "sent %llu received %llu resent %llu acked %llu dropped %llu dead_letters %llu\n",
		    (unsigned long long)s.sent, (unsigned long long)s.received,
		    (unsigned long long)s.resent, (unsigned long long)s.acked,
		    (unsigned long long)s.dropped, (unsigned long long)s.dead_letters);
		buf_printf(out,
		    "kept_frames %zu kept_bytes %zu waiting_frames %zu pending_requests %zu\n",
		    s.kept_frames, s.kept_bytes, s.waiting_frames, s.pending_requests);
	}
	buf_printf(out, "log_dropped %llu\n", (unsigned long long)log_dropped());
}

static void
command_log(struct str level, struct buf *out)
{
	enum log_level l;

	if (!log_level_parse(level, &l)) {
		buf_add_z(out, "error: the levels are debug, info, warn and error\n");
		return;
	}
	log_set_level(l);
	buf_add_z(out, "ok\n");
}

static void
tell_pending(const char *file, const struct buf *names, struct buf *out)
{
	if (buf_len(names) == 0)
		return;
	log_warn("%s: in force from the next start on: %.*s", file, STR_ARG(buf_str(names)));
	buf_printf(out, "%s: %.*s\n", file, STR_ARG(buf_str(names)));
}

/* What is not as it was at the start, when it was read, a line for each file. */
static void
tell_all_pending(const struct skeleton *k, const struct loaded *fresh, struct buf *out)
{
	const struct service *s = k->daemon.service;
	struct buf of_suite = {.data = NULL}, own = {.data = NULL};
	char file[64];

	const struct loaded *start = k->first.suite_file ? &k->first : &k->loaded;

	snprintf(file, sizeof(file), "%s.conf", s->name);
	suite_pending(start->suite_file, fresh->suite_file, &of_suite);
	if (s->settings)
		settings_pending(s->settings, start->settings, fresh->settings, &own);
	tell_pending("jackdaw.conf", &of_suite, out);
	tell_pending(file, &own, out);
	buf_deinit(&of_suite);
	buf_deinit(&own);
}

/* Descriptors: jackdaw.conf, the own file, then those that its settings name. */
static void
command_reload(struct skeleton *k, const int *fds, unsigned n_fds, struct buf *out)
{
	struct loaded fresh = {.pool = NULL};
	struct err err = {.text = "reload takes the two files as descriptors"};

	if (n_fds < 2 || loaded_from_fds(k, &fresh, fds[0], fds[1], &err) != 0 ||
	    loaded_take_files(k, &fresh, fds + 2, n_fds - 2, &err) != 0) {
		loaded_free(&fresh);
		log_error("the new settings are not in force: %s", err.text);
		buf_printf(out, "error: %s\n", err.text);
		return;
	}
	buf_add_z(out, "ok\n");
	log_info("new settings are in force");
	tell_all_pending(k, &fresh, out);
	loaded_swap(k, &fresh);
}

static void
close_all(const int *fds, unsigned n_fds)
{
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
}

/* True when the skeleton knows the command. */
static bool
command_common(struct skeleton *k, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	struct str word, rest;

	str_split(line, ' ', &word, &rest);
	if (str_is(word, "status"))
		command_status(k, out);
	else if (str_is(word, "log"))
		command_log(str_trim(rest), out);
	else if (str_is(word, "reload"))
		command_reload(k, fds, n_fds, out);
	else if (str_is(word, "stop")) {
		buf_add_z(out, "ok\n");
		service_quit(&k->daemon);
	} else {
		return false;
	}
	close_all(fds, n_fds);
	return true;
}

void
skeleton_control(void *ctx, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	struct skeleton *k = ctx;
	const struct service *s = k->daemon.service;

	if (command_common(k, line, fds, n_fds, out))
		return;
	if (s->control && s->control(&k->daemon, line, fds, n_fds, out))
		return;
	if (!s->control)
		close_all(fds, n_fds);
	buf_printf(out, "error: %s does not know this command\n", k->daemon.name);
}

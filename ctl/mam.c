/* jackdawctl archive purge|stats: asks storaged over the bus. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "address.h"
#include "base/clock.h"
#include "base/mem.h"
#include "busline.h"
#include "commands.h"
#include "suite.h"

static const struct endpoint storaged = {.role = ROLE_STORAGED};

struct inquiry {
	unsigned pending;
	struct err *err;
	int rc;
};

/* Is it the answer that was asked for? If not, q has what is to be said. */
static bool
is_answer(struct inquiry *q, const struct bus_in *in, const void *msg, enum msg_type wanted)
{
	q->pending--;
	if (in && in->message->type == wanted)
		return true;
	if (in && in->message->type == MSG_FAILED)
		q->rc = err_set(q->err, "%.*s", STR_ARG(((const struct msg_FAILED *)msg)->text));
	else
		q->rc = err_set(q->err, "storaged gives no answer");
	return false;
}

/* ---- purge ---- */

/* Domain or account, as storaged knows it; empty: all. */
static int
read_whose(const struct ctl *c, const char *text, struct jid_buf *buf, struct str *whose_r,
    struct err *err)
{
	struct jid jid;

	if (strchr(text, '@')) {
		if (address_account(str_z(text), &jid, buf, err) != 0)
			return -1;
		*whose_r = jid.full;
		return 0;
	}
	if (!jid_prepare_domain(whose_r, buf, str_z(text)))
		return err_set(err, "%s is neither a domain nor an account", text);
	return address_check_domain(c, *whose_r, err);
}

static void
on_purged(void *arg, const struct bus_in *in, const void *msg)
{
	is_answer(arg, in, msg, MSG_DONE);
}

static int
purge(struct ctl *c, struct str whose, int64_t before_us)
{
	struct msg_ARCHIVE_PURGE m = {.whose = whose, .before_us = before_us};
	struct err err;
	struct inquiry q = {.pending = 1, .err = &err};
	struct busline *line = busline_open(c, ROLE_STORAGED, &err);
	char stamp[CLOCK_STAMP_MAX];

	if (!line)
		return ctl_error("%s", err.text);
	busline_send(line, &storaged, MSG_ARCHIVE_PURGE, &m, on_purged, &q);
	busline_run(line, &q.pending, 0);
	busline_close(&line);
	if (q.rc != 0)
		return ctl_error("%.*s: %s", STR_ARG(whose), err.text);
	clock_stamp(before_us, stamp);
	printf("%.*s: what was archived before %.19sZ is gone\n",
	    STR_ARG(str_empty(whose) ? S("all domains") : whose), stamp);
	return STATUS_OK;
}

int
archive_purge(struct ctl *c, int argc, char **argv)
{
	bool has_time = c->options & (OPTION_BEFORE | OPTION_DAYS);
	struct str whose = {0};
	struct jid_buf buf;
	struct err err;

	if ((argc == 0 && !has_time) || c->options == (OPTION_BEFORE | OPTION_DAYS)) {
		ctl_error(has_time
			? "--before and --days say the same; give one of them"
			: "purge what? Name a domain or an account, or say --before or --days");
		return STATUS_USAGE;
	}
	if (suite_open(c, &err) != 0 ||
	    (argc > 0 && read_whose(c, argv[0], &buf, &whose, &err) != 0))
		return ctl_error("%s", err.text);
	return purge(c, whose, has_time ? c->before_us : clock_wall_us());
}

/* ---- stats ---- */

struct line {
	char *domain; /* owned */
	uint64_t messages, bytes;
	int64_t oldest_us;
};

struct stats {
	struct inquiry q;
	struct line *v; /* owned; one for each domain */
	size_t n;
	uint64_t after, file_bytes;
	bool more;
};

static struct line *
line_of(struct stats *s, struct str domain)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_is(domain, s->v[i].domain))
			return &s->v[i];
	s->v = mem_grow(s->v, (s->n + 1) * sizeof(*s->v));
	s->v[s->n] = (struct line){.domain = str_dup(domain), .oldest_us = INT64_MAX};
	return &s->v[s->n++];
}

static void
on_stats(void *arg, const struct bus_in *in, const void *msg)
{
	struct stats *s = arg;
	const struct msg_ARCHIVE_STATS *m = msg;
	struct bus_list list;
	struct rec_archive_usage u;

	s->more = false;
	if (!is_answer(&s->q, in, msg, MSG_ARCHIVE_STATS))
		return;
	s->more = m->more;
	s->after = m->last;
	s->file_bytes = m->file_bytes;
	list = m->domains;
	while (bus_list_next(&list, &bus_record_archive_usage, &u)) {
		struct line *l = line_of(s, u.domain);

		l->messages += u.messages;
		l->bytes += u.bytes;
		if (u.oldest_us < l->oldest_us)
			l->oldest_us = u.oldest_us;
	}
}

static int
compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return strcmp(x->domain, y->domain);
}

static void
print_stats(struct stats *s)
{
	char stamp[CLOCK_STAMP_MAX];

	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), compare_lines);
	printf("%-40s %12s %14s %s\n", "DOMAIN", "MESSAGES", "BYTES", "OLDEST");
	for (size_t i = 0; i < s->n; i++) {
		const struct line *l = &s->v[i];

		clock_stamp(l->oldest_us, stamp);
		printf("%-40s %12llu %14llu %.19sZ\n", l->domain, (unsigned long long)l->messages,
		    (unsigned long long)l->bytes, stamp);
	}
	printf("archive.db uses %llu bytes\n", (unsigned long long)s->file_bytes);
}

static void
stats_free(struct stats *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].domain);
	free(s->v);
}

int
archive_stats(struct ctl *c, int argc, char **argv)
{
	struct err err;
	struct stats s = {.q = {.err = &err}};
	struct busline *line;

	(void)argc;
	(void)argv;
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	line = busline_open(c, ROLE_STORAGED, &err);
	if (!line)
		return ctl_error("%s", err.text);
	do {
		struct msg_ARCHIVE_STATS_GET m = {.after = s.after};

		s.q.pending++;
		busline_send(line, &storaged, MSG_ARCHIVE_STATS_GET, &m, on_stats, &s);
		busline_run(line, &s.q.pending, 0);
	} while (s.more);
	busline_close(&line);
	if (s.q.rc == 0)
		print_stats(&s);
	stats_free(&s);
	return s.q.rc == 0 ? STATUS_OK : ctl_error("%s", err.text);
}

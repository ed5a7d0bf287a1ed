/* See accounts.h. Over the bus up to CHANGES_OPEN requests are under way at a time (an import keeps authd's workers busy);
 * offline it is one after the other. Called by user.c. */
#include "accounts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "busline.h"
#include "offline.h"
#include "suite.h"

#define CHANGES_OPEN 32

struct accounts {
	struct busline *line; /* one of the two */
	struct offline *offline;
	unsigned pending;
};

static const struct endpoint authd = {.role = ROLE_AUTHD};

struct accounts *
accounts_open(struct ctl *c, struct err *err)
{
	struct accounts *a = NEW(struct accounts);
	bool is_up = suite_running(c, program_of(ROLE_AUTHD), 0) > 0 || suite_supervisor(c) > 0;

	if (is_up)
		a->line = busline_open(c, ROLE_AUTHD, err);
	else
		a->offline = offline_open(c, err);
	if (!a->line && !a->offline) {
		free(a);
		return NULL;
	}
	return a;
}

int
accounts_close(struct accounts **ap, struct err *err)
{
	struct accounts *a = *ap;

	if (!a)
		return 0;
	*ap = NULL;
	if (a->line)
		busline_run(a->line, &a->pending, 0);
	busline_close(&a->line);
	int rc = offline_close(&a->offline, err);
	free(a);
	return rc;
}

/* NULL: it was carried out. */
static const char *
outcome(const struct bus_message *m, const void *msg, char *text, size_t cap)
{
	if (!m)
		return "authd gives no answer; whether it was carried out is not known";
	if (m->type == MSG_DONE)
		return NULL;
	if (m->type != MSG_FAILED)
		return "authd gives no sensible answer";
	const struct msg_FAILED *f = msg;
	if (!str_copy(text, cap, f->text) || str_empty(f->text))
		return "authd refused it";
	return text;
}

/* ---- changes ---- */

struct change {
	struct accounts *accounts;
	char *jid;
	accounts_done_fn *done;
	void *ctx;
};

static void
change_finish(struct change *ch, const struct bus_message *m, const void *msg)
{
	char text[512];

	ch->done(ch->ctx, ch->jid, outcome(m, msg, text, sizeof(text)));
	free(ch->jid);
	free(ch);
}

static void
on_change(void *arg, const struct bus_in *in, const void *msg)
{
	struct change *ch = arg;

	ch->accounts->pending--;
	change_finish(ch, in ? in->message : NULL, msg);
}

union request {
	struct msg_USER_ADD add;
	struct msg_USER_PASSWD passwd;
	struct msg_USER_DEL del;
};

static enum msg_type
fill_request(enum account_verb verb, struct str jid, struct str password, union request *r)
{
	switch (verb) {
	case ACCOUNT_ADD:
		r->add = (struct msg_USER_ADD){.jid = jid, .password = password};
		return MSG_USER_ADD;
	case ACCOUNT_PASSWD:
		r->passwd = (struct msg_USER_PASSWD){.jid = jid, .password = password};
		return MSG_USER_PASSWD;
	case ACCOUNT_DEL:
		r->del = (struct msg_USER_DEL){.jid = jid};
		return MSG_USER_DEL;
	}
	bug("no such verb");
}

int
accounts_change(struct accounts *a, enum account_verb verb, const char *jid, struct str password,
    accounts_done_fn *done, void *ctx, struct err *err)
{
	struct change *ch = NEW(struct change);
	struct buf sealed = {0};
	union request r;
	union bus_any answer;
	int rc = 0;

	*ch = (struct change){.accounts = a, .jid = str_dup(str_z(jid)), .done = done, .ctx = ctx};
	if (a->line) {
		if (verb != ACCOUNT_DEL)
			busline_seal(a->line, password, &sealed);
		enum msg_type type = fill_request(verb, str_z(jid), buf_str(&sealed), &r);
		a->pending++;
		busline_send(a->line, &authd, type, &r, on_change, ch);
		busline_run(a->line, &a->pending, CHANGES_OPEN);
	} else {
		enum msg_type type = fill_request(verb, str_z(jid), password, &r);
		const struct bus_message *m = offline_ask(a->offline, type, &r, &answer, err);
		rc = m ? 0 : -1;
		if (m) {
			change_finish(ch, m, &answer);
		} else {
			free(ch->jid);
			free(ch);
		}
	}
	buf_deinit(&sealed);
	return rc;
}

/* ---- the list ---- */

struct listing {
	void (*each)(void *ctx, struct str jid);
	void *ctx;
	char after[JID_MAX + 1]; /* the last one that was shown */
	bool more;
	unsigned pending;
	struct err *err;
	int rc;
};

static void
take_page(struct listing *l, const struct bus_message *m, const void *msg)
{
	char text[512];
	struct rec_account account;

	if (!m || m->type != MSG_USERS) {
		const char *why = outcome(m, msg, text, sizeof(text));
		l->rc = err_set(l->err, "%s", why ? why : "authd gives no sensible answer");
		l->more = false;
		return;
	}
	struct msg_USERS users = *(const struct msg_USERS *)msg;
	l->more = users.more && users.accounts.count > 0;
	while (bus_list_next(&users.accounts, &bus_record_account, &account)) {
		l->each(l->ctx, account.jid);
		str_copy(l->after, sizeof(l->after), account.jid);
	}
}

static void
on_page(void *arg, const struct bus_in *in, const void *msg)
{
	struct listing *l = arg;

	l->pending--;
	take_page(l, in ? in->message : NULL, msg);
}

int
accounts_list(struct accounts *a, struct str domain, void (*each)(void *ctx, struct str jid),
    void *ctx, struct err *err)
{
	struct listing l = {.each = each, .ctx = ctx, .err = err};
	union bus_any answer;

	do {
		struct msg_USER_LIST q = {.domain = domain, .after = str_z(l.after)};
		if (a->line) {
			l.pending++;
			busline_send(a->line, &authd, MSG_USER_LIST, &q, on_page, &l);
			busline_run(a->line, &l.pending, 0);
		} else {
			const struct bus_message *m =
			    offline_ask(a->offline, MSG_USER_LIST, &q, &answer, err);
			if (!m)
				return -1;
			take_page(&l, m, &answer);
		}
	} while (l.more && l.rc == 0);
	return l.rc;
}

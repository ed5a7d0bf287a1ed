/* One struct change for each request that alters an account:
 *
 *   received ─▶ password opened, prepared ─▶ credentials made (worker) ─▶ committed (store)
 *            ─▶ answered, sessiond told
 *
 * A removal starts at the commit. Bounded by the bus: a request is kept until it is answered, in
 * its sender's window. */
#include "account.h"

#include <stdlib.h>

#include "ask.h"
#include "base/id.h"
#include "base/jid.h"
#include "base/log.h"
#include "base/mem.h"
#include "login.h"
#include "notice.h"
#include "penalty.h"
#include "roles.h"
#include "seals.h"
#include "tls/pool.h"

struct change {
	struct ask ask;
	struct store_request store;
	struct tls_job make;
	struct authd *authd;
	char *jid;
	char *password;
	size_t password_n;
	uint32_t iterations;
	bool is_chosen; /* by its user: password_min holds */
};

static void
change_free(struct change *c)
{
	if (c->password)
		secret_wipe(c->password, c->password_n);
	free(c->password);
	free(c->jid);
	store_request_deinit(&c->store);
	free(c);
}

static void
change_fail(struct change *c, enum bus_error error, const char *text)
{
	ask_failed(&c->ask, error, text);
	change_free(c);
}

static void
change_tell(struct change *c)
{
	struct notices *ns = c->authd->notices;

	switch (c->store.verb) {
	case STORE_PASSWD:
		notice_send(ns, c->store.jid, c->store.generation,
		    c->store.close_sessions ? NOTICE_CLOSE : NOTICE_CHANGED);
		break;
	case STORE_REMOVE:
		notice_send(ns, c->store.jid, 0, NOTICE_REMOVE);
		break;
	case STORE_ADD:
	case STORE_FIND:
	case STORE_FORGET:
	case STORE_RAISE:
	case STORE_GENERATIONS:
	case STORE_LIST:
	case STORE_PENDING:
	case STORE_TOLD:
	case STORE_CHECK:
	case STORE_VERB_COUNT:
		break;
	}
}

static const char *
change_name(const struct change *c)
{
	return c->store.verb == STORE_ADD   ? "added"
	    : c->store.verb == STORE_REMOVE ? "being removed"
					    : "given a new password";
}

static void
on_stored(struct store_request *r)
{
	struct change *c = CONTAINER_OF(r, struct change, store);

	if (!r->no_room)
		disk_note(c->authd, r->result);
	if (r->result == STORE_OK) {
		log_info("account %.*s: %s by %s", STR_ARG(r->jid), change_name(c),
		    role_name(c->ask.from.role));
		if (r->verb != STORE_ADD)
			logins_void(c->authd->logins, r->jid, r->generation);
		ask_done(&c->ask);
		if (!c->authd->stopping)
			change_tell(c);
	} else if (r->result == STORE_NOT_FOUND && r->check_only) {
		ask_failed(&c->ask, BUS_ERROR_UNAVAILABLE,
		    "authd was restarted and cannot read the password any more; try again");
	} else {
		ask_refused(&c->ask, r->result);
	}
	change_free(c);
}

static void
change_store(struct change *c)
{
	c->store.no_room = disk_is_full(c->authd);
	c->store.done = on_stored;
	store_submit(c->authd->store, &c->store);
}

static void
on_make(struct tls_job *job)
{
	struct change *c = CONTAINER_OF(job, struct change, make);

	credentials_make(&c->store.credentials, str_of(c->password, c->password_n), c->iterations);
}

static void
on_made(struct tls_job *job)
{
	struct change *c = CONTAINER_OF(job, struct change, make);

	if (job->cancelled)
		change_free(c);
	else
		change_store(c);
}

static void
change_make(struct change *c)
{
	c->iterations = (uint32_t)authd_settings(c->authd)->iterations;
	c->make = (struct tls_job){.run = on_make, .done = on_made};
	if (!tls_pool_submit(c->authd->pool, &c->make))
		change_fail(c, BUS_ERROR_LIMIT, "too much to do; try again later");
}

/* RFC 6120 §13.9.4. In characters, as the password is prepared. */
static bool
is_too_short(const struct change *c)
{
	struct str rest = str_of(c->password, c->password_n);
	int64_t n = 0;

	for (; !str_empty(rest); n++)
		rest = str_from(rest, str_utf8_len(rest));
	return c->is_chosen && n < authd_settings(c->authd)->password_min;
}

/* A frame that was sent to the authd before us is sealed with that one's key. Then the account may
 * have been made by this very request: that much can be answered. */
static void
change_with_password(struct change *c, struct seal *seal, struct str sealed)
{
	struct buf plain = {0};
	bool opened = seal && seal_open(seal, sealed, &plain);

	if (opened)
		c->password = jid_prepare_password(buf_str(&plain), &c->password_n);
	buf_deinit_secret(&plain);
	if (c->password && is_too_short(c)) {
		change_fail(c, BUS_ERROR_NOT_ACCEPTABLE, "the password is too short");
	} else if (c->password) {
		change_make(c);
	} else if (opened) {
		change_fail(c, BUS_ERROR_BAD_REQUEST, PASSWORD_REFUSED);
	} else {
		c->store.check_only = true;
		change_store(c);
	}
}

/* NULL when it has been refused. */
static struct change *
change_new(struct authd *a, const struct bus_in *in, uint64_t request, enum store_verb verb,
    struct str jid)
{
	struct change *c = NEW(struct change);
	const struct suite *suite = verb == STORE_ADD ? &a->daemon->suite : NULL;
	const char *why = account_refused(suite, jid);

	c->authd = a;
	ask_hold(&c->ask, a, in, request);
	if (why) {
		change_fail(c, BUS_ERROR_BAD_REQUEST, why);
		return NULL;
	}
	c->jid = str_dup(jid);
	c->store.verb = verb;
	c->store.jid = str_of(c->jid, jid.n);
	c->store.domain = jid_split(c->store.jid).domain;
	c->store.maker = (struct store_maker){in->from.incarnation, request};
	return c;
}

void
handle_user_add(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_USER_ADD *m = msg;
	struct change *c = change_new(a, in, m->req, STORE_ADD, m->jid);

	if (c)
		change_with_password(c, seals_find(a->seals, &in->from), m->password);
}

/* XEP-0077 §3.1, at the wish of somebody of whom nothing is known but the address. */
void
handle_register(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_REGISTER *m = msg;
	struct change *c = change_new(a, in, m->req, STORE_ADD, m->jid);

	if (!c)
		return;
	c->is_chosen = true;
	if (!a->daemon->suite.registration)
		change_fail(c, BUS_ERROR_FORBIDDEN, "accounts are made by the operator");
	else if (penalty_failed(a->registrations, m->source, (struct str){0}, authd_now_ms(a)) > 0)
		change_fail(c, BUS_ERROR_LIMIT, "too many accounts were asked for from there");
	else
		change_with_password(c, seals_find(a->seals, &in->from), m->password);
}

/* The operator's reason may be that somebody else knows the old one: whoever is logged in with it
 * has to do so again. */
void
handle_user_passwd(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_USER_PASSWD *m = msg;
	struct change *c = change_new(a, in, m->req, STORE_PASSWD, m->jid);

	if (!c)
		return;
	c->store.close_sessions = true;
	change_with_password(c, seals_find(a->seals, &in->from), m->password);
}

void
handle_password_set(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_PASSWORD_SET *m = msg;
	struct change *c = change_new(a, in, m->req, STORE_PASSWD, m->jid);

	if (!c)
		return;
	c->is_chosen = true;
	change_with_password(c, seals_find_edge(a->seals, m->edge_incarnation), m->password);
}

void
handle_user_del(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_USER_DEL *m = msg;
	struct change *c = change_new(ctx, in, m->req, STORE_REMOVE, m->jid);

	if (c)
		change_store(c);
}

void
handle_user_remove_self(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_USER_REMOVE_SELF *m = msg;
	struct change *c = change_new(ctx, in, m->req, STORE_REMOVE, m->jid);

	if (c)
		change_store(c);
}

/* ---- the list ---- */

struct listing {
	struct ask ask;
	struct store_request page;
	char *domain, *after;
};

static void
on_page(struct store_request *r)
{
	struct listing *l = CONTAINER_OF(r, struct listing, page);
	struct rec_account *items = mem_new_array(r->n_rows, sizeof(*items));
	struct msg_USERS answer = {
	    .more = r->more, .accounts = {.items = items, .count = (uint32_t)r->n_rows}};

	for (size_t i = 0; i < r->n_rows; i++)
		items[i].jid = str_of(r->rows[i].jid, r->rows[i].jid_n);
	if (r->result == STORE_OK)
		ask_answer(&l->ask, MSG_USERS, &answer);
	else
		ask_refused(&l->ask, r->result);
	free(items);
	store_request_deinit(r);
	free(l->domain);
	free(l->after);
	free(l);
}

void
handle_user_list(void *ctx, const struct bus_in *in, const void *msg)
{
	struct authd *a = ctx;
	const struct msg_USER_LIST *m = msg;
	struct listing *l = NEW(struct listing);

	ask_hold(&l->ask, a, in, m->req);
	l->domain = str_dup(m->domain);
	l->after = str_dup(m->after);
	l->page = (struct store_request){
	    .verb = STORE_LIST,
	    .domain = str_of(l->domain, m->domain.n),
	    .after = str_of(l->after, m->after.n),
	    .done = on_page,
	};
	store_submit(a->store, &l->page);
}

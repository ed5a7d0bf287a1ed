/* An account was deleted: authd lets nobody log in as this user any more and tells us. Sessions end, contacts are told as if
 * each roster item were removed, storaged erases every row. The frame is acknowledged when all of it is done; until then
 * authd repeats it, and each step may be repeated:
 *
 *   ROSTER ──(items)──► ERASE ──(DONE)──► freed      no answer: the same step again at a later tick
 */
#include <stdlib.h>

#include "account.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator.h"
#include "subscription.h"
#include "teardown.h"

enum removal_state {
	REMOVAL_ROSTER,
	REMOVAL_ERASE,
};

struct removal {
	struct list link; /* in sd->removals */
	enum removal_state state;
	bool is_waiting; /* for an answer */
	struct act act;
	struct account *account; /* pinned */
};

static void
removal_free(struct removal *r)
{
	list_remove(&r->link);
	account_unpin(r->account);
	act_drop(&r->act);
	free(r);
}

static void step(struct removal *r);

static void
tell_contacts(struct removal *r, const struct msg_ROSTER *m)
{
	struct account *a = r->account;
	struct contact *c, *next;

	roster_load(&a->roster, m);
	HASH_ITER(hh, a->roster.contacts, c, next)
		subscription_end(a, &r->act, c);
	roster_clear(&a->roster);
}

static void
on_roster(void *arg, const struct bus_in *in, const void *msg)
{
	struct removal *r = arg;

	r->is_waiting = false;
	if (!in || in->message->type != MSG_ROSTER)
		return; /* the tick asks again */
	tell_contacts(r, msg);
	r->state = REMOVAL_ERASE;
	step(r);
}

static void
on_erased(void *arg, const struct bus_in *in, const void *msg)
{
	struct removal *r = arg;
	struct account *a = r->account;

	(void)msg;
	r->is_waiting = false;
	if (!in || in->message->type != MSG_DONE)
		return;
	log_info("%.*s is removed", STR_ARG(a->jid));
	/* Somebody may get the same name again: nothing is remembered. */
	if (a->state == ACCOUNT_READY && list_empty(&a->tasks))
		a->state = ACCOUNT_COLD;
	removal_free(r);
}

static void
step(struct removal *r)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct bus *b = bus_of(r->act.sd);
	struct msg_ROSTER_GET get = {.owner = r->account->jid};
	struct msg_USER_ERASE erase = {.owner = r->account->jid};

	r->is_waiting = true;
	switch (r->state) {
	case REMOVAL_ROSTER:
		bus_request(
		    b, &storaged, MSG_ROSTER_GET, &get, NULL, r->act.custody, 0, on_roster, r);
		return;
	case REMOVAL_ERASE:
		bus_request(
		    b, &storaged, MSG_USER_ERASE, &erase, NULL, r->act.custody, 0, on_erased, r);
		return;
	}
}

void
handle_user_remove(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	const struct msg_USER_REMOVE *m = msg;
	struct removal *r = NEW(struct removal);
	struct act act = act_of(sd, in);
	struct account *a = account_get(sd, m->jid);

	r->act = act_keep(&act);
	r->account = a;
	account_pin(a);
	list_add(&sd->removals, &r->link);
	LIST_FOREACH_SAFE(&a->sessions, it, nx)
		session_end(
		    CONTAINER_OF(it, struct session, link), &act, END_TAKEN, STREAM_NOT_AUTHORIZED);
	a->exists = false;
	step(r);
}

void
removals_retry(struct sessiond *sd)
{
	LIST_FOREACH_SAFE(&sd->removals, it, nx) {
		struct removal *r = CONTAINER_OF(it, struct removal, link);

		if (!r->is_waiting)
			step(r);
	}
}

void
removals_free(struct sessiond *sd)
{
	LIST_FOREACH_SAFE(&sd->removals, it, nx)
		removal_free(CONTAINER_OF(it, struct removal, link));
}

/* See blob.h. */
#include "blob.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

#define BLOB_MS 30000

struct blob_wait {
	struct iq_later *later;
	blob_fn *fn;
	char *none; /* owned */
};

static void
on_blob(void *arg, const struct bus_in *in, const void *msg)
{
	struct blob_wait *w = arg;
	const struct msg_BLOB *m = msg;

	if (!in || in->message->type != MSG_BLOB)
		iq_later_error(w->later, SE_RESOURCE_CONSTRAINT);
	else
		w->fn(w->later, m->found ? m->data : str_z(w->none));
	free(w->none);
	free(w);
}

void
blob_get(const struct iq *iq, enum blob_space space, struct str key, struct str none, blob_fn *fn)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_BLOB_GET m = {.owner = iq->account->jid, .space = (uint8_t)space, .key = key};
	struct blob_wait *w;

	if (key.n > BLOB_KEY_MAX) {
		iq_error(iq, SE_NOT_ACCEPTABLE);
		return;
	}
	w = NEW(struct blob_wait);
	w->later = iq_keep(iq);
	w->fn = fn;
	w->none = str_dup(none);
	bus_request(bus_of(iq->act->sd), &storaged, MSG_BLOB_GET, &m, NULL, iq->act->custody,
	    BLOB_MS, on_blob, w);
}

/* Values on their way for one IQ. */
struct put_wait {
	struct iq_later *later;
	unsigned open;
	enum stanza_error error; /* the first one */
};

static void
on_put(void *arg, const struct bus_in *in, const void *msg)
{
	struct put_wait *w = arg;
	const struct msg_FAILED *failed = msg;
	enum stanza_error e = SE_RESOURCE_CONSTRAINT;

	if (in && in->message->type == MSG_DONE)
		e = SE_NONE;
	else if (in && in->message->type == MSG_FAILED)
		e = iq_error_of((enum bus_error)failed->error);
	if (w->error == SE_NONE)
		w->error = e;
	if (--w->open > 0)
		return;
	if (w->error == SE_NONE)
		iq_later_result(w->later, (struct str){0});
	else
		iq_later_error(w->later, w->error);
	free(w);
}

static bool
fit(const struct blob_item *items, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (items[i].key.n > BLOB_KEY_MAX || items[i].data.n > BLOB_DATA_MAX)
			return false;
	return true;
}

void
blob_put(const struct iq *iq, enum blob_space space, const struct blob_item *items, unsigned n)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct put_wait *w;

	if (!fit(items, n)) {
		iq_error(iq, SE_NOT_ACCEPTABLE);
		return;
	}
	w = NEW(struct put_wait);
	w->later = iq_keep(iq);
	w->open = n;
	for (unsigned i = 0; i < n; i++) {
		struct opid op = act_op_of(iq->act, OP_BLOB, items[i].key);
		struct msg_BLOB_PUT m = {.owner = iq->account->jid,
		    .space = (uint8_t)space,
		    .key = items[i].key,
		    .data = items[i].data};

		bus_request(bus_of(iq->act->sd), &storaged, MSG_BLOB_PUT, &m, &op, iq->act->custody,
		    BLOB_MS, on_put, w);
	}
}

static void
on_noted(void *arg, const struct bus_in *in, const void *msg)
{
	(void)msg;
	if (!in || in->message->type != MSG_DONE)
		log_debug("a note about %.*s was not kept", STR_ARG(((struct account *)arg)->jid));
	account_unpin(arg);
}

void
blob_note(struct account *a, const struct act *act, enum blob_space space, struct str data)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_BLOB_PUT m = {.owner = a->jid, .space = (uint8_t)space, .data = data};

	account_pin(a);
	bus_request(
	    bus_of(a->sd), &storaged, MSG_BLOB_PUT, &m, NULL, act->custody, BLOB_MS, on_noted, a);
}

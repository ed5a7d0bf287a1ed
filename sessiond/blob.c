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

static void
on_put(void *arg, const struct bus_in *in, const void *msg)
{
	struct iq_later *l = arg;
	const struct msg_FAILED *failed = msg;

	if (in && in->message->type == MSG_DONE)
		iq_later_result(l, (struct str){0});
	else
		iq_later_error(l,
		    in && in->message->type == MSG_FAILED
			? iq_error_of((enum bus_error)failed->error)
			: SE_RESOURCE_CONSTRAINT);
}

void
blob_put(const struct iq *iq, enum blob_space space, struct str key, struct str data)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct opid op = act_op(iq->act, OP_BLOB);
	struct msg_BLOB_PUT m = {
	    .owner = iq->account->jid, .space = (uint8_t)space, .key = key, .data = data};

	if (key.n > BLOB_KEY_MAX || data.n > BLOB_DATA_MAX) {
		iq_error(iq, SE_NOT_ACCEPTABLE);
		return;
	}
	bus_request(bus_of(iq->act->sd), &storaged, MSG_BLOB_PUT, &m, &op, iq->act->custody,
	    BLOB_MS, on_put, iq_keep(iq));
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

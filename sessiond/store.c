/* See store.h. storaged acknowledges a STORE or sends STORE_FAILED. That frame may cause nothing itself (its level is the
 * last), so each STORE in flight keeps the act that it belongs to: the error goes out under that, and its sender's
 * acknowledgement waits for it. Key: id of the stanza and owner. */
#include "store.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bounce.h"

struct stored {
	struct sessiond *sd;
	struct act act; /* its custody is our own; storaged's acknowledgement ends it */
	UT_hash_handle hh;
	size_t key_len;
	uint8_t key[];
};

#define KEY_MAX (ID_BYTES + sizeof(uint64_t) + JID_MAX)

static size_t
make_key(uint8_t *key, const struct opid *op, struct str owner)
{
	memcpy(key, op->origin.b, ID_BYTES);
	memcpy(key + ID_BYTES, &op->n, sizeof(op->n));
	memcpy(key + ID_BYTES + sizeof(op->n), owner.p, owner.n);
	return ID_BYTES + sizeof(op->n) + owner.n;
}

static struct stored *
stored_find(const struct sessiond *sd, const struct opid *op, struct str owner)
{
	uint8_t key[KEY_MAX];
	size_t n = make_key(key, op, owner);
	struct stored *s;

	HASH_FIND(hh, sd->stored, key, n, s);
	return s;
}

static void
stored_free(struct stored *s)
{
	HASH_DEL(s->sd->stored, s);
	free(s);
}

static void
on_stored(void *arg)
{
	stored_free(arg);
}

/* The act under which it is sent: one of its own, kept until storaged has acknowledged. */
static struct act
stored_begin(const struct act *act, const struct opid *op, struct str owner)
{
	struct stored *s = mem_new(sizeof(*s) + KEY_MAX);

	s->sd = act->sd;
	s->act = *act;
	s->act.custody = custody_new(bus_of(act->sd), act->custody, on_stored, s);
	s->key_len = make_key(s->key, op, owner);
	HASH_ADD_KEYPTR(hh, s->sd->stored, s->key, s->key_len, s);
	return s->act;
}

/* By the recipient's shard under one kind, owed or not: a second run, that may find the recipient gone or back, must not
 * store it twice. What the sender's shard stores alone has its own. */
void
store_archived(struct account *a, const struct act *act, const struct stanza *st)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_STORE m = {.archive_from = act->archive_from,
	    .archive_to = act->archive_to,
	    .stamp_us = clock_wall_us(),
	    .st = *st};
	bool is_senders = !str_eq(jid_split(st->to).bare, a->jid);
	struct opid op = act_op(act, is_senders ? OP_ARCHIVE_FROM : OP_OWED);

	if (act->archive_from || act->archive_to)
		bus_send(bus_of(a->sd), &storaged, MSG_STORE, &m, &op, act->custody, BUS_PATIENT);
}

void
store_owed(struct account *a, const struct act *act, const struct stanza *st)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	uint32_t max = (uint32_t)settings_of(a->sd)->offline_max;
	struct msg_STORE m = {.archive_from = act->archive_from,
	    .archive_to = act->archive_to,
	    .owed = true,
	    .stamp_us = clock_wall_us(),
	    .owed_max = max,
	    .st = *st};
	struct opid op = act_op(act, OP_OWED);
	struct act own;

	if (max == 0 && act->archive_to) {
		store_archived(a, act, st);
		return;
	}
	if (max == 0) {
		bounce(act, st, SE_SERVICE_UNAVAILABLE);
		return;
	}
	/* It is on its way already: the same stanza, come again. */
	if (stored_find(a->sd, &op, a->jid)) {
		bus_send(bus_of(a->sd), &storaged, MSG_STORE, &m, &op, act->custody, BUS_PATIENT);
		return;
	}
	own = stored_begin(act, &op, a->jid);
	bus_send(bus_of(a->sd), &storaged, MSG_STORE, &m, &op, own.custody, BUS_PATIENT);
	custody_release(own.custody);
}

static enum stanza_error
error_of(enum bus_error e)
{
	if (e == BUS_ERROR_LIMIT)
		return SE_SERVICE_UNAVAILABLE; /* XEP-0160 §2: the store is full */
	return e == BUS_ERROR_FULL ? SE_RESOURCE_CONSTRAINT : SE_INTERNAL_SERVER_ERROR;
}

void
store_failed(struct sessiond *sd, const struct opid *op, const struct msg_STORE_FAILED *m)
{
	struct stored *s = stored_find(sd, op, jid_split(m->st.to).bare);

	/* Of a full disk storaged itself says so, once. */
	if (m->error != BUS_ERROR_LIMIT && m->error != BUS_ERROR_FULL)
		log_warn("a message to %.*s could not be kept (error %u)",
		    STR_ARG(jid_split(m->st.to).bare), m->error);
	if (s && m->owed)
		bounce(&s->act, &m->st, error_of((enum bus_error)m->error));
}

void
handle_store_failed(struct sessiond *sd, const struct bus_in *in, const void *msg)
{
	store_failed(sd, &in->op, msg);
}

void
stored_free_all(struct sessiond *sd)
{
	while (sd->stored)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): stored_free takes it out of the map */
		stored_free(sd->stored);
}

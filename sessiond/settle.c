/* See settle.h. The ways that a stanza took are the ledgers that have it: those of sessions, and one for each other shard. */
#include "settle.h"

static bool
is_of_a_shard(const struct sessiond *sd, const struct ledger *l)
{
	return l >= sd->shards && l < sd->shards + SHARDS_MAX;
}

/* Who has a copy of this ledger must forget it too. */
static void
tell(void *ctx, struct ledger *l, const struct opid *op)
{
	struct sessiond *sd = ctx;
	struct endpoint to = {.role = ROLE_SESSIOND};

	if (is_of_a_shard(sd, l))
		to.instance = (uint8_t)(l - sd->shards);
	else
		to = CONTAINER_OF(l, struct session, out.ledger)->edge;
	bus_settle(bus_of(sd), &to, &op->origin, op->n);
}

static void
settle(struct sessiond *sd, const struct id128 *origin, uint64_t n)
{
	ledger_settle(&sd->ids, origin, n, tell, sd);
}

/* A session that went on elsewhere is not this edge's to prove anything of. */
void
settle_proven(struct sessiond *sd, const struct endpoint *edge, const struct opid *op)
{
	struct session *s = sessions_by_sid(sd, &op->origin);

	if (edge->role != ROLE_C2SD)
		return;
	if (!s)
		settle(sd, &op->origin, op->n);
	else if (s->handle.incarnation == edge->incarnation && op->n <= s->done)
		settle_up_to(s, op->n);
}

void
settle_told(struct sessiond *sd, const struct endpoint *peer, const struct rec_settled *id)
{
	if (peer->role == ROLE_SESSIOND)
		settle(sd, &id->origin, id->n);
}

void
settle_up_to(struct session *s, uint64_t n)
{
	while (s->settled < n)
		settle(s->sd, &s->sid, ++s->settled);
}

void
settle_arrived(struct session *s, const struct opid *op)
{
	ledger_release(&s->out.ledger, op, tell, s->sd);
}

void
settle_note_shard(struct sessiond *sd, unsigned instance, const struct opid *op)
{
	struct ledger *l = &sd->shards[instance];

	if (!ledger_find(l, op))
		ledger_add(l, op, 0, LEDGER_FREE);
}

/* See act.h. */
#include "act.h"

#include <sodium.h>

#include "base/mem.h"

struct act
act_of(struct sessiond *sd, const struct bus_in *in)
{
	return (struct act){
	    .sd = sd, .custody = in->custody, .op = in->op, .level = in->message->level};
}

struct act
act_own(struct sessiond *sd)
{
	return (struct act){.sd = sd, .level = 1};
}

struct opid
act_op(const struct act *act, enum op_kind kind)
{
	struct opid op = act->op;

	op.kind = (uint16_t)kind;
	return op;
}

struct opid
act_op_of(const struct act *act, enum op_kind kind, struct str what)
{
	struct opid op = act_op(act, kind);

	if (!id_is_zero(&op.origin))
		crypto_generichash(op.origin.b, ID_BYTES, (const uint8_t *)what.p, what.n,
		    act->op.origin.b, ID_BYTES);
	return op;
}

struct act
act_keep(const struct act *act)
{
	struct act copy = *act;

	if (copy.custody)
		custody_hold(copy.custody);
	return copy;
}

void
act_drop(struct act *act)
{
	if (act->custody)
		act_let_go(act->sd, act->custody);
	act->custody = NULL;
}

void
act_let_go(const struct sessiond *sd, struct custody *c)
{
	if (bus_of(sd))
		custody_release(c);
}

size_t
stanza_bytes(const struct stanza *st)
{
	return 64 + st->from.n + st->to.n + st->id.n + st->lang.n + st->payload.n;
}

bool
stanza_wants_answer(const struct stanza *st)
{
	return st->type != TYPE_ERROR && st->type != TYPE_RESULT;
}

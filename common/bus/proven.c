/* Proofs that a frame's sender knows of its acknowledgement: each frame tells the lowest number that its sender still
 * keeps, so what is below is known to it (BUS.md §2, floor). For the owner that is one half of "nobody can bring this
 * stanza again" (§7, settled). */
#include <stdlib.h>

#include "base/mem.h"
#include "bus/bus_private.h"

static bool
proven_is_wanted(const struct bus *b, const struct frame *f)
{
	const struct bus_events *e = b->config->events;
	return e && e->proven && !(f->flags & FRAME_NOP) && !id_is_zero(&f->origin);
}

/* From n entries on to twice as many, in order from index 0. */
static void
unproven_grow(struct in_channel *ch)
{
	uint32_t cap = ch->cap_unproven ? 2 * ch->cap_unproven : 16;
	struct unproven *bigger = mem_new_array(cap, sizeof(*bigger));
	for (uint32_t i = 0; i < ch->n_unproven; i++)
		bigger[i] = ch->unproven[(ch->first_unproven + i) % ch->cap_unproven];
	free(ch->unproven);
	ch->unproven = bigger;
	ch->cap_unproven = cap;
	ch->first_unproven = 0;
}

static void
unproven_pop(struct in_channel *ch)
{
	ch->first_unproven = (ch->first_unproven + 1) % ch->cap_unproven;
	ch->n_unproven--;
}

void
proven_note(struct bus *b, struct in_channel *ch, const struct frame *f)
{
	if (!proven_is_wanted(b, f))
		return;
	if (ch->n_unproven == UNPROVEN_MAX)
		unproven_pop(ch);
	if (ch->n_unproven == ch->cap_unproven)
		unproven_grow(ch);
	ch->unproven[(ch->first_unproven + ch->n_unproven++) % ch->cap_unproven] =
	    (struct unproven){f->seq, {f->origin, f->n, f->kind}};
}

/* What the sender keeps no more though we have not acknowledged it, it has taken back: that proves nothing. */
void
proven_take_floor(struct bus *b, struct peer *p, struct in_channel *ch, uint64_t floor)
{
	struct endpoint who = bus_endpoint_of(p);
	while (ch->n_unproven > 0 && ch->unproven[ch->first_unproven].seq < floor) {
		struct unproven u = ch->unproven[ch->first_unproven];
		unproven_pop(ch);
		if (receiver_has_acked(ch, u.seq))
			b->config->events->proven(b->config->ctx, &who, &u.op);
	}
}

void
proven_reset(struct in_channel *ch)
{
	free(ch->unproven);
	ch->unproven = NULL;
	ch->first_unproven = ch->n_unproven = ch->cap_unproven = 0;
}

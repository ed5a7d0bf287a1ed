/* Frames that kill their receiver (BUS.md §11). Each kept frame counts the incarnations that died with its handler not
 * returned. From POISON_DEATHS on it is suspected, and its channel is careful: it gives the next incarnation one frame at a
 * time until the last suspect has been handled.
 *
 *   normal --a successor, and a suspect among what remains--> careful --the last suspect handled--> normal
 *
 * Only a frame that is known to have been started alone, and whose handler had not returned, is condemned: who was killed
 * while he was still starting, or by what came on another channel before this one was begun, has not died of it. */
#include <inttypes.h>

#include "base/log.h"
#include "bus/bus_private.h"

bool
poison_is_suspect(const struct kept *k)
{
	return k->deaths >= POISON_DEATHS;
}

/* The receiver is dead; k is one of the channel's frames. */
void
poison_count_death(struct out_channel *ch, struct kept *k)
{
	if (k->seq <= ch->handled)
		return; /* never written, or not the one */
	k->condemned = ch->careful && poison_is_suspect(k) && k->seq <= ch->started;
	if (k->deaths < UINT8_MAX)
		k->deaths++;
}

/* May one more frame go on a careful channel? */
bool
poison_may_write(const struct out_channel *ch)
{
	return ch->handled == ch->next_seq;
}

/* The dead letter: what it was and whose, never what was in it. */
void
poison_log(struct bus *b, const struct peer *p, const struct kept *k)
{
	char origin[2 * ID_BYTES + 1];
	b->stats.dead_letters++;
	id_hex(&k->op.origin, origin);
	log_error("dead letter: %s (origin %s, n %" PRIu64
		  ", kind %u) to %s.%u, %u bytes: it was alone when its receiver "
		  "died, after %u deaths; it is set aside",
	    bus_message(k->type)->body.name, origin, k->op.n, k->op.kind,
	    role_name(frame_role(p->number)), frame_instance(p->number), k->size, k->deaths);
}

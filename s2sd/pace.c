/* See pace.h. */
#include "pace.h"

#define TOO_MUCH "too much waits for this domain"

void
pace_count(struct pair *p, ptrdiff_t bytes)
{
	p->bytes += (size_t)bytes;
	if (p->pace == PAIR_HELD)
		p->s2sd->held_bytes += (size_t)bytes;
}

static void
set(struct pair *p, enum pair_pace pace)
{
	if (p->pace == PAIR_HELD)
		p->s2sd->held_bytes -= p->bytes;
	p->pace = pace;
	if (p->pace == PAIR_HELD)
		p->s2sd->held_bytes += p->bytes;
}

static const struct item *
oldest(const struct pair *p)
{
	const struct list *it = p->written > 0 ? p->stream->sent.next : p->queue.next;

	return p->n_items > 0 ? CONTAINER_OF(it, struct item, link) : NULL;
}

static bool
is_over(const struct pair *p, size_t more)
{
	const struct s2sd_settings *s = s2sd_settings(p->s2sd);

	return p->bytes + more > (size_t)s->queue_bytes ||
	    p->s2sd->held_bytes + more > (size_t)s->queues_bytes;
}

void
pace_look(struct pair *p)
{
	const struct item *first = oldest(p);
	uint64_t live_ms = (uint64_t)s2sd_settings(p->s2sd)->live_ms;
	bool is_live = !first || s2sd_now_ms(p->s2sd) - first->since_ms < live_ms;

	set(p, is_live ? PAIR_LIVE : PAIR_HELD);
	while (p->pace == PAIR_HELD && is_over(p, 0) && !list_empty(&p->queue))
		item_fail(CONTAINER_OF(p->queue.prev, struct item, link), SE_RESOURCE_CONSTRAINT,
		    TOO_MUCH);
}

bool
pace_admits(struct pair *p, const struct custody *custody, size_t bytes)
{
	pace_look(p);
	return (custody && p->pace == PAIR_LIVE) || !is_over(p, bytes);
}

bool
pace_is_in_the_way(const struct pair *p)
{
	return p->pace == PAIR_HELD && p->written > 0 &&
	    p->s2sd->held_bytes > (size_t)s2sd_settings(p->s2sd)->queues_bytes;
}

/* See shaper.h. */
#include "edge/shaper.h"

#include "base/clock.h"
#include "base/mem.h"

#define STEP_MS 8

void
shaper_init(struct shaper *s, void (*resume)(struct shaped *s))
{
	s->resume = resume;
	list_init(&s->due);
	wheel_init(&s->waiting, STEP_MS, 0); /* there is no clock yet */
}

static void
look_at(struct wheel_node *node, void *shaper)
{
	struct shaper *s = shaper;

	wheel_remove(node);
	list_add(&s->due, &node->link);
}

/* What one of them says may be the end of another, so nobody is resumed while the wheel is turned. */
void
shaper_turn(struct shaper *s)
{
	wheel_turn(&s->waiting, loop_now_ms(s->loop), look_at, s);
	while (!list_empty(&s->due)) {
		struct list *it = s->due.next;

		list_remove(it);
		s->resume(CONTAINER_OF(it, struct shaped, node.link));
	}
	if (!wheel_any(&s->waiting))
		loop_timer_stop(s->timer);
}

static void
on_time(void *shaper)
{
	shaper_turn(shaper);
}

void
shaper_start(struct shaper *s, struct loop *loop)
{
	s->loop = loop;
	s->timer = loop_timer_new(loop, on_time, s);
}

void
shaper_stop(struct shaper *s)
{
	if (s->timer)
		loop_timer_free(&s->timer);
}

void
shaped_init(struct shaped *c)
{
	*c = (struct shaped){.shape = {0}};
	wheel_node_init(&c->node);
}

bool
shaper_take(struct shaper *s, struct shaped *c, const struct shape_rate *rate, size_t bytes)
{
	uint64_t wait_us = shape_take(&c->shape, rate, bytes, clock_mono_us());

	if (wait_us == 0)
		return false;
	if (!wheel_any(&s->waiting))
		loop_timer_start(s->timer, STEP_MS, STEP_MS);
	wheel_put(&s->waiting, &c->node, loop_now_ms(s->loop) + 1 + wait_us / 1000);
	return true;
}

void
shaped_forget(struct shaped *c)
{
	wheel_remove(&c->node);
}

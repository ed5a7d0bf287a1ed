/* Senders who were too fast (shape.h) are not read until their bucket has room again: each from its own time on, to a few milliseconds, so
 * that what it has saved up comes in small pieces, and others' stanzas between them. */
#pragma once

#include <stdbool.h>

#include "base/wheel.h"
#include "edge/shape.h"
#include "loop/loop.h"

/* Embedded in the sender. */
struct shaped {
	struct shape shape;
	struct wheel_node node;
};

/* One per process. */
struct shaper {
	struct loop *loop;
	struct loop_timer *timer; /* runs while somebody waits */
	struct wheel waiting;
	struct list due; /* in a turn */
	void (*resume)(struct shaped *s);
};

/* resume: it may be read again. What comes of that may be shaped_forget of others. */
void shaper_init(struct shaper *s, void (*resume)(struct shaped *s));
void shaper_start(struct shaper *s, struct loop *loop);
/* When nobody waits any more. */
void shaper_stop(struct shaper *s);

void shaped_init(struct shaped *c);
/* Counts bytes of a sender who does not wait. True: too many, and it is not to be read until resume. */
bool shaper_take(struct shaper *s, struct shaped *c, const struct shape_rate *rate, size_t bytes);
/* It waits no more, and is not resumed. Idempotent. */
void shaped_forget(struct shaped *c);
/* Resumes those whose time has come: what the timer does. */
void shaper_turn(struct shaper *s);

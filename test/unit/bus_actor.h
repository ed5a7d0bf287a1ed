/* A sessiond on a rig whose handlers do what the test says, linked, with c2sd.0 (incarnation 7) and storaged.0 (8). */
#pragma once

#include "bus_rig.h"

struct bus_actor {
	struct bus_rig r;
	struct bus_config config;
	struct custody *held[128];
	unsigned n_held;
	unsigned handled;
	uint64_t last_n; /* op.n of the last frame handled */
	bool hold;       /* a STANZA's custody is kept in held */
	bool emit;       /* a STANZA becomes a STORE */
	bool defer;      /* and put off */
	bool hold_lost;  /* the cause of a lost frame is kept in held */
	bool settled;
	bool replace;    /* poison gets a STORE in its place */
	struct buf log;  /* of events */
	uint32_t credit; /* roles with whom there is credit again */
};

extern struct bus_actor actor;

int actor_setup(void **state);
int actor_teardown(void **state);
void actor_send_store(struct custody *cause, unsigned flags);
void actor_send_release(uint64_t inc, uint64_t conn, struct custody *cause);
/* A STANZA from c2sd.0. */
void actor_gets_stanza(uint64_t inc, uint64_t seq);
/* STOREs to storaged until its window is full; they are taken from the output. */
void actor_fill_window(void);
/* These events since the last time. */
void actor_expect_log(const char *text);
void actor_expect_complaint(enum role role, uint64_t inc, const char *what);

/* componentd without its sandbox: components on socket pairs, in clear, the real bus without a router. A test plays the components and
 * sessiond. Served are the components "a" and "b" (secret "s"); "h" is a domain of users, everything else is of other servers.
 *
 * One rig at a time; setup and teardown for each test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus_rig.h"
#include "talker.h"
#include "stream.h"

#define SESSIOND_INC 5
#define S2SD_INC 6

struct rig {
	struct daemon daemon;
	struct componentd_settings settings;
	struct component_settings components[2];
	struct componentd *componentd;
	struct gate gate;
	struct bus_rig bus;
	struct bus_config config;
	uint64_t seq[LEVELS]; /* of frames of sessiond */
};

extern struct rig rig;

int rig_setup(void **state);
int rig_teardown(void **state);

void rig_connect(struct talker *p);
void rig_hang_up(struct talker *p);
/* The server's side; NULL when it is gone. */
struct stream *rig_stream(const struct talker *p);
/* Until nothing more happens by itself. */
void rig_turn(void);
/* What the program sends. */
void rig_says(struct talker *p, struct str text);
/* The digest that proves its secret on its stream. */
void rig_digest(const struct talker *p, const char *secret, char hex[41]);
/* sessiond sends a stanza, as the n-th of that origin. */
void rig_routes(const struct stanza *st, uint64_t n);
/* Everything that was sent has been taken. */
void rig_acknowledges(void);

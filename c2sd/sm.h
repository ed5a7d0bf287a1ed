/* Stream management (XEP-0198) of a session, without resumption as yet.
 *
 *   OFF ──<enable/>: SM_ENABLE──▶ ASKED ──sessiond answers: <enabled/>──▶ ON
 *    ▲                              │ refused: <failed/>
 *    └──────────────────────────────┘
 *
 * The numbers of the bus count from the session's begin, the client's from <enable/> and <enabled/>: the bases lie between. */
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct c2sd;
struct client;
struct session;
struct xml_element;

#define SM_ASK_STANZAS 20  /* sent without having asked for an acknowledgement */
#define SM_ASK_MS 2000     /* or the first of them that long ago */
#define SM_ANSWER_MS 60000 /* then the client is gone (SECURITY.md §3.6) */

enum sm_state {
	SM_OFF,
	SM_ASKED,
	SM_ON,
};

struct sm {
	enum sm_state state;
	uint64_t in_base;  /* stanzas from the client before <enable/> */
	uint64_t out_base; /* to the client before <enabled/> */
	bool is_asked;     /* <r/> came before <enabled/> went */
	uint64_t wanted; /* the client has asked when so many had come; 0: has been told that all of them are done */

	struct list advanced;       /* in c2sd->sm_advanced: an <a/> is due this turn */
	struct list open;           /* in c2sd->sm_open: the client has not acknowledged all */
	uint64_t open_ms;           /* since when there is something that was not asked for */
	uint64_t asked_k, asked_ms; /* our last <r/>: it asks for all up to k */
	bool awaits_answer;
};

void sm_init(struct session *s);
/* The client has gone. */
void sm_leave(struct session *s);

/* The elements; false: stop reading. */
bool sm_enable(struct client *c, const struct xml_element *e);
bool sm_request(struct client *c, const struct xml_element *e);
bool sm_answer(struct client *c, const struct xml_element *e);
/* Before there is a session, and <resume/> at any time. */
bool sm_refuse(struct client *c, const struct xml_element *e);

/* On, or about to be: no stanza may be made or swallowed at this edge (BUS.md §7). */
bool sm_counts(const struct session *s);
/* Stanza s->k was written. */
void sm_delivered(struct session *s);
/* s->done has advanced. */
void sm_done(struct session *s);
/* Asks the client for its acknowledgement. */
void sm_ask(struct session *s);

/* Once per turn, and four times a second. */
void sm_turn(struct c2sd *c);
void sm_tick(struct c2sd *c, uint64_t now_ms);

/* Stream management (XEP-0198) of a session; resume.c has what comes before there is one.
 *
 *   OFF ──<enable/>: SM_ENABLE──▶ ASKED ──sessiond answers: <enabled/>──▶ ON ◀──RESUMED
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
struct rec_session;
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
	uint64_t in_base;        /* stanzas from the client before <enable/> */
	uint64_t out_base;       /* to the client before <enabled/> */
	uint32_t resume_seconds; /* how long it may be resumed; 0: not */
	bool is_asked;           /* <r/> came before <enabled/> went */
	uint64_t wanted; /* the client has asked when so many had come; 0: has been told that all of them are done */

	struct list advanced;       /* in c2sd->sm_advanced: an <a/> is due this turn */
	struct list open;           /* in c2sd->sm_open: the client has not acknowledged all */
	uint64_t open_ms;           /* since when there is something that was not asked for */
	uint64_t asked_k, asked_ms; /* our last <r/>: it asks for all up to k */
	bool awaits_answer;
};

/* As the record says. */
void sm_init(struct session *s, const struct rec_session *r);
/* The client has gone. */
void sm_leave(struct session *s);

/* The elements; false: stop reading. */
bool sm_enable(struct client *c, const struct xml_element *e);
bool sm_request(struct client *c, const struct xml_element *e);
bool sm_answer(struct client *c, const struct xml_element *e);
/* What comes when it may not: <enable/> before there is a session, <resume/> within one. */
bool sm_refuse(struct client *c, const struct xml_element *e);
void sm_write_failed(struct client *c, const char *condition);
/* The same for a session that has ended: h of its stanzas were handled (XEP-0198 §5). */
void sm_write_failed_h(struct client *c, const char *condition, uint32_t h);
/* The client acknowledges h stanzas and was sent fewer: the stream ends (XEP-0198 §6). */
void sm_end_too_high(struct client *c, uint32_t h, uint32_t sent);
/* What the client is told of what is in custody; counters are of 32 bits and begin anew (XEP-0198 §4). */
uint32_t sm_h(const struct session *s);
/* The session goes on with a new client, which has been told so. */
void sm_goes_on(struct session *s);

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

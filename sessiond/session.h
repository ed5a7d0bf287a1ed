/* A client's session and the two maps by which it is found. States (bind.c, register.c, detach.c, resume.c, load.c and
 * teardown.c make the transitions):
 *
 *   BIND ──────────────► ATTACHED ──clean CLOSED, kick, replaced; or it cannot be resumed──► ENDED (freed)
 *   REG ──► REGISTERING ─────┘ believed      │ ▲                                              ▲
 *               └─ not believed: freed       ▼ │ CLAIM granted: RESUMED                       │ time is up,
 *   LOADED ─────────────────────────────► DETACHED ──RESUME: CLAIM──► CLAIMING ──(refused)────┘ kick, …
 *
 * While it is away (DETACHED, CLAIMING) everybody still sees its presence; what comes for it is kept (detach.h). */
#pragma once

#include "base/jid.h"
#include "base/map.h"
#include "capability.h"
#include "hold.h"
#include "outbound.h"
#include "parked.h"

enum session_state {
	SESSION_REGISTERING,
	SESSION_ATTACHED,
	SESSION_DETACHED, /* its row is in storaged, or on its way there */
	SESSION_CLAIMING, /* a resume has asked storaged for the row */
	SESSION_ENDED,
};

enum session_presence {
	PRESENCE_NONE, /* nothing was sent yet */
	PRESENCE_AVAILABLE,
	PRESENCE_UNAVAILABLE,
};

enum session_flag {
	SESSION_INTERESTED = 1 << 0, /* has asked for the roster: gets pushes */
	SESSION_CARBONS = 1 << 1,    /* XEP-0280 */
	SESSION_INACTIVE = 1 << 2,   /* XEP-0352 */
	/* Has asked for it: gets pushes of XEP-0191. The highest eight: its active list (block.h). */
	SESSION_BLOCKLIST = 1 << 3,
};

#define SOURCE_MAX 64

/* Who has the connection. An incarnation is unique, so this is never used twice. */
struct handle {
	uint64_t incarnation, conn;
};

struct directed;
struct save;

struct session {
	struct sessiond *sd;
	enum session_state state;
	struct account *account; /* NULL while registering */
	struct list link;        /* in the account's sessions, or the edge's while registering */
	struct list doomed;      /* in sd->doomed, or alone */
	enum stream_error doom;

	struct handle handle;
	struct endpoint edge;
	uint8_t mac[CAPABILITY_BYTES]; /* what an edge registers, until it is checked; zero: none */
	struct id128 sid, token;
	uint64_t epoch, generation;
	char *text; /* owned: the full JID */
	struct jid jid;
	char source[SOURCE_MAX + 1];
	int64_t since_us;
	uint32_t flags; /* enum session_flag */

	/* Stream management (XEP-0198): from where on the client counts; how long it may be resumed, 0: not. */
	uint64_t in_base, out_base;
	uint32_t resume_seconds;
	/* While it is away (detach.c, resume.c). */
	struct list away; /* in sd->away */
	int64_t detached_us;
	uint64_t expires_ms;
	struct parked parked;
	struct save *save;   /* of the row, not yet committed (detach.c) */
	struct list resumes; /* struct resuming: come while another one has asked storaged */

	/* Stanzas from the client: numbers (BUS.md §7) and those that are not yet done (struct inbound), which the edge's window
	 * bounds: it pays for each until it is acknowledged. */
	uint64_t in_last, done;
	uint64_t settled; /* all up to this are: settle.h */
	struct list in_flight;
	struct outbox out;
	struct held_all held;
	enum session_presence presence;
	int8_t priority;
	struct stanza *presence_stanza; /* owned: the last one broadcast; NULL when not available */
	int64_t presence_us;            /* when that was; 0: an earlier sessiond knew */
	struct directed *directed;      /* at most DIRECTED_MAX and DIRECTED_BYTES_MAX */
	size_t directed_bytes;
	struct list grants;          /* struct grant (grant.h) */
	struct grant_request *asked; /* owned; NULL: nothing */

	UT_hash_handle hh_handle, hh_sid;
};

struct session *session_new(struct sessiond *sd, const struct endpoint *edge, uint64_t conn);
/* Gives it its name; once. */
void session_set_jid(struct session *s, struct str full);
/* The teardown's last step: only for sessions in no map and no list. */
void session_free(struct session **s);

bool session_is_available(const struct session *s);
bool session_is_away(const struct session *s);
/* As it goes over the bus; the capability's bytes are in mac_r. Lists are empty: record.h has the whole. */
struct rec_session session_record(const struct session *s, uint8_t *mac_r);
/* The capability for its present generation; and whether what its edge has registered is it. */
void session_capability(const struct session *s, uint8_t *mac_r);
bool session_has_capability(const struct session *s);
/* Tells the edge what must survive this process. */
void session_copy_presence(struct session *s, const struct act *act);
/* An IQ set from the account to its own client: of the roster, of a list. The answer is nobody's. */
void session_push(struct session *s, const struct act *act, struct str payload);

#include "directed.h"
#include "sessions.h"

/* One connection with another server. Life (the tables of what may come when are negotiate.c):
 *
 *  in:   HEADER ──head.c──▶ OPEN ──starttls──▶ HANDSHAKE ──▶ HEADER …      OPEN ──external.c: success──▶ HEADER …
 *        Whose stanzas are taken, say the proofs (proof.h): one for each pair of domains.
 *  out:  HEADER ──▶ FEATURES ──features.c──▶ STARTTLS ──▶ HANDSHAKE ──▶ HEADER …
 *                      ├──▶ EXTERNAL ──success──▶ HEADER …     ├──▶ DIALBACK ──dialback.c: valid──▶ OPEN
 *                      └──▶ OPEN, when it is proved who we are, or when only a key is to be verified
 *
 *  OPEN ──stream_finish──▶ FINISHING ──▶ HALF_CLOSED ──▶ CLOSING (ending.c)
 *  any ──stream_end, stream_lost──▶ CLOSING ──the socket is closed──▶ freed
 *
 * Only stream_set_state changes the state; stream_leave is the one teardown. The struct lies in its conn and goes with it. */
#pragma once

#include "base/log.h"
#include "edge/brake.h"
#include "edge/shaper.h"
#include "s2sd.h"
#include "sm.h"

enum stream_state {
	S2S_HEADER,
	S2S_FEATURES,
	S2S_STARTTLS, /* out: <proceed/> is due; in: reading stops behind <starttls/> */
	S2S_HANDSHAKE,
	S2S_EXTERNAL, /* out: the answer to our <auth/> is due */
	S2S_DIALBACK, /* out: the verdict on our key is due */
	S2S_OPEN,
	S2S_FINISHING,   /* our end is due: not all that came is in custody yet */
	S2S_HALF_CLOSED, /* ours was said, theirs is due */
	S2S_CLOSING,
	S2S_STATE_COUNT,
};

/* What an outgoing stream's peer offers. */
enum offer {
	OFFER_STARTTLS = 1 << 0,
	OFFER_EXTERNAL = 1 << 1,
	OFFER_DIALBACK = 1 << 2,
	OFFER_BIDI = 1 << 3,
	OFFER_SM = 1 << 4,
};

struct attempt;
struct verification;

struct stream {
	struct s2sd *s2sd;
	struct wire wire;
	struct xml_reader *reader;
	struct list link; /* in preauth, open or closing */
	struct list fresh;
	struct shaped shaped;
	uint64_t number; /* for logs */
	enum stream_state state;
	bool is_out, is_direct;
	bool has_header;    /* ours was sent on the stream of now */
	bool was_external;  /* out: our certificate was taken, or refused; in: theirs was taken */
	bool is_known;      /* who it is, is proved: other limits, no stranger any more */
	bool is_misnamed;   /* out: its header is from somebody else */
	bool is_bidi;       /* XEP-0288 */
	bool is_over_there; /* theirs is closed: nothing more comes */
	enum stream_error ended_as; /* what is said when ours is */
	unsigned failures;          /* refused proofs: at most FAILURES_MAX */
	struct wheel_node due;      /* a stranger's deadline */
	uint64_t deadline_ms;       /* of others; 0: none */
	uint64_t heard_ms, used_ms, taken_ms, last_taken;
	struct visitor visitor;

	char *local, *remote; /* who the headers say; in: NULL until known */
	char *id;             /* of the stream of now, given by the side that was connected to */
	char *lang;           /* that the peer said for its stanzas; NULL: none */
	unsigned offers;      /* out: enum offer, ored */
	struct id128 origin;  /* and n: ids of the stanzas that come in on it */
	uint64_t n;

	char reason[128];     /* what the peer has said was wrong; empty: nothing */
	bool is_nobody_there; /* it was that it does not serve the domain */
	bool is_restarting;   /* it was that it stops; or the connection has ended without a word */

	struct list proofs; /* struct proof: at most PROOFS_MAX */
	struct list sent; /* struct item: written here, the kernel or the peer has not got it; paid for by its pair */
	struct sm sm;
	struct attempt *attempt; /* out: until it is ready; then one of the two */
	struct pair *pair;       /* whose stanzas go out on it; in: the last one, for bidi */
	struct verification *verification; /* for which it asks */
};

#define FAILURES_MAX 5

/* stream.c */
void stream_accept(const struct gate *g, int fd, const struct visitor *v);
/* Takes fd. */
struct stream *stream_connect(struct attempt *a, int fd);
void stream_set_state(struct stream *s, enum stream_state state);
/* It is proved who the peer is: limits of a stranger end. */
void stream_is_known(struct stream *s);
/* Ends the connection: stream error (STREAM_OK: none), </stream:stream>, close. text may be NULL. Idempotent. */
void stream_end(struct stream *s, enum stream_error error, const char *text);
/* The same as stream_end where nothing can be told to the peer any more. */
void stream_lost(struct stream *s, const char *why);
__attribute__((format(printf, 3, 4))) void stream_log(
    const struct stream *s, enum log_level level, const char *fmt, ...);
enum policy stream_policy(const struct stream *s);
void stream_write(struct stream *s, struct str bytes);
/* Behind what was put into wire_out. The stream may be lost then. */
void stream_touch(struct stream *s);
void stream_resume_shaped(struct shaped *shaped);

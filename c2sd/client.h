/* One client connection. Life (who makes each transition):
 *
 *  accepted ──▶ HEADER ──stream.c──▶ FEATURES ──negotiate.c: starttls──▶ HANDSHAKE ──handshake.c──▶ HEADER …
 *     │ direct TLS: HANDSHAKE first     │ sasl.c: auth
 *     ▼                                 ▼
 *  HANDSHAKE                        SASL_WAIT ◀──▶ SASL       (authd thinks ◀──▶ the client must answer)
 *                                       │ success                failure: back to FEATURES
 *                                       ▼
 *                                    HEADER ──stream.c──▶ BIND ◀──bind.c──▶ BIND_WAIT ──▶ SESSION
 *
 *  A listener for servers too: accepted ──▶ UNKNOWN ──handover.c: a client's header──▶ HEADER
 *                                              └──▶ SERVER ──s2sd takes it──▶ CLOSING
 *
 *  any ──client_end, client_lost──▶ CLOSING ──the socket is closed──▶ freed
 *
 * Only client_set_state changes the state; client_leave is the one teardown. The struct lies in its conn and goes
 * with it. What is needed only until there is a session is in `nego`
 * (negotiate.h). */
#pragma once

#include "base/log.h"
#include "c2sd.h"
#include "edge/brake.h"
#include "edge/shaper.h"
#include "edge/texts.h"
#include "waiting.h"
#include "xml/reader.h"

enum client_state {
	CLIENT_UNKNOWN, /* its first header says whether it is a client at all */
	CLIENT_SERVER,  /* it is none */
	CLIENT_HANDSHAKE,
	CLIENT_HEADER,
	CLIENT_FEATURES,
	CLIENT_SASL_WAIT,
	CLIENT_SASL,
	CLIENT_BIND,
	CLIENT_BIND_WAIT,
	CLIENT_SESSION,
	CLIENT_CLOSING,
	CLIENT_STATE_COUNT,
};

/* Why a client's socket is not read, besides enum pause. */
enum client_pause {
	PAUSE_ANSWER = PAUSE_OWN,    /* of authd, sessiond or a worker; or until s2sd takes it */
	PAUSE_AWAY = PAUSE_OWN << 1, /* too much that it has sent to other servers is under way */
};

struct negotiation;

struct client {
	struct c2sd *c2sd;
	struct conn *conn;
	struct list link; /* in preauth, bound or closing */
	struct list away; /* in c2sd's away or eased */
	uint64_t away_ms; /* when it came into away, or something was taken since */
	struct shaped shaped;
	uint64_t number; /* the handle's connection number; never used twice */
	enum client_state state;
	enum listener_tls listener_tls;
	bool asks_certificate; /* the listener does */
	bool has_header;       /* ours was sent on the stream of now */
	bool is_admin;         /* of a session: not paced (N-62) */
	bool is_pinged;        /* the silent client was asked for a sign of life */
	uint64_t look_ms,
	    heard_ms; /* of a session: when it is looked at next, when it was heard last */
	struct visitor visitor;

	struct wire wire; /* what waits for the socket: at most out_bytes */
	struct xml_reader *reader;
	struct waiting waiting;
	char *lang;       /* of the stream; NULL: none */
	enum lang speaks; /* what the client is told in words */

	struct negotiation *nego; /* NULL in SESSION */
	struct session *session;  /* only in SESSION; owned by the map of sessions */
};

/* client.c */
void client_new(const struct gate *g, int fd, const struct visitor *v);
void client_set_state(struct client *c, enum client_state state);
/* Until there is a session, and until the next state: another deadline than the one for all of it. */
void client_set_deadline(struct client *c, uint64_t ms);
/* The session has begun: what was for negotiation is given up. */
void client_has_session(struct client *c, struct session *s);
/* Ends the connection: stream error (STREAM_OK: none), </stream:stream>, close. text may be NULL. Idempotent. */
void client_end(struct client *c, enum stream_error error, const char *text);
/* The same where nothing can be told to the peer any more. */
void client_lost(struct client *c, const char *why);
/* The connection is somebody else's now: nothing is said on it, or waited for. */
void client_is_taken(struct client *c);
__attribute__((format(printf, 3, 4))) void client_log(
    const struct client *c, enum log_level level, const char *fmt, ...);
extern const struct conn_methods client_methods;

/* Where to write what the client is to get (wire_out); client_touch afterwards. It leaves at the end of the turn. */
void client_touch(struct client *c);
void client_write(struct client *c, struct str bytes);

/* input.c */
extern const struct wire_events client_wire;
void client_input(struct client *c, struct str bytes);
/* What PAUSE_ANSWER was for is there: goes on with what has waited here, then reads again. */
void client_answered(struct client *c);
void client_resume_shaped(struct shaped *shaped);
/* Not read until less of what it has sent is on the way to other servers. */
void client_wait_for_others(struct client *c);
/* Less is: it is read again at the end of the turn. */
void client_ease(struct client *c);

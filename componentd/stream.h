/* One connection of a component. Life (who makes each transition):
 *
 *  accepted ──▶ HEADER ──proof.c──▶ PROOF ──stream.c: handshake───▶ OPEN          any ──stream_end, stream_lost──▶ CLOSING ──▶ freed
 *     │ TLS listener             ▲
 *     ▼                          │
 *  HANDSHAKE (of TLS) ──wire─────┘ (HEADER)                         OPEN ──stream_farewell──▶ LEAVING
 *
 * stream_leave is the one teardown. The struct lies in its conn and goes with it. */
#pragma once

#include "base/log.h"
#include "component.h"
#include "componentd.h"
#include "edge/brake.h"

enum stream_stage {
	STAGE_HANDSHAKE,
	STAGE_HEADER,
	STAGE_PROOF,
	STAGE_OPEN,
	STAGE_LEAVING, /* our side of the stream has ended, and what it still says is taken */
	STAGE_CLOSING,
};

struct stream {
	struct componentd *componentd;
	struct conn *conn;
	struct wire wire;
	struct xml_reader *reader;
	struct list link; /* in strangers, closing, or its component's streams */
	struct list fresh;
	struct list unwritten; /* struct outgoing, in the order of writing */
	enum stream_stage stage;
	bool has_header; /* ours was sent */
	uint64_t number;
	uint64_t deadline_ms; /* until OPEN; in LEAVING */
	uint64_t said_ms;     /* when something was written last */
	int64_t since_us;     /* OPEN */
	struct visitor visitor;
	enum listener_tls listener_tls;

	struct id128 id; /* of the stream: what the component has to prove itself with, and the origin of its stanzas */
	uint64_t n;                  /* number of its last stanza */
	char *name;                  /* that it asks for; NULL: not yet */
	struct component *component; /* only in OPEN and LEAVING */
};

/* stream.c */
void stream_new(const struct gate *g, int fd, const struct visitor *v);
/* Ends the connection: stream error (STREAM_OK: none), </stream:stream>, close. text may be NULL. Idempotent. */
void stream_end(struct stream *s, enum stream_error error, const char *text);
/* The daemon stops: what the component has under way may still come, until it ends the stream too or linger_seconds are over
 * (RFC 6120 §4.4). Only while nothing new is delivered. */
void stream_farewell(struct stream *s);
/* The same where nothing can be told to the peer any more. */
void stream_lost(struct stream *s, const char *why);
__attribute__((format(printf, 3, 4))) void stream_log(
    const struct stream *s, enum log_level level, const char *fmt, ...);

/* proof.c: header and handshake */
bool proof_header(struct stream *s, const struct xml_element *root);
bool proof_handshake(struct stream *s, const struct xml_element *e);
void proof_send_header(struct stream *s);

/* stanza_in.c: false: stop reading */
bool stanza_take(struct stream *s, const struct xml_element *e);

/* deliver.c */
/* Takes o, which is in no list. */
void stream_deliver(struct stream *s, struct outgoing *o);
/* What was written so far is in the socket's queue. */
void stream_mark(struct stream *s);
/* Lets go of what the kernel has. */
void stream_settle(struct stream *s);
/* A stanza from us: an error for what the component has sent. */
void stream_answer(struct stream *s, const struct stanza *st, enum stanza_error e);

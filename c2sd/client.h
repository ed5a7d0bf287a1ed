/* One client connection. Life (who makes each transition):
 *
 *   accepted ──▶ HEADER ──stream.c──▶ FEATURES ──starttls: tls.c──▶ HANDSHAKE ──▶ HEADER …
 *      │direct TLS: HANDSHAKE first      │auth: sasl.c
 *      ▼                                 ▼
 *   HANDSHAKE                        SASL_WAIT ◀──▶ SASL        (authd thinks ◀──▶ the client must answer)
 *                                        │success                  │failure: back to FEATURES
 *                                        ▼
 *                                     HEADER ──stream.c──▶ BIND ──bind.c──▶ BIND_WAIT ──▶ SESSION
 *
 *   any ──client_end──▶ CLOSING ──conn closed, worker done──▶ freed
 *
 * Only client_set_state changes the state. A client is owned by the map in struct c2sd. */
#pragma once

#include "c2sd.h"

enum client_state {
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

struct session;

struct client {
	uint64_t number; /* the handle's connection number; never used twice */
	UT_hash_handle hh;
	struct c2sd *c2sd;
	const struct gate *gate;
	struct conn *conn; /* NULL: closed */
	enum client_state state;
	struct list dirty, paused;    /* of c2sd's lists */
	uint64_t deadline_ms;         /* for what the state waits for; 0: none */
	uint64_t preauth_deadline_ms; /* for all of it up to the session */

	struct source source;
	char source_text[64];
	bool is_counted; /* in the source table and in n_preauth, until it has a session */
	bool is_exempt;

	struct tls *tls; /* NULL: none (yet) */
	struct tls_job job;
	bool is_job_running; /* the worker owns tls, job_in, job_out */
	enum tls_state job_state;
	struct buf job_in, job_out;
	struct err job_err;
	struct buf cipher; /* received, not yet decrypted */

	struct xml_reader *reader;
	struct buf plain; /* to be written; bounded by sessiond's window for the session and by the answers of negotiation */
	struct list waiting; /* elements parsed while an answer is awaited; at most one read's worth (64 KiB) */
	bool has_header; /* ours has been sent on the stream of now */

	char *domain; /* pinned by the first header */
	char *jid;    /* bare, once authenticated */
	struct id128 ticket;
	uint64_t request; /* open at authd or sessiond; 0: none */
	unsigned failures;
	bool lacks_binding; /* has tried a channel binding that we do not have: see sasl.c */
	enum sasl_condition
	    verdict; /* told when deadline_ms is reached in SASL_WAIT; SASL_NONE: nothing to tell */
	char *bind_id; /* of the iq that asked */

	uint64_t shape_spent_us, shape_updated_us;
	struct session *session; /* from SESSION on */
};

/* client.c */
void client_accept(struct gate *g, int fd);
void client_set_state(struct client *c, enum client_state state);
struct client *client_find(struct c2sd *c, uint64_t number);
/* Queues bytes for the client; they leave at the end of the turn. */
void client_write(struct client *c, struct str bytes);
/* The same queue, to write into; client_touch afterwards. */
struct buf *client_out(struct client *c);
void client_touch(struct client *c);
/* Ends the connection: stream error (STREAM_OK: none), </stream:stream>, close. What sessiond must know it is told.
 * Idempotent. text may be NULL. */
void client_end(struct client *c, enum stream_error error, const char *text);
/* After a job or the connection has ended: frees when both have. */
void client_reap(struct client *c);
/* Once per second: deadlines. */
void client_tick(struct client *c, uint64_t now_ms);
/* What a SESSION or the process has been told: the session is not ours any more (RELEASE). */
void client_forget_session(struct client *c);
/* A log line about this client. */
void client_log(const struct client *c, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* transport.c */
extern const struct conn_methods client_methods;
void client_input(struct client *c, struct str bytes);
/* Plain text into the XML reader. */
void client_feed(struct client *c, struct str bytes);
void client_flush(struct client *c);
void client_start_tls(struct client *c);
/* Goes on with what waited while an answer was awaited. */
void client_go_on(struct client *c);

/* stream.c */
extern const struct xml_events client_xml_events;
struct xml_limits client_limits(const struct client *c);
void stream_send_header(struct client *c);
void stream_send_error(struct client *c, enum stream_error error, const char *text);

/* negotiate.c: an element in the state of now. False: stop reading. */
bool client_element(struct client *c, const struct xml_element *e);

/* features.c */
void features_send(struct client *c);
/* The mechanisms that this client is offered now, separated by blanks. */
void features_mechanisms(struct client *c, struct buf *out);

/* The element's handlers of each module; false: stop reading. */
bool starttls_begin(struct client *c, const struct xml_element *e);
bool sasl_auth(struct client *c, const struct xml_element *e);
bool sasl_response(struct client *c, const struct xml_element *e);
bool sasl_abort(struct client *c, const struct xml_element *e);
/* Tells the failure that waited. */
void sasl_tell(struct client *c);
bool bind_iq(struct client *c, const struct xml_element *e);
bool stanza_take(struct client *c, const struct xml_element *e);
/* Withdraws what is open at authd. */
void sasl_forget(struct client *c);

/* shape.c: counts bytes; how many milliseconds reading must pause (0: not). */
unsigned shape_take(struct client *c, size_t bytes, uint64_t now_us);

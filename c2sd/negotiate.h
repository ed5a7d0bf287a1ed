/* What happens on a stream before there is a session: headers, features, STARTTLS, SASL, binding. */
#pragma once

#include "client.h"

struct verdict;

/* While sessiond is asked for a session, a new one or an old; outlives the client. */
struct session_wait {
	struct c2sd *c2sd;
	struct client *client; /* NULL: gone */
	uint64_t number;
};

/* Owned by the client until it has a session. */
struct negotiation {
	struct client *client; /* whose it is */
	struct wheel_node due;
	uint64_t deadline_ms; /* for all of it; `due` may be earlier */
	char *domain;         /* pinned by the first header */
	struct buf first;     /* UNKNOWN, SERVER: all that has come, at most HANDOVER_BYTES */
	struct list server;   /* in c2sd's servers */
	char *said;           /* who the client said it is, under TLS (bare); NULL: it did not */
	char *jid;            /* bare, once authenticated */
	struct id128 ticket;
	uint64_t request;            /* open at authd; 0: none */
	uint64_t authd;              /* the incarnation that has the exchange */
	unsigned failures, refusals; /* of authentication, of binding */
	bool lacks_binding; /* has tried a channel binding that we do not have, and is forgiven (sasl.c) */
	struct verdict *verdict;   /* authd's, told when the state's deadline comes; NULL: none */
	char *bind_id;             /* of the iq that asked */
	struct session_wait *wait; /* while sessiond is asked */
	char *previd;              /* of the <resume/> that asked */
	uint32_t resume_h;         /* the same */
};

/* stream.c */
extern const struct xml_events stream_events;
struct xml_limits stream_limits(const struct client *c);
/* A new stream on the connection (RFC 6120 §4.3.3): nothing of the old one is left. */
void stream_restart(struct client *c);
/* STREAM_OK: just the end. text may be NULL; see header_write_error. */
void stream_send_end(struct client *c, enum stream_error error, const char *text);

/* features.c */
void features_send(struct client *c);
/* The mechanisms that this client is offered now, separated by blanks. */
void features_mechanisms(const struct client *c, struct buf *out);
bool features_has_sasl(const struct client *c);

/* external.c: the accounts of ours that the client's certificate, which TLS has verified, speaks of: bare JIDs, with blanks
 * between them. And whether one of them is of this stream's domain. */
void external_accounts(const struct client *c, struct buf *out);
bool external_is_possible(const struct client *c);

/* registration.c: may this client make an account? */
bool registration_is_open(const struct client *c);

/* negotiate.c: an element in the state of now. False: stop reading. */
bool negotiate_element(struct client *c, const struct xml_element *e);
/* Elements that waited for an answer. */
void negotiate_waiting(struct client *c);

/* The handlers of elements; false: stop reading. */
bool starttls_begin(struct client *c, const struct xml_element *e);
bool sasl_auth(struct client *c, const struct xml_element *e);
bool sasl_response(struct client *c, const struct xml_element *e);
bool sasl_abort(struct client *c, const struct xml_element *e);
bool bind_iq(struct client *c, const struct xml_element *e);
bool resume_begin(struct client *c, const struct xml_element *e);
bool registration_iq(struct client *c, const struct xml_element *e);
bool stanza_take(struct client *c, const struct xml_element *e);
bool csi_take(struct client *c, const struct xml_element *e);

/* sasl.c: the time has come to tell what authd has decided */
void sasl_tell(struct client *c);
/* Withdraws what is open at authd; forgets what it has decided. */
void sasl_forget(struct client *c);

/* bind.c: the client waits for what sessiond answers; it has gone: what that is, is given back */
struct session_wait *bind_wait(struct client *c);
void bind_forget(struct client *c);
/* Its answer has come: the client, NULL when it is gone. The wait is freed. */
struct client *bind_waited(struct session_wait *w, struct c2sd **c2sd_r, uint64_t *number_r);

/* handshake.c */
void handshake_begin(struct client *c);

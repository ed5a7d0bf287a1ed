/* One session of the load: its connection, TLS, and the way to a bound resource. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <gnutls/gnutls.h>

#include "flow.h"
#include "scan.h"
#include "scram.h"

struct load;

enum client_state {
	CLIENT_NONE, /* not connected */
	CLIENT_CONNECTING,
	CLIENT_PLAIN_FEATURES, /* stream opened, its features awaited */
	CLIENT_PROCEED,        /* STARTTLS asked for */
	CLIENT_HANDSHAKE,
	CLIENT_AUTH_FEATURES,
	CLIENT_CHALLENGE,
	CLIENT_SUCCESS,
	CLIENT_BIND_FEATURES,
	CLIENT_RESUMING, /* resumption asked for */
	CLIENT_BOUND,    /* bind asked for */
	CLIENT_SESSION,  /* session asked for, of servers that want that still */
	CLIENT_ENABLED,  /* stream management asked for */
	CLIENT_READY,    /* what comes now is the mode's */
	CLIENT_CLOSING,  /* the connection ends when our end of the stream is written */
};

struct client {
	struct load *load;
	enum client_state state;
	unsigned index; /* of its account */
	int fd;
	bool dirty, wants_out, tls_on;
	bool deaf; /* reads nothing, whatever comes */
	gnutls_session_t tls;
	struct bytes in, out;
	struct scan scan;
	struct scram scram;
	uint64_t began_ns; /* its connecting */
	char jid[128];     /* full, as bound */

	/* stream management */
	bool sm;
	uint32_t sm_in, sm_out, sm_acked;
	char sm_id[128]; /* by which it may be resumed; the counts outlive the connection then */

	/* the mode's */
	struct flow flow; /* from this client to its peer, or its requests */
	uint64_t outstanding, sequence;
	uint64_t sent_ns;
	uint64_t got[2]; /* bits of who has answered this time */
	unsigned counted;
	char page[128]; /* archive: where the last page began */
	bool prepared;
};

void client_init(struct client *c, struct load *load, unsigned index);
const char *client_domain(const struct client *c);
void client_connect(struct client *c);
void client_event(struct client *c, unsigned events);
void client_flush(struct client *c);
void client_close(struct client *c); /* ends the stream politely */
void client_drop(struct client *c);  /* ends the connection now */

/* Queues; it is written at the end of the loop's turn. */
void client_send(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for a stanza: counted by stream management. */
void client_stanza(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* login.c: what comes before CLIENT_READY. */
void login_connected(struct client *c);
void login_secured(struct client *c);
void login_element(struct client *c, struct slice element);

#endif

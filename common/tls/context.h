/* What tls.c needs of a context; inside common/tls only. */
#pragma once

#include "tls/chain.h"
#include "tls/tls.h"
#include "tls/verify.h"

#include <gnutls/gnutls.h>
#include <pthread.h>

#define TLS_TICKET_KEY_SIZE 64

struct tls_context {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	char *alpn;          /* NULL: none */
	bool verifies_peers; /* set before the first connection */
	struct list watched; /* struct tls; the loop's alone (watch.c) */
	unsigned n_watched;

	pthread_mutex_t lock; /* for all below: set by the loop, read by the workers */
	struct list chains;   /* in the order of adding; the first is the default */
	bool has_ticket_key;
	uint8_t ticket_key[TLS_TICKET_KEY_SIZE];
	struct trust *trust;   /* NULL: none */
	unsigned trust_number; /* another one for each that was set */
};

/* The form in which names are compared: A-labels, lower case, no dot at the end. The caller frees it. */
char *tls_name_new(struct str name);

/* The chain for a connection, by SNI, then by the stream's domain, then the default; a name without one of its own has that of
 * the nearest domain above it. A reference; NULL when there are none. Both names as tls_name_new made them, or NULL. */
struct tls_chain *tls_context_pick(struct tls_context *t, const char *sni, const char *domain);

/* The same by one name only, without a default. */
struct tls_chain *tls_context_find(struct tls_context *t, const char *domain);

/* A reference, and its number; NULL when there are none. */
struct trust *tls_context_trust(struct tls_context *t, unsigned *number_r);

/* Called by the credentials' callback: chooses and keeps the chain of the connection. */
struct tls_chain *tls_choose_chain(struct tls *s);
bool tls_is_client(const struct tls *s);

/* One certificate chain with the stand-in for its key; inside common/tls only. */
#pragma once

#include <gnutls/abstract.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

#define TLS_CHAIN_MAX 10 /* certificates */

/* Immutable once made, so that workers may use it without a lock. Owned by its references: the context's own
 * and one per connection that shows it. */
struct tls_chain {
	struct list link; /* the context's, under its lock */
	atomic_uint refs;
	char *name; /* A-label, lower case */
	uint32_t key_id;
	unsigned pk, bits;
	gnutls_pcert_st certs[TLS_CHAIN_MAX];
	unsigned n_certs;
	gnutls_privkey_t key;  /* asks keyd */
	uint8_t end_point[64]; /* RFC 5929 §4 */
	size_t end_point_len;
};

/* One reference, for the caller; NULL with *err filled. name is taken as it is. */
struct tls_chain *tls_chain_new(const char *name, struct str pem, uint32_t key_id, struct err *err);
struct tls_chain *tls_chain_ref(struct tls_chain *c);
void tls_chain_unref(struct tls_chain **c);

/* Where the sign callbacks of this thread say why they failed, as GnuTLS passes on only a number. NULL or set
 * for the time of one gnutls_handshake. */
extern _Thread_local struct err *tls_sign_reason;

/* For the tests of common/tls and keyd: keys made on the spot, a keyd in a thread, and a GnuTLS client between
 * buffers, so that a handshake needs no socket but keyd's. */
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/buf.h"
#include "tls/keywire.h"
#include "tls/tls.h"

/* A self-signed certificate and its key. */
struct rig_key {
	gnutls_privkey_t key;
	gnutls_pk_algorithm_t pk;
	uint32_t id;
	char *cert_pem, *key_pem; /* owned */
};
void rig_key_make(
    struct rig_key *k, gnutls_pk_algorithm_t pk, unsigned bits, const char *domain, uint32_t id);
void rig_key_free(struct rig_key *k);
/* Signs as asked, without any rule of keyd's. */
int rig_sign(const struct rig_key *k, const struct keywire_request *r, gnutls_datum_t *signature);

/* What the fake keyd does with a packet; the answer goes into out; false: hang up. */
typedef bool rig_keyd_fn(void *ctx, struct str packet, struct buf *out);
/* Listens at a path of its own, which signer_set_path is told. */
void rig_keyd_start(rig_keyd_fn *fn, void *ctx);
void rig_keyd_stop(void);
const char *rig_keyd_path(void);
/* Answers from an array of keys that ends with one whose key is NULL (ctx). */
rig_keyd_fn rig_keyd_sign;

struct rig_client {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	struct buf in, out; /* seen from the client */
	int status;         /* of its handshake */
};
/* sni, alpn: may be NULL. resume: session data or NULL. */
void rig_client_start(struct rig_client *c, const char *priority, const char *sni, const char *alpn,
    const gnutls_datum_t *resume);
void rig_client_stop(struct rig_client *c);
/* Shakes hands until both are through or one has failed; the server's state. */
enum tls_state rig_shake(struct rig_client *c, struct tls *s, struct err *err);
/* As gnutls_record_recv, past records without data. */
ssize_t rig_client_recv(struct rig_client *c, void *data, size_t size);

#define RIG_TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define RIG_TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"

/* What all connections of an edge have in common: the priorities (the one place that says what we speak), the
 * certificates by name, the ticket key. The loop changes it while workers shake hands, so the list and the ticket
 * key lie under a lock, and chains are reference-counted: a connection keeps the chain it began with. Filled by
 * chains.c from what keyd pushes. */

#include "tls/context.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

/* RFC 9325: TLS 1.2 and 1.3, AEAD, ephemeral keys. No finite-field DH, which lets strangers spend our CPU. The
 * order counts only where the client has none: it knows whether it does AES in hardware. */
#define PRIORITY                                                                         \
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+CTYPE-X509:+COMP-NULL"                          \
	":+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD"                            \
	":+ECDHE-ECDSA:+ECDHE-RSA"                                                       \
	":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"              \
	":+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP256R1-SHA256"                               \
	":+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SECP384R1-SHA384"                               \
	":+SIGN-ECDSA-SHA512:+SIGN-ECDSA-SECP521R1-SHA512:+SIGN-EDDSA-ED25519"           \
	":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512" \
	":+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"

int
tls_global_init(struct err *err)
{
	uint8_t byte;

	id_init();
	int rc = gnutls_global_init();
	if (rc == 0)
		rc = gnutls_rnd(GNUTLS_RND_NONCE, &byte, 1);
	return rc < 0 ? err_set(err, "GnuTLS: %s", gnutls_strerror(rc)) : 0;
}

void
tls_global_deinit(void)
{
	gnutls_global_deinit();
}

char *
tls_name_new(struct str name)
{
	gnutls_datum_t mapped = {0};

	if (str_ends(name, S(".")))
		name.n--;
	int rc = gnutls_idna_map(name.p, (unsigned)name.n, &mapped, 0);
	char *out = rc < 0 ? str_dup(name) : str_dup(str_of(mapped.data, mapped.size));
	gnutls_free(mapped.data);
	for (char *p = out; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return out;
}

/* GnuTLS asks which certificate to show. It keeps the pointers as long as the session lives, and so does the
 * connection its reference. */
static int
on_retrieve(/* NOLINT(readability-function-size): GnuTLS has so many */ gnutls_session_t session,
    const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certs, unsigned *n_certs,
    gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp, gnutls_privkey_t *key, unsigned *flags)
{
	struct tls *s = gnutls_session_get_ptr(session);
	struct tls_chain *c = tls_choose_chain(s);

	(void)info;
	*ocsp = NULL;
	*n_ocsp = 0;
	*flags = 0;
	*certs = c != NULL ? c->certs : NULL;
	*n_certs = c != NULL ? c->n_certs : 0;
	*key = c != NULL ? c->key : NULL;
	/* A client without one shows none. */
	return c != NULL || tls_is_client(s) ? 0 : -1;
}

struct tls_context *
tls_context_new(const char *alpn)
{
	struct tls_context *t = NEW(struct tls_context);

	int rc = gnutls_priority_init(&t->priority, PRIORITY, NULL);
	if (rc < 0)
		bug("TLS priorities: %s", gnutls_strerror(rc));
	rc = gnutls_certificate_allocate_credentials(&t->credentials);
	if (rc < 0)
		bug("TLS credentials: %s", gnutls_strerror(rc));
	gnutls_certificate_set_flags(t->credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	gnutls_certificate_set_retrieve_function3(t->credentials, on_retrieve);
	t->alpn = alpn != NULL ? str_dup(str_z(alpn)) : NULL;
	pthread_mutex_init(&t->lock, NULL);
	list_init(&t->chains);
	list_init(&t->watched);
	return t;
}

void
tls_context_free(struct tls_context **tp)
{
	struct tls_context *t = *tp;

	if (t == NULL)
		return;
	LIST_FOREACH_SAFE(&t->chains, it, next) {
		struct tls_chain *c = CONTAINER_OF(it, struct tls_chain, link);
		list_remove(it);
		tls_chain_unref(&c);
	}
	trust_unref(&t->trust);
	gnutls_certificate_free_credentials(t->credentials);
	gnutls_priority_deinit(t->priority);
	pthread_mutex_destroy(&t->lock);
	secret_wipe(t->ticket_key, sizeof t->ticket_key);
	free(t->alpn);
	free(t);
	*tp = NULL;
}

/* With the lock held. */
static struct tls_chain *
find_chain(const struct tls_context *t, const char *name)
{
	LIST_FOREACH(&t->chains, it) {
		struct tls_chain *c = CONTAINER_OF(it, struct tls_chain, link);
		if (name != NULL && strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

/* Of the name itself, or of the nearest domain above it: the certificate of a domain is that of its services too. */
static struct tls_chain *
find_chain_above(const struct tls_context *t, const char *name)
{
	struct tls_chain *c = find_chain(t, name);

	while (c == NULL && name != NULL && (name = strchr(name, '.')) != NULL)
		c = find_chain(t, ++name);
	return c;
}

struct tls_chain *
tls_context_pick(struct tls_context *t, const char *sni, const char *domain)
{
	pthread_mutex_lock(&t->lock);
	struct tls_chain *c = find_chain_above(t, sni);
	if (c == NULL)
		c = find_chain_above(t, domain);
	if (c == NULL && !list_empty(&t->chains))
		c = CONTAINER_OF(t->chains.next, struct tls_chain, link);
	if (c != NULL)
		tls_chain_ref(c);
	pthread_mutex_unlock(&t->lock);
	return c;
}

struct tls_chain *
tls_context_find(struct tls_context *t, const char *domain)
{
	pthread_mutex_lock(&t->lock);
	struct tls_chain *c = find_chain_above(t, domain);
	if (c != NULL)
		tls_chain_ref(c);
	pthread_mutex_unlock(&t->lock);
	return c;
}

int
tls_context_set_chain(struct tls_context *t, struct str domain, struct str chain_pem,
    uint32_t key_id, struct err *err)
{
	char *name = tls_name_new(domain);
	struct tls_chain *fresh = tls_chain_new(name, chain_pem, key_id, err);

	free(name);
	if (fresh == NULL)
		return -1;
	pthread_mutex_lock(&t->lock);
	struct tls_chain *old = find_chain(t, fresh->name);
	list_add(old != NULL ? &old->link : &t->chains, &fresh->link);
	if (old != NULL)
		list_remove(&old->link);
	pthread_mutex_unlock(&t->lock);
	tls_chain_unref(&old);
	return 0;
}

void
tls_context_remove_chain(struct tls_context *t, struct str domain)
{
	char *name = tls_name_new(domain);

	pthread_mutex_lock(&t->lock);
	struct tls_chain *c = find_chain(t, name);
	if (c != NULL)
		list_remove(&c->link);
	pthread_mutex_unlock(&t->lock);
	tls_chain_unref(&c);
	free(name);
}

bool
tls_context_has_chain(const struct tls_context *t, struct str domain)
{
	struct tls_context *own = (struct tls_context *)t; /* the lock is no part of the value */
	char *name = tls_name_new(domain);

	pthread_mutex_lock(&own->lock);
	bool has = find_chain(t, name) != NULL;
	pthread_mutex_unlock(&own->lock);
	free(name);
	return has;
}

void
tls_context_set_ticket_key(struct tls_context *t, struct str key)
{
	pthread_mutex_lock(&t->lock);
	t->has_ticket_key = key.n == TLS_TICKET_KEY_SIZE;
	if (t->has_ticket_key)
		memcpy(t->ticket_key, key.p, TLS_TICKET_KEY_SIZE);
	pthread_mutex_unlock(&t->lock);
}

void
tls_context_verify_peers(struct tls_context *t, struct trust *trust)
{
	t->verifies_peers = true;
	tls_context_set_trust(t, trust);
}

void
tls_context_set_trust(struct tls_context *t, struct trust *trust)
{
	pthread_mutex_lock(&t->lock);
	trust_unref(&t->trust);
	t->trust = trust != NULL ? trust_ref(trust) : NULL;
	t->trust_number++;
	pthread_mutex_unlock(&t->lock);
}

struct trust *
tls_context_trust(struct tls_context *t, unsigned *number_r)
{
	pthread_mutex_lock(&t->lock);
	struct trust *trust = t->trust != NULL ? trust_ref(t->trust) : NULL;
	*number_r = t->trust_number;
	pthread_mutex_unlock(&t->lock);
	return trust;
}

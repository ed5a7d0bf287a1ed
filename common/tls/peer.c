/* The verdict about a peer's certificate: the one place that knows how CAs and DANE go together (RFC 7671 §4, RFC 7673 §3).
 *
 * Records of DANE are a promise that one of them fits: when none does, no CA helps. Without any, the CAs decide. */
#include "tls/peer.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tls/chain.h"

/* ---- whom a client wants ---- */

struct peer_wanted *
peer_wanted_new(const struct tls_client *c)
{
	struct peer_wanted *w = NEW(struct peer_wanted);

	w->domain = str_dup(c->domain);
	w->host = c->n_tlsa > 0 ? str_dup(c->host) : NULL;
	for (size_t i = 0; i < c->n_tlsa && i < TLSA_MAX; i++) {
		w->tlsa[i] = c->tlsa[i];
		w->tlsa[i].data = arena_str(&w->arena, c->tlsa[i].data);
		w->n_tlsa++;
	}
	return w;
}

void
peer_wanted_free(struct peer_wanted **wp)
{
	struct peer_wanted *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	arena_deinit(&w->arena);
	free(w->domain);
	free(w->host);
	free(w);
}

/* ---- the chain ---- */

/* What the peer has shown, its own certificate first. */
struct shown {
	const gnutls_datum_t *der; /* the session's */
	gnutls_x509_crt_t crt[TLS_CHAIN_MAX];
	unsigned n;
};

static void
shown_deinit(struct shown *s)
{
	for (unsigned i = 0; i < s->n; i++)
		gnutls_x509_crt_deinit(s->crt[i]);
	s->n = 0;
}

static struct str
shown_der(const struct shown *s, unsigned i)
{
	return str_of(s->der[i].data, s->der[i].size);
}

static int
shown_read(struct shown *s, gnutls_session_t session, struct err *err)
{
	unsigned n = 0;

	s->der = gnutls_certificate_get_peers(session, &n);
	if (n > TLS_CHAIN_MAX)
		return err_set(err, "a chain of %u certificates is too long", n);
	for (; s->n < n; s->n++) {
		int rc = gnutls_x509_crt_init(&s->crt[s->n]);
		if (rc < 0)
			return err_set(err, "certificate: %s", gnutls_strerror(rc));
		rc = gnutls_x509_crt_import(s->crt[s->n], &s->der[s->n], GNUTLS_X509_FMT_DER);
		if (rc < 0) {
			gnutls_x509_crt_deinit(s->crt[s->n]);
			return err_set(err, "certificate: %s", gnutls_strerror(rc));
		}
	}
	return 0;
}

/* ---- DANE ---- */

/* The CA that a record names: one that was shown, or the one that is in the record (RFC 7671 §5.2.3). */
static bool
verify_anchor(struct peer *p, struct shown *s, const struct tlsa *t)
{
	gnutls_datum_t der = {.data = (unsigned char *)t->data.p, .size = (unsigned)t->data.n};
	gnutls_x509_crt_t ca;
	bool ok = false;

	for (unsigned i = 1; i < s->n && !ok; i++)
		ok = tlsa_matches(t, shown_der(s, i)) &&
		    trust_verify_under(s->crt[i], s->crt, s->n, &p->until, &p->why) == 0;
	if (ok || t->selector != TLSA_CERT || t->matching != TLSA_EXACT ||
	    gnutls_x509_crt_init(&ca) < 0)
		return ok;
	ok = gnutls_x509_crt_import(ca, &der, GNUTLS_X509_FMT_DER) == 0 &&
	    trust_verify_under(ca, s->crt, s->n, &p->until, &p->why) == 0;
	gnutls_x509_crt_deinit(ca);
	return ok;
}

static bool
any_matches(const struct shown *s, const struct tlsa *t)
{
	for (unsigned i = 1; i < s->n; i++)
		if (tlsa_matches(t, shown_der(s, i)))
			return true;
	return false;
}

/* One record; by_ca: what the CAs said. */
static bool
verify_record(struct peer *p, struct shown *s, const struct tlsa *t, bool by_ca)
{
	switch (t->usage) {
	case TLSA_DANE_EE:
		p->is_pinned = tlsa_matches(t, shown_der(s, 0));
		if (p->is_pinned)
			p->until = INT64_MAX; /* RFC 7671 §5.1: its dates do not count */
		return p->is_pinned;
	case TLSA_DANE_TA:
		p->is_anchored = verify_anchor(p, s, t);
		return p->is_anchored;
	case TLSA_PKIX_EE:
		return by_ca && tlsa_matches(t, shown_der(s, 0));
	case TLSA_PKIX_TA:
		return by_ca && any_matches(s, t);
	}
	return false;
}

static bool
verify_dane(struct peer *p, struct shown *s, const struct peer_wanted *w, bool by_ca)
{
	p->why.text[0] = '\0'; /* what the CAs say is not the reason */
	for (size_t i = 0; i < w->n_tlsa; i++)
		if (verify_record(p, s, &w->tlsa[i], by_ca))
			return true;
	if (p->why.text[0] != '\0')
		err_prefix(&p->why, "under the CA that DANE names");
	else
		err_set(&p->why, "the certificate is none of the %zu that DANE names", w->n_tlsa);
	return false;
}

/* ---- the verdict ---- */

static bool
verify_shown(struct peer *p, struct shown *s, struct trust *trust, const struct peer_wanted *w)
{
	bool by_ca = trust_verify(trust, s->crt, s->n, p->purpose, &p->until, &p->why) == 0;

	return w != NULL && w->n_tlsa > 0 ? verify_dane(p, s, w, by_ca) : by_ca;
}

void
peer_verify(
    struct peer *p, gnutls_session_t session, struct trust *trust, const struct peer_wanted *wanted)
{
	struct shown s = {.n = 0};

	p->state = TLS_PEER_UNTRUSTED;
	if (shown_read(&s, session, &p->why) == 0 && s.n == 0) {
		p->state = TLS_PEER_UNKNOWN;
		err_set(&p->why, "no certificate was shown");
	} else if (s.n > 0 && p->why.text[0] == '\0' && verify_shown(p, &s, trust, wanted) &&
	    (p->is_pinned || cert_names_read(&p->names, shown_der(&s, 0), &p->why) == 0)) {
		p->state = TLS_PEER_TRUSTED;
		p->why.text[0] = '\0';
	}
	shown_deinit(&s);
}

void
peer_verify_again(
    struct peer *p, gnutls_session_t session, struct trust *trust, const struct peer_wanted *wanted)
{
	struct peer now = {.purpose = p->purpose};

	peer_verify(&now, session, trust, wanted);
	p->state = now.state;
	p->why = now.why;
	p->until = now.until;
	peer_deinit(&now);
}

void
peer_deinit(struct peer *p)
{
	cert_names_deinit(&p->names);
}

bool
peer_is(const struct peer *p, const struct peer_wanted *w, struct str domain, struct err *why)
{
	bool is_wanted = w != NULL && str_is(domain, w->domain);

	if (p->state != TLS_PEER_TRUSTED) {
		err_set(why, "%s", p->why.text);
		return false;
	}
	if ((p->is_pinned && is_wanted) || cert_names_have(&p->names, domain) ||
	    (p->is_anchored && is_wanted && cert_names_have(&p->names, str_z(w->host))))
		return true;
	err_set(why, "the certificate is not made for %.*s", STR_ARG(domain));
	return false;
}

size_t
peer_addresses(const struct peer *p, struct str *v, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; p->state == TLS_PEER_TRUSTED && i < p->names.n; i++) {
		if (p->names.v[i].kind != CERT_XMPP)
			continue;
		if (n < max)
			v[n] = p->names.v[i].text;
		n++;
	}
	return n;
}

/* SASL EXTERNAL of clients (XEP-0178 §2): which of our users a client's certificate speaks of. TLS has verified it; whom it may log
 * in as is authd's to say, and whether it believes us at all. */
#include "negotiate.h"
#include "tls/verify.h"

#define ADDRESSES_MAX 16     /* of a certificate; one with more speaks of nobody */
#define NAMES_BYTES_MAX 4096 /* as messages.def has it */

static bool
is_there(struct str names, struct str name)
{
	struct str one;

	while (!str_empty(names)) {
		str_split(names, ' ', &one, &names);
		if (str_eq(one, name))
			return true;
	}
	return false;
}

/* Only whole accounts of ours: neither a domain's name nor one session's (INV-27: in their one form). */
static void
add_account(const struct client *c, struct buf *out, struct str text)
{
	struct jid_buf buf;
	struct jid j;

	if (!jid_prepare(&j, &buf, text) || str_empty(j.local) || !jid_is_bare(&j) ||
	    domains_check(&c->c2sd->domains, &c->c2sd->daemon->suite, j.domain) != STREAM_OK ||
	    is_there(buf_str(out), j.bare))
		return;
	if (buf_len(out))
		buf_add_c(out, ' ');
	buf_add_str(out, j.bare);
}

void
external_accounts(const struct client *c, struct buf *out)
{
	struct str v[ADDRESSES_MAX];
	size_t n = c->wire.tls && c->asks_certificate
	    ? tls_peer_addresses(c->wire.tls, v, ADDRESSES_MAX)
	    : 0;

	for (size_t i = 0; n <= ADDRESSES_MAX && i < n; i++)
		add_account(c, out, v[i]);
	if (buf_len(out) > NAMES_BYTES_MAX)
		buf_clear(out);
}

bool
external_is_possible(const struct client *c)
{
	struct buf names = {.data = NULL};
	struct str one, rest;
	bool found = false;

	external_accounts(c, &names);
	for (rest = buf_str(&names); !str_empty(rest) && !found;) {
		str_split(rest, ' ', &one, &rest);
		found = str_is(jid_split(one).domain, c->nego->domain);
	}
	buf_deinit(&names);
	return found;
}

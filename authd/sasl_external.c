/* EXTERNAL (RFC 4422 appendix A, XEP-0178 §2): the edge's TLS has verified a certificate and says which accounts it speaks of. It
 * names one of them, or the client chooses one of several by its authzid; nobody else can be had with it. */
#include <stdlib.h>

#include "base/jid.h"
#include "sasl_mechanism.h"

/* Whom the client asks for; all there are when it asks for nobody. */
static bool
is_asked_for(struct str account, struct str authzid)
{
	return str_empty(authzid) || str_eq(account, authzid);
}

/* The one account that fits; SASL_NONE, or what is wrong. */
static enum sasl_condition
choose(struct str certified, struct str authzid, struct str *account_r)
{
	struct str one;

	*account_r = (struct str){0};
	while (!str_empty(certified)) {
		str_split(certified, ' ', &one, &certified);
		if (!is_asked_for(one, authzid))
			continue;
		if (!str_empty(*account_r))
			return SASL_INVALID_AUTHZID;
		*account_r = one;
	}
	if (!str_empty(*account_r))
		return SASL_NONE;
	return str_empty(authzid) ? SASL_NOT_AUTHORIZED : SASL_INVALID_AUTHZID;
}

/* As the edge should have prepared it: a whole account of the stream's domain. */
static bool
is_of_this_stream(const struct sasl *s, struct str account)
{
	struct jid_buf buf;
	struct jid j;

	return jid_prepare(&j, &buf, account) && str_eq(j.full, account) && jid_is_bare(&j) &&
	    !str_empty(j.local) && str_eq(j.domain, s->domain);
}

enum sasl_step
sasl_external_first(struct sasl *s, struct str data)
{
	struct jid_buf buf;
	struct jid authzid = {.full = {0}};
	struct str account;
	enum sasl_condition why;

	if (!str_is_utf8(data) || str_find(data, '\0') < data.n)
		return sasl_fail(s, SASL_MALFORMED_REQUEST);
	if (!str_empty(data) && !jid_prepare(&authzid, &buf, data))
		return sasl_fail(s, SASL_INVALID_AUTHZID);
	why = choose(s->certified, authzid.full, &account);
	if (why != SASL_NONE)
		return sasl_fail(s, why);
	if (!is_of_this_stream(s, account))
		return sasl_fail(s, str_empty(data) ? SASL_NOT_AUTHORIZED : SASL_INVALID_AUTHZID);
	s->jid = str_z(str_dup(account));
	return STEP_FIND;
}

/* Without an account a name in a certificate is nobody. */
enum sasl_step
sasl_external_found(struct sasl *s)
{
	return s->known ? STEP_SUCCESS : sasl_fail(s, SASL_NOT_AUTHORIZED);
}

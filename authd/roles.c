/* Rules in, verdict out. */
#include "roles.h"

#include "base/jid.h"

bool
is_user_domain(const struct suite *suite, struct str domain)
{
	for (size_t i = 0; i < suite->n_domains; i++)
		if (str_is(domain, suite->domains[i]))
			return true;
	return false;
}

const char *
account_refused(const struct suite *suite, struct str text)
{
	struct jid_buf buf;
	struct jid jid;

	if (!jid_prepare(&jid, &buf, text) || str_empty(jid.local) || !jid_is_bare(&jid))
		return "that is no address of an account; write name@domain";
	if (!str_eq(jid.full, text))
		return "the address is not in its prepared form";
	if (suite && !is_user_domain(suite, jid.domain))
		return "the domain is not one of this server's; see jackdawctl domain list";
	return NULL;
}

struct refusal
refusal_of(enum store_result result)
{
	static const struct refusal refusals[] = {
	    [STORE_OK] = {BUS_ERROR_INTERNAL, "nothing was wrong"},
	    [STORE_NOT_FOUND] = {BUS_ERROR_NOT_FOUND, "no such account"},
	    [STORE_EXISTS] = {BUS_ERROR_EXISTS, "the account exists already"},
	    [STORE_BEING_REMOVED] = {BUS_ERROR_CONFLICT,
		"an account of this name is being removed; try again later"},
	    [STORE_FULL] = {BUS_ERROR_FULL, "no room on the disk for credentials.db"},
	    [STORE_ERROR] = {BUS_ERROR_INTERNAL, "credentials.db failed; see authd's log"},
	};

	return refusals[result];
}

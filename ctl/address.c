/* See address.h. */
#include "address.h"

int
address_account(struct str text, struct jid *jid_r, struct jid_buf *buf, struct err *err)
{
	if (!jid_prepare(jid_r, buf, text) || str_empty(jid_r->local) || !jid_is_bare(jid_r))
		return err_set(err,
		    "%.*s is no address of an account; it looks like name@example.org",
		    STR_ARG(text));
	return 0;
}

/* What to do about it is worth a word where we know it. */
int
address_check_domain(const struct ctl *c, struct str domain, struct err *err)
{
	for (size_t i = 0; i < c->suite.n_domains; i++)
		if (str_is(domain, c->suite.domains[i]))
			return 0;
	return err_set(err, "%.*s is no domain of this server; jackdawctl domain add %.*s first",
	    STR_ARG(domain), STR_ARG(domain));
}

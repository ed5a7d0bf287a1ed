/* jackdawctl domain add|del|list: changes the list in jackdaw.conf, then tells the daemons that run. keyd makes the certificate, or
 * takes the pair that lies in the keys folder. */
#include <stdio.h>

#include "commands.h"
#include "keys.h"
#include "names.h"
#include "suite.h"

int
domain_add(struct ctl *c, int argc, char **argv)
{
	struct jid_buf buf;
	struct str domain;
	struct err err;

	(void)argc;
	if (names_begin(c, argv[0], &domain, &buf, &err) != 0)
		return ctl_error("%s", err.text);
	if (names_have(c->suite.domains, c->suite.n_domains, domain))
		return ctl_error("%.*s is served already", STR_ARG(domain));
	if (names_have(c->suite.components, c->suite.n_components, domain))
		return ctl_error("%.*s is the name of a component", STR_ARG(domain));
	/* The certificate first: from the reload on clients are let in. */
	if (keys_offer(c, domain, &err) != 0 || names_change(c, "domains", domain, true, &err) != 0)
		return ctl_error("%s", err.text);
	int status = names_tell(c);
	printf("%.*s: added\n", STR_ARG(domain));
	return status;
}

int
domain_del(struct ctl *c, int argc, char **argv)
{
	struct jid_buf buf;
	struct str domain;
	struct err err;

	(void)argc;
	if (names_begin(c, argv[0], &domain, &buf, &err) != 0)
		return ctl_error("%s", err.text);
	if (!names_have(c->suite.domains, c->suite.n_domains, domain))
		return ctl_error("%.*s is not served", STR_ARG(domain));
	if (names_change(c, "domains", domain, false, &err) != 0)
		return ctl_error("%s", err.text);
	int status = names_tell(c);
	printf("%.*s: not served any more; its accounts and keys are kept\n", STR_ARG(domain));
	return status;
}

int
domain_list(struct ctl *c, int argc, char **argv)
{
	struct err err;

	(void)argc;
	(void)argv;
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	for (size_t i = 0; i < c->suite.n_domains; i++)
		puts(c->suite.domains[i]);
	return STATUS_OK;
}

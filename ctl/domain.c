/* jackdawctl domain add|del|list: changes the list in jackdaw.conf in place, then tells the daemons that run. keyd makes the
 * certificate, or takes the pair that lies in the keys folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/jid.h"
#include "commands.h"
#include "edit.h"
#include "keys.h"
#include "place.h"
#include "reload.h"
#include "suite.h"

static bool
same_domain(struct str value, struct str wanted)
{
	struct jid_buf buf;
	struct str name;

	return jid_prepare_domain(&name, &buf, value) && str_eq(name, wanted);
}

static bool
is_listed(const char *const *names, size_t n, struct str domain)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(domain, names[i]))
			return true;
	return false;
}

/* Two changes at a time must not undo each other. */
static int
lock_settings(const struct ctl *c, struct err *err)
{
	return flock(c->etc_dir, LOCK_EX) == 0
	    ? 0
	    : err_set(err, "cannot lock the settings: %s", strerror(errno));
}

static int
begin(struct ctl *c, const char *text, struct str *domain_r, struct jid_buf *buf, struct err *err)
{
	if (!jid_prepare_domain(domain_r, buf, str_z(text)))
		return err_set(err, "%s is no domain name", text);
	if (suite_open_folders(c, err) != 0 || lock_settings(c, err) != 0)
		return -1;
	return suite_load(c, err);
}

static int
rewrite(struct ctl *c, struct str domain, bool add, struct err *err)
{
	struct buf text = {0}, changed = {0};
	struct suite suite;
	int rc = place_read(c->etc_dir, "jackdaw.conf", &text, err);

	if (rc == 0 && add)
		edit_list_add(buf_str(&text), "domains", domain, &changed);
	else if (rc == 0)
		edit_list_del(buf_str(&text), "domains", domain, same_domain, &changed);
	if (rc == 0) {
		buf_add_c(&changed, '\0');
		changed.end--;
		struct suite_file *file =
		    suite_parse("jackdaw.conf", buf_str(&changed).p, &suite, err);
		rc = file && is_listed(suite.domains, suite.n_domains, domain) == add
		    ? place_file(c->etc_dir, "jackdaw.conf", buf_str(&changed), 0600, err)
		    : -1;
		if (file && rc != 0 && is_listed(suite.domains, suite.n_domains, domain) != add)
			err_set(err,
			    "jackdaw.conf: cannot find the list of domains; change it by hand");
		suite_free(&file);
	}
	buf_deinit(&text);
	buf_deinit(&changed);
	return rc == 0 ? suite_load(c, err) : -1;
}

static int
tell_all(struct ctl *c)
{
	int status = STATUS_OK;
	struct err err;

	for (const struct program *p = programs; p->name; p++)
		for (unsigned i = 0; p->uses_domains && i < program_instances(p, c); i++)
			if (suite_running(c, p, i) > 0 && reload_one(c, p, i, NULL, &err) != 0)
				status = ctl_error("%s", err.text);
	return status;
}

int
domain_add(struct ctl *c, int argc, char **argv)
{
	struct jid_buf buf;
	struct str domain;
	struct err err;

	(void)argc;
	if (begin(c, argv[0], &domain, &buf, &err) != 0)
		return ctl_error("%s", err.text);
	if (is_listed(c->suite.domains, c->suite.n_domains, domain))
		return ctl_error("%.*s is served already", STR_ARG(domain));
	if (is_listed(c->suite.components, c->suite.n_components, domain))
		return ctl_error("%.*s is the name of a component", STR_ARG(domain));
	/* The certificate first: from the reload on clients are let in. */
	if (keys_offer(c, domain, &err) != 0 || rewrite(c, domain, true, &err) != 0)
		return ctl_error("%s", err.text);
	int status = tell_all(c);
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
	if (begin(c, argv[0], &domain, &buf, &err) != 0)
		return ctl_error("%s", err.text);
	if (!is_listed(c->suite.domains, c->suite.n_domains, domain))
		return ctl_error("%.*s is not served", STR_ARG(domain));
	if (rewrite(c, domain, false, &err) != 0)
		return ctl_error("%s", err.text);
	int status = tell_all(c);
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

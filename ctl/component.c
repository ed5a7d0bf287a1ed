/* jackdawctl component add|del|list|kick: the list in jackdaw.conf, the secrets in componentd.conf, and what componentd tells of
 * who is connected. A secret is on no command line and in no log. */
#include <stdio.h>

#include "commands.h"
#include "edit.h"
#include "folders.h"
#include "keys.h"
#include "names.h"
#include "password.h"
#include "place.h"
#include "suite.h"

#define SETTINGS "componentd.conf"

static const struct program *
componentd(void)
{
	return program_of(ROLE_COMPONENTD);
}

/* Replaces what it says of the component; secret NULL: nothing any more. */
static int
write_secret(const struct ctl *c, struct str name, const struct str *secret, struct err *err)
{
	struct buf text = {0}, without = {0}, with = {0};
	int rc = place_read(c->etc_dir, SETTINGS, &text, err);

	if (rc == 0)
		edit_section_del(buf_str(&text), "component", name, names_same, &without);
	if (rc == 0 && secret)
		edit_section_add(buf_str(&without), "component", name, "secret", *secret, &with);
	if (rc == 0)
		rc = place_file(c->etc_dir, SETTINGS, buf_str(secret ? &with : &without), 0600, err);
	if (rc == 0)
		rc = folders_hide_settings(c, componentd(), err);
	buf_deinit_secret(&text);
	buf_deinit_secret(&without);
	buf_deinit_secret(&with);
	return rc;
}

/* Then the domain's certificate is its own too. */
static bool
is_below_a_domain(const struct suite *s, struct str name)
{
	struct str label;

	while (str_split(name, '.', &label, &name))
		if (names_have(s->domains, s->n_domains, name))
			return true;
	return false;
}

int
component_add(struct ctl *c, int argc, char **argv)
{
	struct buf secret = {0};
	struct jid_buf buf;
	struct str name, value;
	struct err err;

	(void)argc;
	if (names_begin(c, argv[0], &name, &buf, &err) != 0)
		return ctl_error("%s", err.text);
	if (names_have(c->suite.domains, c->suite.n_domains, name))
		return ctl_error("%.*s is a domain of users", STR_ARG(name));
	if (names_have(c->suite.components, c->suite.n_components, name))
		return ctl_error(
		    "%.*s is a component already; jackdawctl component del first", STR_ARG(name));
	int rc = password_read(&secret, &err);
	value = buf_str(&secret);
	if (rc == 0 && !is_below_a_domain(&c->suite, name))
		rc = keys_offer(c, name, &err);
	/* The list first: a secret for nobody would be refused. */
	if (rc == 0)
		rc = names_change(c, "components", name, true, &err);
	if (rc == 0)
		rc = write_secret(c, name, &value, &err);
	buf_deinit_secret(&secret);
	if (rc != 0)
		return ctl_error("%s", err.text);
	int status = names_tell(c);
	printf("%.*s: added\n", STR_ARG(name));
	return status;
}

int
component_del(struct ctl *c, int argc, char **argv)
{
	struct jid_buf buf;
	struct str name;
	struct err err;

	(void)argc;
	if (names_begin(c, argv[0], &name, &buf, &err) != 0)
		return ctl_error("%s", err.text);
	if (!names_have(c->suite.components, c->suite.n_components, name))
		return ctl_error("%.*s is no component here", STR_ARG(name));
	if (write_secret(c, name, NULL, &err) != 0 ||
	    names_change(c, "components", name, false, &err) != 0)
		return ctl_error("%s", err.text);
	int status = names_tell(c);
	printf("%.*s: removed\n", STR_ARG(name));
	return status;
}

/* NAME STREAMS BYTES, then FROM SINCE of each stream */
static void
print_component(struct str line)
{
	struct str name, count, bytes;

	str_split(line, ' ', &name, &line);
	str_split(line, ' ', &count, &line);
	str_split(line, ' ', &bytes, &line);
	printf("%-40.*s %7.*s %8.*s %.*s\n", STR_ARG(name), STR_ARG(count), STR_ARG(bytes),
	    STR_ARG(line));
}

static void
print_names(const struct ctl *c)
{
	for (size_t i = 0; i < c->suite.n_components; i++)
		printf("%-40s %7s %8s\n", c->suite.components[i], "-", "-");
}

int
component_list(struct ctl *c, int argc, char **argv)
{
	struct control_call call = {.program = componentd(), .line = "components"};
	struct buf out = {0};
	struct str line, text;
	struct err err;

	(void)argc;
	(void)argv;
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	printf("%-40s %7s %8s %s\n", "NAME", "STREAMS", "WAITING", "FROM, SINCE");
	if (suite_running(c, componentd(), 0) == 0) {
		print_names(c);
		return ctl_error("componentd does not run");
	}
	if (suite_control(c, &call, &out, &err) != 0)
		return ctl_error("%s", err.text);
	for (text = buf_str(&out); !str_empty(text);) {
		str_split(text, '\n', &line, &text);
		print_component(line);
	}
	buf_deinit(&out);
	return STATUS_OK;
}

int
component_kick(struct ctl *c, int argc, char **argv)
{
	struct control_call call = {.program = componentd()};
	struct buf out = {0}, line = {0};
	struct jid_buf buf;
	struct str name;
	struct err err;

	(void)argc;
	if (!jid_prepare_domain(&name, &buf, str_z(argv[0])))
		return ctl_error("%s is no domain name", argv[0]);
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	buf_printf(&line, "kick %.*s", STR_ARG(name));
	buf_add_c(&line, '\0');
	call.line = buf_str(&line).p;
	int rc = suite_control(c, &call, &out, &err);
	buf_deinit(&line);
	if (rc != 0)
		return ctl_error("%s", err.text);
	printf("%.*s: connections ended: %.*s\n", STR_ARG(name), STR_ARG(str_trim(buf_str(&out))));
	buf_deinit(&out);
	return STATUS_OK;
}

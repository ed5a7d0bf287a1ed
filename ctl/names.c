/* See names.h. Called by domain.c and component.c. */
#include "names.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "edit.h"
#include "place.h"
#include "reload.h"
#include "suite.h"

bool
names_same(struct str value, struct str wanted)
{
	struct jid_buf buf;
	struct str name;

	return jid_prepare_domain(&name, &buf, value) && str_eq(name, wanted);
}

bool
names_have(const char *const *names, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(name, names[i]))
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

int
names_begin(
    struct ctl *c, const char *text, struct str *name_r, struct jid_buf *buf, struct err *err)
{
	if (!jid_prepare_domain(name_r, buf, str_z(text)))
		return err_set(err, "%s is no domain name", text);
	if (suite_open_folders(c, err) != 0 || lock_settings(c, err) != 0)
		return -1;
	return suite_load(c, err);
}

static bool
is_in(const struct suite *s, const char *key, struct str name)
{
	if (strcmp(key, "domains") == 0)
		return names_have(s->domains, s->n_domains, name);
	return names_have(s->components, s->n_components, name);
}

/* Puts the new text in its place when it says what it should. */
static int
accept_text(const struct ctl *c, struct str text, const char *key, struct str name, bool add,
    struct err *err)
{
	struct suite suite;
	struct suite_file *file = suite_parse("jackdaw.conf", text.p, &suite, err);
	int rc = -1;

	if (!file)
		return -1;
	if (is_in(&suite, key, name) == add)
		rc = place_file(c->etc_dir, "jackdaw.conf", text, 0600, err);
	else
		err_set(err, "jackdaw.conf: cannot find the list of %s; change it by hand", key);
	suite_free(&file);
	return rc;
}

int
names_change(struct ctl *c, const char *key, struct str name, bool add, struct err *err)
{
	struct buf text = {0}, changed = {0};
	int rc = place_read(c->etc_dir, "jackdaw.conf", &text, err);

	if (rc == 0 && add)
		edit_list_add(buf_str(&text), key, name, &changed);
	else if (rc == 0)
		edit_list_del(buf_str(&text), key, name, names_same, &changed);
	if (rc == 0) {
		buf_add_c(&changed, '\0');
		changed.end--;
		rc = accept_text(c, buf_str(&changed), key, name, add, err);
	}
	buf_deinit(&text);
	buf_deinit(&changed);
	return rc == 0 ? suite_load(c, err) : -1;
}

int
names_tell(struct ctl *c)
{
	int status = STATUS_OK;
	struct err err;

	for (const struct program *p = programs; p->name; p++)
		for (unsigned i = 0; p->uses_domains && i < program_instances(p, c); i++)
			if (suite_running(c, p, i) > 0 && reload_one(c, p, i, NULL, &err) != 0)
				status = ctl_error("%s", err.text);
	return status;
}

/* Reading, checking and exchanging the settings: jackdaw.conf and the daemon's own file. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "service/paths.h"
#include "service/skeleton.h"

static int
loaded_parse(struct skeleton *k, struct loaded *l, const char *suite_text, const char *own_text,
    struct err *err)
{
	const struct service *s = k->daemon.service;
	struct daemon probe = k->daemon;
	char own_name[64];

	snprintf(own_name, sizeof(own_name), "%s.conf", s->name);
	l->suite_file = suite_parse("jackdaw.conf", suite_text, &l->suite, err);
	if (!l->suite_file)
		return -1;
	if (!s->settings)
		return 0;
	l->settings = mem_new(s->settings_size);
	if (settings_parse(s->settings, l->settings, own_name, own_text, &l->pool, err) != 0)
		return -1;
	probe.suite = l->suite;
	probe.settings = l->settings;
	if (s->check && s->check(&probe, l->settings, err) != 0)
		return settings_err_where(l->pool, own_name, err);
	return 0;
}

static int
loaded_finish(
    struct skeleton *k, struct loaded *l, struct buf *suite, struct buf *own, struct err *err)
{
	struct loaded fresh = {.pool = NULL};
	int rc = loaded_parse(k, &fresh, (const char *)suite->data, (const char *)own->data, err);

	buf_deinit_secret(suite);
	buf_deinit_secret(own);
	if (rc != 0)
		loaded_free(&fresh);
	else
		*l = fresh;
	return rc;
}

int
loaded_from_files(struct skeleton *k, struct loaded *l, struct err *err)
{
	char *etc = path_etc(k->options.dir), name[64];
	struct buf suite = {.data = NULL}, own = {.data = NULL};
	int rc;

	snprintf(name, sizeof(name), "%s.conf", k->daemon.service->name);
	rc = file_read(etc, "jackdaw.conf", false, &suite, err);
	if (rc == 0)
		rc = file_read(etc, name, true, &own, err);
	free(etc);
	if (rc != 0) {
		buf_deinit_secret(&suite);
		buf_deinit_secret(&own);
		return -1;
	}
	return loaded_finish(k, l, &suite, &own, err);
}

int
loaded_from_fds(struct skeleton *k, struct loaded *l, int suite_fd, int own_fd, struct err *err)
{
	struct buf suite = {.data = NULL}, own = {.data = NULL};
	char name[64];

	snprintf(name, sizeof(name), "%s.conf", k->daemon.service->name);
	if (file_read_text(suite_fd, "jackdaw.conf", &suite, err) != 0 ||
	    file_read_text(own_fd, name, &own, err) != 0) {
		buf_deinit_secret(&suite);
		buf_deinit_secret(&own);
		return -1;
	}
	return loaded_finish(k, l, &suite, &own, err);
}

/* The descriptors are of those that are named, in the order of the table. */
static int
read_named(const struct setting_file *f, const int **fds, unsigned *n_fds, struct buf *out,
    struct err *err)
{
	if (!*f->path)
		return 0;
	if (*n_fds == 0)
		return err_set(err, "reload takes the file that %s names as a descriptor", f->key);
	(*n_fds)--;
	if (file_read_fd(*(*fds)++, f->key, NAMED_FILE_MAX, out, err) != 0)
		return -1;
	return buf_len(out) > 0 ? 0 : err_set(err, "%s: nothing is in the file", f->key);
}

int
loaded_take_files(
    struct skeleton *k, const struct loaded *l, const int *fds, unsigned n_fds, struct err *err)
{
	const struct service *s = k->daemon.service;
	struct setting_file v[SETTING_FILES_MAX];
	struct buf contents[SETTING_FILES_MAX] = {{.data = NULL}};
	struct str texts[SETTING_FILES_MAX];
	size_t n = s->settings ? settings_files(s->settings, l->settings, v) : 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = read_named(&v[i], &fds, &n_fds, &contents[i], err);
		texts[i] = buf_str(&contents[i]);
	}
	if (rc == 0 && n_fds > 0)
		rc = err_set(err, "reload takes the two files as descriptors");
	if (rc == 0 && n > 0)
		rc = s->take_files(&k->daemon, texts, err);
	for (size_t i = 0; i < n; i++)
		buf_deinit(&contents[i]);
	return rc;
}

void
loaded_free(struct loaded *l)
{
	suite_free(&l->suite_file);
	settings_free(&l->pool);
	free(l->settings);
	*l = (struct loaded){.pool = NULL};
}

void
loaded_swap(struct skeleton *k, struct loaded *l)
{
	struct loaded old = k->loaded;

	k->loaded = *l;
	k->daemon.suite = l->suite;
	k->daemon.settings = l->settings;
	if (k->daemon.service->reloaded)
		k->daemon.service->reloaded(&k->daemon, old.settings);
	if (!k->first.suite_file)
		k->first = old;
	else
		loaded_free(&old);
	*l = (struct loaded){.pool = NULL};
}

/* jackdawctl init: folders, settings, authd's keys. Below D everything is new, and nothing is left behind when it fails;
 * installed, what is there already stays. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/jid.h"
#include "commands.h"
#include "edit.h"
#include "folders.h"
#include "place.h"
#include "profiles.h"
#include "service/files.h"
#include "service/paths.h"
#include "suite.h"
#include "tool.h"

/* Room behind D for the longest path that anything below it has. */
#define PATH_ROOM 256

/* ---- the folder ---- */

static bool
is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	bool empty = d != NULL;

	for (struct dirent *e; d && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, "lost+found") != 0)
			empty = false;
	if (d)
		closedir(d);
	return empty;
}

/* Its name, for a loss of power; the folders below it see to that themselves. */
static int
keep_top(const struct ctl *c, struct err *err)
{
	int fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && folder_keep(fd) == 0
	    ? 0
	    : err_set(err, "cannot make %s: %s", c->dir, strerror(errno));

	if (fd >= 0)
		close(fd);
	return rc;
}

/* *made_r: it was not there. */
static int
make_top(struct ctl *c, bool *made_r, struct err *err)
{
	struct stat st;

	*made_r = false;
	if (!c->dir)
		return 0;
	if (strlen(c->dir) + PATH_ROOM > PATH_MAX)
		return err_set(err, "the path of the folder is too long (at most %d bytes)",
		    PATH_MAX - PATH_ROOM);
	if (mkdir(c->dir, 0755) == 0)
		*made_r = true;
	else if (errno != EEXIST)
		return err_set(err, "cannot make %s: %s", c->dir, strerror(errno));
	else if (stat(c->dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(err, "%s is no folder", c->dir);
	else if (access(c->dir, R_OK | W_OK | X_OK) != 0)
		return err_set(err, "%s: %s", c->dir, strerror(errno));
	else if (!is_empty(c->dir))
		return err_set(
		    err, "%s is not empty; init wants a new folder or an empty one", c->dir);
	return 0;
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	if (ftw->level > 0 && strcmp(path + ftw->base, "lost+found") != 0)
		remove(path);
	return 0;
}

/* It was empty when we came. */
static void
clean_up(const struct ctl *c, bool made)
{
	if (!c->dir)
		return;
	nftw(c->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	if (made)
		rmdir(c->dir);
}

/* ---- settings ---- */

static bool
is_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

static int
add_domain(struct buf *text, const char *domain, const struct suite *suite, struct err *err)
{
	struct jid_buf buf;
	struct str name;
	struct buf changed = {0};

	if (!jid_prepare_domain(&name, &buf, str_z(domain)))
		return err_set(err, "%s is no domain name", domain);
	for (size_t i = 0; i < suite->n_domains; i++)
		if (str_is(name, suite->domains[i]))
			return 0;
	edit_list_add(buf_str(text), "domains", name, &changed);
	buf_deinit(text);
	*text = changed;
	return 0;
}

static void
set_number(struct buf *text, const char *key, int value)
{
	struct buf statement = {0}, changed = {0};

	buf_printf(&statement, "%s = %d\n", key, value);
	edit_add_statement(buf_str(text), key, buf_str(&statement), &changed);
	buf_deinit(text);
	buf_deinit(&statement);
	*text = changed;
}

/* jackdaw.conf with what the command line says. */
static int
write_suite(struct ctl *c, struct err *err)
{
	struct buf text = {0};
	int rc = 0;

	if (is_there(c->etc_dir, "jackdaw.conf"))
		rc = suite_load(c, err) == 0 ? place_read(c->etc_dir, "jackdaw.conf", &text, err)
					     : -1;
	else
		suite_sample(&text);
	for (unsigned i = 0; i < c->n_domains && rc == 0; i++)
		rc = add_domain(&text, c->domains[i], &c->suite, err);
	if (rc == 0 && (c->options & OPTION_PORT_OFFSET))
		set_number(&text, "port_offset", c->port_offset);
	if (rc == 0 && (c->options & OPTION_FEDERATION))
		set_number(&text, "s2sd", 1);
	if (rc == 0)
		rc = place_file(
		    c->etc_dir, "jackdaw.conf", buf_str(&text), c->dir ? 0600 : 0644, err);
	buf_deinit(&text);
	return rc == 0 ? suite_load(c, err) : -1;
}

/* All processes of s2sd must agree on the keys of dialback. */
static void
add_secret(struct buf *text)
{
	uint8_t secret[32];
	char hex[2 * sizeof(secret) + 1];
	struct buf statement = {0}, changed = {0};

	id_init();
	id_random_bytes(secret, sizeof(secret));
	sodium_bin2hex(hex, sizeof(hex), secret, sizeof(secret));
	buf_printf(&statement, "dialback_secret = \"%s\"\n", hex);
	edit_add_statement(buf_str(text), "dialback_secret", buf_str(&statement), &changed);
	buf_deinit_secret(text);
	buf_deinit_secret(&statement);
	secret_wipe(secret, sizeof(secret));
	secret_wipe(hex, sizeof(hex));
	*text = changed;
}

/* What is there already stays, and what the profile says is added once. */
static int
add_profile(const struct ctl *c, const struct program *p, struct buf *text)
{
	struct str more = profile_text(c->profile, p->name), now = buf_str(text);

	if (str_empty(more) || (now.p && memmem(now.p, now.n, more.p, more.n)))
		return 0;
	buf_add_str(text, more);
	return 1;
}

static int
write_settings(struct ctl *c, const struct program *p, struct err *err)
{
	struct buf text = {0};
	char name[64];

	snprintf(name, sizeof(name), "%s.conf", p->name);
	bool is_new = !is_there(c->etc_dir, name);
	int rc = is_new ? tool_ask(c, p, "--sample", &text, err)
			: place_read(c->etc_dir, name, &text, err);
	if (rc == 0 && is_new && p->role == ROLE_S2SD)
		add_secret(&text);
	if (rc == 0 && (add_profile(c, p, &text) || is_new))
		rc = place_file(c->etc_dir, name, buf_str(&text), c->dir ? 0600 : 0644, err);
	buf_deinit_secret(&text);
	return rc == 0 ? folders_hide_settings(c, p, err) : rc;
}

/* ---- all of it ---- */

static int
fill(struct ctl *c, struct err *err)
{
	int rc = 0;

	if (folders_make(c, err) != 0 || suite_open_folders(c, err) != 0 || write_suite(c, err) != 0)
		return -1;
	for (const struct program *p = programs; p->name && rc == 0; p++)
		rc = write_settings(c, p, err);
	return rc == 0 ? folders_share_key(c, err) : -1;
}

static void
report(const struct ctl *c)
{
	printf("The suite in %s is ready to be started.\n", c->dir ? c->dir : JACKDAW_SYSCONFDIR);
	if (c->suite.n_domains == 0 && c->suite.n_components == 0)
		puts("It serves no domain yet: jackdawctl domain add NAME, or component add NAME.");
}

int
init_run(struct ctl *c, int argc, char **argv)
{
	struct err err;
	bool made;

	(void)argc;
	(void)argv;
	umask(022);
	if (!c->dir && geteuid() != 0)
		return ctl_error(
		    "only root can set up the installed suite; --dir D makes one in a folder of yours");
	if (tool_check_programs(c, &err) != 0 || make_top(c, &made, &err) != 0)
		return ctl_error("%s", err.text);
	if ((made && keep_top(c, &err) != 0) || fill(c, &err) != 0) {
		clean_up(c, made);
		return ctl_error("%s", err.text);
	}
	report(c);
	return STATUS_OK;
}

/* jackdawctl cert import|list, and the part of `domain add` that concerns keyd (keys.h). keyd opens no files: it gets them
 * as descriptors, the certificate first, and judges them; files come into place when it has taken them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jid.h"
#include "commands.h"
#include "keys.h"
#include "place.h"
#include "suite.h"

#define KEY_MODE 0600
#define CERT_MODE 0644

/* A domain's two files, as names and as descriptors (-1: not open). */
struct pair_files {
	int dir;
	char crt[JID_PART_MAX + 8], key[JID_PART_MAX + 8];
	int fds[2]; /* certificate, key */
};

static int
open_keys(const struct ctl *c, struct err *err)
{
	const char *path = keys_path(c);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err_set(err, "%s: %s", path, strerror(errno));
	return fd;
}

static int
pair_open(struct pair_files *f, const struct ctl *c, struct str domain, struct err *err)
{
	*f = (struct pair_files){.dir = open_keys(c, err), .fds = {-1, -1}};
	snprintf(f->crt, sizeof(f->crt), "%.*s.crt", STR_ARG(domain));
	snprintf(f->key, sizeof(f->key), "%.*s.key", STR_ARG(domain));
	return f->dir >= 0 ? 0 : -1;
}

static void
pair_close(struct pair_files *f)
{
	for (unsigned i = 0; i < 2; i++)
		if (f->fds[i] >= 0)
			close(f->fds[i]);
	if (f->dir >= 0)
		close(f->dir);
}

static bool
keyd_runs(const struct ctl *c)
{
	return suite_running(c, program_of(ROLE_KEYD), 0) > 0;
}

static int
tell_keyd(const struct ctl *c, const char *verb, struct str domain, const int *fds, struct err *err)
{
	char line[JID_PART_MAX + 16];

	snprintf(line, sizeof(line), "%s %.*s", verb, STR_ARG(domain));
	const struct control_call call = {
	    .program = program_of(ROLE_KEYD), .line = line, .fds = fds, .n_fds = fds ? 2 : 0};
	return suite_control(c, &call, NULL, err);
}

/* ---- for `domain add` ---- */

/* keyd fills two new files. */
static int
have_made(const struct ctl *c, struct pair_files *f, struct str domain, struct err *err)
{
	f->fds[0] = place_begin(f->dir, f->crt, CERT_MODE, err);
	f->fds[1] = f->fds[0] < 0 ? -1 : place_begin(f->dir, f->key, KEY_MODE, err);
	int rc = f->fds[1] < 0 ? -1 : tell_keyd(c, "make", domain, f->fds, err);
	if (rc != 0) {
		place_abandon(f->dir, f->crt);
		place_abandon(f->dir, f->key);
		return -1;
	}
	/* The key first: a key alone gets a certificate, a certificate alone is an error. */
	rc = place_finish(f->dir, f->key, f->fds[1], err);
	f->fds[1] = -1;
	if (rc == 0) {
		rc = place_finish(f->dir, f->crt, f->fds[0], err);
		f->fds[0] = -1;
	}
	return rc;
}

int
keys_offer(const struct ctl *c, struct str domain, struct err *err)
{
	struct pair_files f;
	int rc = 0;

	if (!keyd_runs(c))
		return 0;
	if (pair_open(&f, c, domain, err) != 0)
		return -1;
	f.fds[0] = openat(f.dir, f.crt, O_RDONLY | O_CLOEXEC);
	f.fds[1] = openat(f.dir, f.key, O_RDONLY | O_CLOEXEC);
	if (f.fds[0] >= 0 && f.fds[1] >= 0)
		rc = tell_keyd(c, "cert", domain, f.fds, err);
	else if (f.fds[0] < 0 && f.fds[1] < 0)
		rc = have_made(c, &f, domain, err);
	else
		rc = err_set(err, "of %s and %s one is missing in the keys folder", f.crt, f.key);
	pair_close(&f);
	return rc;
}

/* ---- cert import ---- */

static int
open_file(const char *path, struct buf *text, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	close(fd);
	if (place_read(AT_FDCWD, path, text, err) != 0)
		return -1;
	return fd;
}

static bool
contains(struct str text, const char *what)
{
	return text.p && memmem(text.p, text.n, what, strlen(what)) != NULL;
}

/* What the two files are is keyd's to say; this only catches that they were swapped, for when keyd does not run. */
static int
check_kinds(struct str key, struct str crt, char **argv, struct err *err)
{
	if (!contains(key, "PRIVATE KEY-----"))
		return err_set(err, "%s holds no private key in PEM form", argv[1]);
	if (!contains(crt, "BEGIN CERTIFICATE-----"))
		return err_set(err, "%s holds no certificate in PEM form", argv[2]);
	return 0;
}

static int
import_files(struct ctl *c, struct str domain, char **argv, struct err *err)
{
	struct buf key = {0}, crt = {0};
	struct pair_files f = {.dir = -1, .fds = {-1, -1}};
	int rc = -1;

	if (open_file(argv[1], &key, err) >= 0 && open_file(argv[2], &crt, err) >= 0 &&
	    check_kinds(buf_str(&key), buf_str(&crt), argv, err) == 0 &&
	    pair_open(&f, c, domain, err) == 0) {
		f.fds[0] = open(argv[2], O_RDONLY | O_CLOEXEC);
		f.fds[1] = open(argv[1], O_RDONLY | O_CLOEXEC);
		rc = keyd_runs(c) ? tell_keyd(c, "cert", domain, f.fds, err) : 0;
	}
	if (rc == 0)
		rc = place_file(f.dir, f.key, buf_str(&key), KEY_MODE, err);
	if (rc == 0)
		rc = place_file(f.dir, f.crt, buf_str(&crt), CERT_MODE, err);
	pair_close(&f);
	buf_deinit_secret(&key);
	buf_deinit(&crt);
	return rc;
}

static bool
is_known(const struct ctl *c, struct str domain)
{
	for (size_t i = 0; i < c->suite.n_domains; i++)
		if (str_is(domain, c->suite.domains[i]))
			return true;
	for (size_t i = 0; i < c->suite.n_components; i++)
		if (str_is(domain, c->suite.components[i]))
			return true;
	return false;
}

int
cert_import(struct ctl *c, int argc, char **argv)
{
	struct jid_buf buf;
	struct str domain;
	struct err err;

	(void)argc;
	if (!jid_prepare_domain(&domain, &buf, str_z(argv[0])))
		return ctl_error("%s is no domain name", argv[0]);
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (!is_known(c, domain))
		return ctl_error("%.*s is not served; jackdawctl domain add %.*s first",
		    STR_ARG(domain), STR_ARG(domain));
	if (import_files(c, domain, argv, &err) != 0)
		return ctl_error("%s", err.text);
	printf("%.*s: %s\n", STR_ARG(domain),
	    keyd_runs(c) ? "the new certificate is in use"
			 : "the new certificate will be checked and used at the next start");
	return STATUS_OK;
}

/* ---- cert list ---- */

static int
list_running(struct ctl *c, struct err *err)
{
	const struct control_call call = {.program = program_of(ROLE_KEYD), .line = "certs"};
	struct buf out = {0};
	int rc = suite_control(c, &call, &out, err);

	if (rc == 0)
		printf("%.*s", STR_ARG(buf_str(&out)));
	buf_deinit(&out);
	return rc;
}

/* Without keyd only what lies there can be said. */
static int
list_files(struct ctl *c, struct err *err)
{
	int dir = open_keys(c, err);

	if (dir < 0)
		return -1;
	for (size_t i = 0; i < c->suite.n_domains; i++) {
		char crt[JID_PART_MAX + 8];

		snprintf(crt, sizeof(crt), "%s.crt", c->suite.domains[i]);
		bool is_there = faccessat(dir, crt, F_OK, 0) == 0;
		printf("%s %s\n", c->suite.domains[i],
		    is_there ? crt : "none yet: keyd makes one when it starts");
	}
	close(dir);
	return 0;
}

int
cert_list(struct ctl *c, int argc, char **argv)
{
	struct err err;

	(void)argc;
	(void)argv;
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	int rc = keyd_runs(c) ? list_running(c, &err) : list_files(c, &err);
	return rc == 0 ? STATUS_OK : ctl_error("%s", err.text);
}

/* jackdawctl user add|passwd|del|list|import. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "address.h"
#include "base/id.h"
#include "base/jid.h"
#include "commands.h"
#include "password.h"
#include "suite.h"

#define IMPORT_LINE_MAX 8192

/* ---- one account ---- */

struct result {
	int status;
	const char *done; /* "added" */
};

static void
on_done(void *ctx, const char *jid, const char *error)
{
	struct result *r = ctx;

	if (error)
		r->status = ctl_error("%s: %s", jid, error);
	else
		printf("%s: %s\n", jid, r->done);
}

static int
change(struct ctl *c, enum account_verb verb, const char *jid, struct str password)
{
	static const char *const done[] = {
	    [ACCOUNT_ADD] = "added", [ACCOUNT_PASSWD] = "has a new password", [ACCOUNT_DEL] = "deleted"};
	struct result r = {.status = STATUS_OK, .done = done[verb]};
	struct err err;
	struct accounts *a = accounts_open(c, &err);

	if (!a)
		return ctl_error("%s", err.text);
	int rc = accounts_change(a, verb, jid, password, on_done, &r, &err);
	struct err close_err;
	if (accounts_close(&a, &close_err) != 0 && rc == 0) {
		rc = -1;
		err = close_err;
	}
	return rc != 0 ? ctl_error("%s: %s", jid, err.text) : r.status;
}

static int
change_with_password(struct ctl *c, enum account_verb verb, const char *text)
{
	struct buf password = {0};
	struct jid_buf buf;
	struct jid jid;
	struct err err;
	int status;

	if (suite_open(c, &err) != 0 || address_account(str_z(text), &jid, &buf, &err) != 0 ||
	    (verb == ACCOUNT_ADD && address_check_domain(c, jid.domain, &err) != 0) ||
	    password_read(&password, &err) != 0)
		status = ctl_error("%s", err.text);
	else
		status = change(c, verb, jid.full.p, buf_str(&password));
	buf_deinit_secret(&password);
	return status;
}

int
user_add(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	return change_with_password(c, ACCOUNT_ADD, argv[0]);
}

int
user_passwd(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	return change_with_password(c, ACCOUNT_PASSWD, argv[0]);
}

int
user_del(struct ctl *c, int argc, char **argv)
{
	struct jid_buf buf;
	struct jid jid;
	struct err err;

	(void)argc;
	if (suite_open(c, &err) != 0 || address_account(str_z(argv[0]), &jid, &buf, &err) != 0)
		return ctl_error("%s", err.text);
	return change(c, ACCOUNT_DEL, jid.full.p, (struct str){0});
}

/* ---- list ---- */

static void
print_jid(void *ctx, struct str jid)
{
	(void)ctx;
	printf("%.*s\n", STR_ARG(jid));
}

int
user_list(struct ctl *c, int argc, char **argv)
{
	struct jid_buf buf;
	struct str domain = {0};
	struct err err, close_err;

	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (argc > 0 && !jid_prepare_domain(&domain, &buf, str_z(argv[0])))
		return ctl_error("%s is no domain", argv[0]);
	struct accounts *a = accounts_open(c, &err);
	if (!a)
		return ctl_error("%s", err.text);
	int rc = accounts_list(a, domain, print_jid, NULL, &err);
	if (accounts_close(&a, &close_err) != 0 && rc == 0)
		return ctl_error("%s", close_err.text);
	return rc == 0 ? STATUS_OK : ctl_error("%s", err.text);
}

/* ---- import ---- */

struct import {
	struct ctl *ctl;
	struct accounts *accounts;
	unsigned line, added, failed;
};

static void
on_imported(void *ctx, const char *jid, const char *error)
{
	struct import *im = ctx;

	if (error) {
		im->failed++;
		ctl_error("%s: %s", jid, error);
	} else {
		im->added++;
	}
}

static void
refuse_line(struct import *im, const char *why)
{
	im->failed++;
	ctl_error("line %u: %s", im->line, why);
}

/* 0, or -1 with *err filled when there is no use in going on. */
static int
import_line(struct import *im, struct str line, struct err *err)
{
	struct str text, password;
	struct jid_buf buf;
	struct jid jid;
	struct err why;

	if (!password_split_line(line, &text, &password)) {
		refuse_line(im, "it must be: JID password");
		return 0;
	}
	if (str_empty(text))
		return 0;
	if (address_account(text, &jid, &buf, &why) != 0 ||
	    address_check_domain(im->ctl, jid.domain, &why) != 0 ||
	    password_check(password, &why) != 0) {
		refuse_line(im, why.text);
		return 0;
	}
	return accounts_change(
	    im->accounts, ACCOUNT_ADD, jid.full.p, password, on_imported, im, err);
}

static int
import_all(struct import *im, char *line, struct err *err)
{
	int rc = 0;

	/* The buffer is ours, so that no copy of a password stays behind in stdio's. */
	setvbuf(stdin, NULL, _IONBF, 0);
	while (rc == 0 && fgets(line, IMPORT_LINE_MAX, stdin)) {
		size_t n = strlen(line);

		im->line++;
		if (n > 0 && line[n - 1] == '\n')
			n--;
		else if (n == IMPORT_LINE_MAX - 1)
			return err_set(err, "line %u is too long", im->line);
		rc = import_line(im, str_of(line, n), err);
	}
	return rc;
}

int
user_import(struct ctl *c, int argc, char **argv)
{
	struct import im = {.ctl = c};
	char line[IMPORT_LINE_MAX];
	struct err err, close_err;

	(void)argc;
	(void)argv;
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	im.accounts = accounts_open(c, &err);
	if (!im.accounts)
		return ctl_error("%s", err.text);
	int rc = import_all(&im, line, &err);
	if (accounts_close(&im.accounts, &close_err) != 0 && rc == 0) {
		rc = -1;
		err = close_err;
	}
	secret_wipe(line, sizeof(line));
	printf("%u added, %u refused\n", im.added, im.failed);
	if (rc != 0)
		return ctl_error("%s", err.text);
	return im.failed == 0 ? STATUS_OK : STATUS_FAILED;
}

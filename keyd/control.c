/* What jackdawctl may ask of a running keyd. Files come as opened descriptors (certificate first, then key), because
 * keyd opens none; a pair that is broken changes nothing, and the answer says what is wrong with it.
 *
 *   certs          list: domain, kind, last day, whose
 *   check DOMAIN   is what is shown for this name made for it: "ok", "wish", "wrong" or "missing", and why
 *   cert DOMAIN    [certificate, key] use this pair from now on
 *   make DOMAIN    [certificate, key: empty, writable] make a self-signed pair, write it there and use it
 *   drop DOMAIN    forget the domain
 *   counters       what was signed and refused, for each role
 *
 * The first line of an answer is "ok" or "error: …". */

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/jid.h"
#include "base/log.h"
#include "base/mem.h"
#include "files.h"
#include "keyd.h"
#include "selfsigned.h"

enum {
	FD_CRT,
	FD_KEY,
	N_FDS
};

struct command {
	const char *name;
	unsigned n_fds;
	bool takes_domain;
	int (*run)(
	    struct keyd *k, struct str domain, const int *fds, struct buf *out, struct err *err);
};

static int
use_pair(struct keyd *k, struct str domain, struct str crt, struct str key, struct err *err)
{
	struct pair pair;

	if (pair_parse(&pair, crt, key, "the certificate", "the key", err) < 0)
		return -1;
	store_put(&k->store, domain, &pair, loop_now_ms(k->daemon->loop));
	const struct chain *c = store_find(&k->store, domain);
	log_info("%s: new certificate (%s, key %08x)", c->domain, c->kind, c->key->id);
	keyd_check_chain(k, c);
	keyd_changed(k);
	return 0;
}

static int
run_cert(struct keyd *k, struct str domain, const int *fds, struct buf *out, struct err *err)
{
	struct buf crt = {0}, key = {0};

	(void)out;
	int rc = files_read(fds[FD_CRT], "the certificate", &crt, err);
	if (rc == 0)
		rc = files_read(fds[FD_KEY], "the key", &key, err);
	if (rc == 0)
		rc = use_pair(k, domain, buf_str(&crt), buf_str(&key), err);
	buf_deinit_secret(&crt);
	buf_deinit_secret(&key);
	return rc;
}

static int
run_make(struct keyd *k, struct str domain, const int *fds, struct buf *out, struct err *err)
{
	struct buf crt = {0}, key = {0};
	struct jid_buf name;

	(void)out;
	if (!str_copy(name.text, sizeof name.text, domain))
		return err_set(err, "the domain is too long");
	int rc = selfsigned_make_key(&key, err);
	if (rc == 0)
		rc = selfsigned_make_cert(&crt, buf_str(&key), name.text, err);
	if (rc == 0)
		rc = files_write(fds[FD_KEY], "the key", buf_str(&key), err);
	if (rc == 0)
		rc = files_write(fds[FD_CRT], "the certificate", buf_str(&crt), err);
	if (rc == 0)
		rc = use_pair(k, domain, buf_str(&crt), buf_str(&key), err);
	buf_deinit_secret(&crt);
	buf_deinit_secret(&key);
	return rc;
}

static int
run_drop(struct keyd *k, struct str domain, const int *fds, struct buf *out, struct err *err)
{
	(void)fds;
	(void)out;
	if (!store_remove(&k->store, domain, loop_now_ms(k->daemon->loop)))
		return err_set(err, "%.*s: no such domain here", STR_ARG(domain));
	keyd_changed(k);
	return 0;
}

static int
run_certs(struct keyd *k, struct str domain, const int *fds, struct buf *out, struct err *err)
{
	(void)domain;
	(void)fds;
	(void)err;
	LIST_FOREACH(&k->store.chains, it) {
		const struct chain *c = CONTAINER_OF(it, const struct chain, link);
		char stamp[CLOCK_STAMP_MAX];
		clock_stamp(c->expires * 1000000, stamp);
		buf_printf(out, "%s %s until %.10s %s\n", c->domain, c->kind, stamp,
		    c->self_signed ? "self-signed" : "issued");
	}
	return 0;
}

/* As the edges choose it: the name's own, or that of the nearest domain above it, or the first. */
static const struct chain *
chain_shown_for(const struct keyd *k, struct str name)
{
	const struct list *chains = &k->store.chains;
	struct str label;

	while (!str_empty(name)) {
		const struct chain *c = store_find(&k->store, name);
		if (c != NULL)
			return c;
		str_split(name, '.', &label, &name);
	}
	return list_empty(chains) ? NULL : CONTAINER_OF(chains->next, const struct chain, link);
}

static int
run_check(struct keyd *k, struct str domain, const int *fds, struct buf *out, struct err *err)
{
	const struct chain *c = chain_shown_for(k, domain);
	char stamp[CLOCK_STAMP_MAX], name[JID_PART_MAX + 1];

	(void)fds;
	(void)err;
	str_copy(name, sizeof name, domain);
	if (c == NULL) {
		buf_add_z(out, "missing there is none\n");
		return 0;
	}
	clock_stamp(c->expires * 1000000, stamp);
	if (!pair_pem_names(buf_str(&c->pem), name))
		buf_printf(out, "wrong that of %s is shown, which lacks this name\n", c->domain);
	else if (c->expires < clock_wall_us() / 1000000)
		buf_printf(out, "wrong it ended on %.10s\n", stamp);
	else if (c->self_signed)
		buf_printf(out,
		    "wish until %.10s; it is self-signed, so others can verify it by DANE only\n",
		    stamp);
	else
		buf_printf(out, "ok that of %s, until %.10s\n", c->domain, stamp);
	return 0;
}

static int
run_counters(struct keyd *k, struct str domain, const int *fds, struct buf *out, struct err *err)
{
	(void)domain;
	(void)fds;
	(void)err;
	for (int i = 0; i < KEYD_EDGES; i++) {
		const struct edge *e = edge_socket_edge(k->edges[i]);
		buf_printf(out, "%s", e->name);
		for (int status = 0; status < KEYWIRE_STATUS_COUNT; status++)
			buf_printf(out, ", %s: %llu",
			    keywire_status_text((enum keywire_status)status),
			    (unsigned long long)e->answered[status]);
		buf_printf(out, ", malformed: %llu, strangers: %llu\n",
		    (unsigned long long)e->malformed, (unsigned long long)e->strangers);
	}
	return 0;
}

static const struct command commands[] = {
    {"certs", 0, false, run_certs},
    {"check", 0, true, run_check},
    {"cert", N_FDS, true, run_cert},
    {"make", N_FDS, true, run_make},
    {"drop", 0, true, run_drop},
    {"counters", 0, false, run_counters},
};

static const struct command *
find(struct str name)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (str_is(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static int
run(struct keyd *k, const struct command *c, struct str argument, const int *fds, unsigned n_fds,
    struct buf *out, struct err *err)
{
	struct jid_buf prepared;
	struct str domain = {0};

	if (n_fds != c->n_fds)
		return err_set(
		    err, "%s: %u files came with it instead of %u", c->name, n_fds, c->n_fds);
	if (c->takes_domain ? !jid_prepare_domain(&domain, &prepared, argument)
			    : !str_empty(argument))
		return err_set(
		    err, "%s: not the name of a domain: %.*s", c->name, STR_ARG(argument));
	return c->run(k, domain, fds, out, err);
}

bool
keyd_control(struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	struct buf text = {0};
	struct str name, argument;
	struct err err;

	str_split(str_trim(line), ' ', &name, &argument);
	const struct command *c = find(name);
	if (c != NULL) {
		if (run(d->state, c, str_trim(argument), fds, n_fds, &text, &err) == 0)
			buf_printf(out, "ok\n%.*s", STR_ARG(buf_str(&text)));
		else
			buf_printf(out, "error: %s\n", err.text);
	}
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	buf_deinit(&text);
	return c != NULL;
}

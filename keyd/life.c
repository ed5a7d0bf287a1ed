/* The life of keyd: what it opens with privilege, what it starts in the sandbox, what its timers do. Keys are read and
 * made in open; from start on there are no files. A pair that is broken costs its domain the certificate and not the
 * others theirs: keyd starts as long as one domain works. */

#include "life.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "files.h"
#include "keyd.h"
#include "service/paths.h"

#define PUSH_MS 50
#define REPORT_MS 10000
#define CHECK_EVERY 8640 /* reports: once a day */
#define DAY_S 86400

static const struct {
	enum role role;
	enum edge_scope scope;
} edges[KEYD_EDGES] = {
    {ROLE_C2SD, EDGE_ALL},
    {ROLE_S2SD, EDGE_ALL},
    {ROLE_COMPONENTD, EDGE_COMPONENTS},
};

/* The chain's first certificate must be for the domain, and not at its end. */
void
keyd_check_chain(const struct keyd *k, const struct chain *c)
{
	int64_t left_s = c->expires - clock_wall_us() / 1000000;
	char stamp[CLOCK_STAMP_MAX];

	clock_stamp(c->expires * 1000000, stamp);
	if (left_s < 0)
		log_warn(
		    "%s: the certificate ended on %.10s; clients will refuse it", c->domain, stamp);
	else if (left_s < keyd_settings(k)->expiry_days * DAY_S)
		log_warn(
		    "%s: the certificate ends on %.10s; renew it and run jackdawctl cert import",
		    c->domain, stamp);
	if (!pair_pem_names(buf_str(&c->pem), c->domain))
		log_warn("%s: the certificate is for other names", c->domain);
}

/* Errors are logged here; whether one domain works is open's question. */
static bool
load_domain(struct keyd *k, const struct key_folder *folder, const char *domain, bool make)
{
	struct pair pair;
	struct err err;

	switch (files_load(folder, domain, make, &pair, &err)) {
	case FILES_NONE:
		return true;
	case FILES_BROKEN:
		log_error("%s has no certificate: %s", domain, err.text);
		return false;
	case FILES_MADE:
		log_info("%s: made a self-signed certificate in %s", domain, folder->name);
		break;
	case FILES_LOADED:
		break;
	}
	store_put(&k->store, str_z(domain), &pair, 0);
	keyd_check_chain(k, store_find(&k->store, str_z(domain)));
	return true;
}

/* The certificate of a domain is that of the names below it too. */
static bool
is_below_a_domain(const struct suite *suite, const char *name)
{
	for (const char *up = strchr(name, '.'); up; up = strchr(up + 1, '.'))
		for (size_t i = 0; i < suite->n_domains; i++)
			if (strcmp(up + 1, suite->domains[i]) == 0)
				return true;
	return false;
}

static int
load_all(struct keyd *k, const struct key_folder *folder, struct err *err)
{
	const struct suite *suite = &k->daemon->suite;
	size_t broken = 0;

	for (size_t i = 0; i < suite->n_domains; i++)
		broken += !load_domain(k, folder, suite->domains[i], true);
	for (size_t i = 0; i < suite->n_components; i++)
		load_domain(k, folder, suite->components[i],
		    !is_below_a_domain(suite, suite->components[i]));
	if (suite->n_domains > 0 && broken == suite->n_domains)
		return err_set(err, "no domain has a certificate that works; see above");
	store_set_components(&k->store, suite->components, suite->n_components);
	return 0;
}

static int
open_edges(struct keyd *k, struct err *err)
{
	for (int i = 0; i < KEYD_EDGES; i++) {
		k->edges[i] = edge_socket_open(k, edges[i].role, edges[i].scope, err);
		if (k->edges[i] == NULL)
			return -1;
	}
	return 0;
}

static int
load_keys(struct keyd *k, struct err *err)
{
	const char *set = keyd_settings(k)->keys;
	char *name = set[0] != '\0' ? str_dup(str_z(set)) : path_keys(k->daemon->dir);
	struct key_folder folder;

	int rc = files_open(&folder, name, err);
	if (rc == 0) {
		rc = load_all(k, &folder, err);
		files_close(&folder);
	}
	free(name);
	return rc;
}

int
keyd_open(struct daemon *d, struct err *err)
{
	struct keyd *k = d->state = NEW(struct keyd);

	k->daemon = d;
	id_init();
	store_init(&k->store);
	return load_keys(k, err) < 0 ? -1 : open_edges(k, err);
}

static void
on_push(void *ctx)
{
	struct keyd *k = ctx;

	for (int i = 0; i < KEYD_EDGES; i++)
		edge_socket_push(k->edges[i]);
}

static void
on_retire(void *ctx)
{
	struct keyd *k = ctx;

	store_purge(&k->store, loop_now_ms(k->daemon->loop));
}

static void
on_ticket(void *ctx)
{
	struct keyd *k = ctx;

	store_rotate_ticket(&k->store);
	keyd_changed(k);
}

void
keyd_changed(struct keyd *k)
{
	loop_timer_start(k->push, PUSH_MS, 0);
	loop_timer_start(k->retire, STORE_RETIRE_MS, 0);
}

/* Refusals are said once in REPORT_MS, not once each: an edge that was taken over must not fill the log. */
static void
report_refusals(struct keyd *k, int i)
{
	const struct edge *e = edge_socket_edge(k->edges[i]);
	uint64_t refused = edge_refused(e);

	if (refused > k->reported[i])
		log_warn("%s: %llu requests refused, %llu in all (see jackdawctl)", e->name,
		    (unsigned long long)(refused - k->reported[i]), (unsigned long long)refused);
	k->reported[i] = refused;
}

static void
on_report(void *ctx)
{
	struct keyd *k = ctx;

	for (int i = 0; i < KEYD_EDGES; i++)
		report_refusals(k, i);
	if (++k->reports % CHECK_EVERY == 0)
		LIST_FOREACH(&k->store.chains, it)
			keyd_check_chain(k, CONTAINER_OF(it, const struct chain, link));
}

int
keyd_start(struct daemon *d, struct err *err)
{
	struct keyd *k = d->state;
	uint64_t ticket_ms = (uint64_t)keyd_settings(k)->ticket_hours * 3600 * 1000;

	(void)err;
	k->push = loop_timer_new(d->loop, on_push, k);
	k->retire = loop_timer_new(d->loop, on_retire, k);
	k->ticket = loop_timer_new(d->loop, on_ticket, k);
	k->report = loop_timer_new(d->loop, on_report, k);
	loop_timer_start(k->ticket, ticket_ms, ticket_ms);
	loop_timer_start(k->report, REPORT_MS, REPORT_MS);
	for (int i = 0; i < KEYD_EDGES; i++)
		edge_socket_start(k->edges[i]);
	return 0;
}

static bool
is_listed(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Domains that left the settings lose their pair; those that came get theirs over the control socket. */
static void
follow_suite(struct keyd *k)
{
	const struct suite *suite = &k->daemon->suite;

	store_set_components(&k->store, suite->components, suite->n_components);
	LIST_FOREACH_SAFE(&k->store.chains, it, next) {
		const struct chain *c = CONTAINER_OF(it, const struct chain, link);
		if (!is_listed(suite->domains, suite->n_domains, c->domain) &&
		    !is_listed(suite->components, suite->n_components, c->domain))
			store_remove(&k->store, str_z(c->domain), loop_now_ms(k->daemon->loop));
	}
	for (size_t i = 0; i < suite->n_domains; i++)
		if (store_find(&k->store, str_z(suite->domains[i])) == NULL)
			log_warn("%s has no certificate yet", suite->domains[i]);
	keyd_changed(k);
}

void
keyd_reloaded(struct daemon *d, const void *old)
{
	struct keyd *k = d->state;

	(void)old;
	follow_suite(k);
	for (int i = 0; i < KEYD_EDGES; i++)
		edge_socket_edge(k->edges[i])->rate = (uint32_t)keyd_settings(k)->rate;
}

static void
log_counters(const struct keyd *k)
{
	for (int i = 0; i < KEYD_EDGES && k->edges[i] != NULL; i++) {
		const struct edge *e = edge_socket_edge(k->edges[i]);
		log_info("%s: %llu signatures, %llu requests refused", e->name,
		    (unsigned long long)e->answered[KEYWIRE_OK],
		    (unsigned long long)edge_refused(e));
	}
}

void
keyd_stop(struct daemon *d)
{
	struct keyd *k = d->state;

	if (k == NULL)
		return;
	log_counters(k);
	for (int i = 0; i < KEYD_EDGES; i++)
		edge_socket_free(&k->edges[i]);
	loop_timer_free(&k->report);
	loop_timer_free(&k->ticket);
	loop_timer_free(&k->retire);
	loop_timer_free(&k->push);
	store_deinit(&k->store);
	free(k);
	d->state = NULL;
}

/* See nested.h. */
#include "nested.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "base/log.h"
#include "base/mem.h"
#include "caps.h"
#include "delegation.h"
#include "grant.h"
#include "route.h"

#define NS_INFO "http://jabber.org/protocol/disco#info"

/* ---- one of them ---- */

void
nested_begin(struct nested *n, const char *ns, const char *manager, struct str domain, bool is_bare)
{
	*n = (struct nested){.is_bare = is_bare};
	list_init(&n->link);
	n->ns = str_dup(str_z(ns));
	n->manager = str_dup(str_z(manager));
	n->domain = str_dup(domain);
}

static void
forget_request(struct sessiond *sd, struct nested *n)
{
	if (n->state == NESTED_ASKED)
		HASH_DEL(sd->nested_asked, n);
	n->state = NESTED_UNASKED;
}

void
nested_end(struct sessiond *sd, struct nested *n)
{
	forget_request(sd, n);
	list_remove(&n->link);
	arena_deinit(&n->told);
	free(n->ns);
	free(n->manager);
	free(n->domain);
}

/* What was said before counts until the answer is there. */
void
nested_ask(struct sessiond *sd, struct nested *n)
{
	struct act act = act_own(sd);
	struct id128 id = id_random();
	struct buf node = {0}, payload = {0};
	struct xml_writer w;

	forget_request(sd, n);
	id_hex(&id, n->id);
	n->state = NESTED_ASKED;
	HASH_ADD_STR(sd->nested_asked, id, n);
	buf_printf(&node, NS_DELEGATION "%s%s", n->is_bare ? ":bare:" : "::", n->ns);
	xw_init(&w, &payload, S("jabber:client"));
	xw_open(&w, S(NS_INFO), S("query"));
	xw_attr(&w, "node", buf_str(&node));
	xw_close(&w);
	struct stanza st = {.kind = STANZA_IQ,
	    .type = TYPE_GET,
	    .from = str_z(n->domain),
	    .to = str_z(n->manager),
	    .id = str_z(n->id),
	    .payload = buf_str(&payload)};
	route_stanza(&act, OP_DELIVERY, &st);
	buf_deinit(&node);
	buf_deinit(&payload);
}

/* ---- those of the settings ---- */

static struct nested *
find_in(const struct list *all, const struct delegation *d, bool is_bare)
{
	LIST_FOREACH(all, it) {
		struct nested *n = CONTAINER_OF(it, struct nested, link);

		if (n->is_bare == is_bare && strcmp(n->ns, d->title) == 0 &&
		    strcmp(n->manager, d->component) == 0)
			return n;
	}
	return NULL;
}

static void
keep_or_make(struct sessiond *sd, const struct list *old, const struct delegation *d, bool is_bare)
{
	struct nested *n = find_in(old, d, is_bare);

	if (!n) {
		n = NEW(struct nested);
		nested_begin(
		    n, d->title, d->component, str_z(sd->daemon->suite.domains[0]), is_bare);
	}
	list_remove(&n->link);
	list_add(&sd->nested, &n->link);
}

static void
free_all(struct sessiond *sd, struct list *all)
{
	LIST_FOREACH_SAFE(all, it, nx) {
		struct nested *n = CONTAINER_OF(it, struct nested, link);

		nested_end(sd, n);
		free(n);
	}
}

void
nested_refresh(struct sessiond *sd)
{
	const struct delegation *d;
	struct list old;

	list_init(&old);
	LIST_FOREACH_SAFE(&sd->nested, it, nx) {
		list_remove(it);
		list_add(&old, it);
	}
	for (size_t i = 0; sd->daemon->suite.n_domains > 0 && (d = delegation_next(sd, &i));) {
		if (delegation_is_of_nodes(str_z(d->title)))
			continue;
		keep_or_make(sd, &old, d, false);
		keep_or_make(sd, &old, d, true);
	}
	free_all(sd, &old);
}

void
nested_tick(struct sessiond *sd)
{
	if (!sd->is_open)
		return;
	LIST_FOREACH(&sd->nested, it) {
		struct nested *n = CONTAINER_OF(it, struct nested, link);

		if (n->state == NESTED_UNASKED)
			nested_ask(sd, n);
	}
}

void
nested_component_up(struct sessiond *sd, struct str component)
{
	LIST_FOREACH(&sd->nested, it) {
		struct nested *n = CONTAINER_OF(it, struct nested, link);

		if (str_is(component, n->manager))
			nested_ask(sd, n);
	}
}

void
nested_free(struct sessiond *sd)
{
	free_all(sd, &sd->nested);
}

/* ---- answers ---- */

static size_t
bytes_of_all(const struct sessiond *sd)
{
	size_t bytes = 0;

	LIST_FOREACH(&sd->nested, it)
		bytes += CONTAINER_OF(it, struct nested, link)->told_bytes;
	return bytes;
}

static void
take(struct sessiond *sd, struct nested *n, struct str payload)
{
	arena_deinit(&n->told);
	n->query = NULL;
	n->told_bytes = 0;
	if (payload.n > NESTED_BYTES_MAX || bytes_of_all(sd) + payload.n > NESTED_ALL_BYTES_MAX) {
		log_warn("%s says too much of what it can do with %s: it is not told to others",
		    n->manager, n->ns);
		return;
	}
	payload = arena_str(&n->told, payload);
	n->query = xml_find(xml_tree_parse(&n->told, payload, S("jabber:client")), NS_INFO, "query");
	n->told_bytes = payload.n;
}

bool
nested_answer(const struct act *act, const struct stanza *st)
{
	struct sessiond *sd = act->sd;
	struct nested *n;

	HASH_FIND(hh, sd->nested_asked, st->id.p, st->id.n, n);
	if (!n || !str_is(st->from, n->manager))
		return false;
	forget_request(sd, n);
	n->state = NESTED_ANSWERED;
	if (st->type == TYPE_RESULT)
		take(sd, n, st->payload);
	if (!n->is_bare)
		caps_tell_all(sd);
	return true;
}

/* ---- what is told ---- */

typedef bool visit_fn(const struct nested *n, void *ctx);

/* Until one of them is true. */
static bool
visit(const struct sessiond *sd, const struct account *a, visit_fn *fn, void *ctx)
{
	bool found = false;

	LIST_FOREACH(&sd->nested, it) {
		const struct nested *n = CONTAINER_OF(it, struct nested, link);

		found = found || (n->is_bare == (a != NULL) && fn(n, ctx));
	}
	if (!a)
		return found;
	LIST_FOREACH(&a->sessions, s) {
		LIST_FOREACH(&CONTAINER_OF(s, struct session, link)->grants, it)
			found = found || fn(&CONTAINER_OF(it, struct grant, link)->nested, ctx);
	}
	return found;
}

struct each {
	const char *name;
	void (*fn)(void *ctx, const struct xml_node *child);
	void *ctx;
};

static bool
each_child(const struct nested *n, void *ctx)
{
	const struct each *e = ctx;

	for (const struct xml_node *c = n->query ? n->query->children : NULL; c; c = c->next)
		if (str_is(c->name, e->name))
			e->fn(e->ctx, c);
	return false;
}

void
nested_each(const struct sessiond *sd, const struct account *a, const char *name,
    void (*fn)(void *ctx, const struct xml_node *child), void *ctx)
{
	struct each e = {.name = name, .fn = fn, .ctx = ctx};

	visit(sd, a, each_child, &e);
}

/* A protocol's features have its namespace, alone or with something behind a "#". */
static bool
is_of_namespace(const struct nested *n, void *feature)
{
	struct str f = *(const struct str *)feature, ns = str_z(n->ns);

	return str_starts(f, ns) && (f.n == ns.n || f.p[ns.n] == '#');
}

bool
nested_replaces(const struct sessiond *sd, const struct account *a, struct str feature)
{
	return visit(sd, a, is_of_namespace, &feature);
}

/* See component.h. A stanza is in one of three places: in the queue of its component while nobody is there, in `unwritten` of a
 * stream until the kernel has it, or answered. */
#include "component.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "stream.h"

/* ---- what is under way ---- */

static void
outgoing_free(struct component *c, struct outgoing *o)
{
	list_remove(&o->link);
	if (o->entry)
		o->entry->outgoing = NULL;
	c->bytes -= o->bytes;
	c->componentd->kept_bytes -= o->bytes;
	/* With the bus all custodies have gone. */
	if (o->custody && componentd_bus(c->componentd))
		custody_release(o->custody);
	free(o->st);
	free(o);
}

void
outgoing_done(struct component *c, struct outgoing *o)
{
	outgoing_free(c, o);
}

static size_t
bytes_of(const struct stanza *st)
{
	return sizeof(struct outgoing) + sizeof(struct stanza) + st->from.n + st->to.n + st->id.n +
	    st->lang.n + st->payload.n;
}

static struct outgoing *
outgoing_new(struct component *c, const struct delivery *d, size_t bytes)
{
	struct outgoing *o = NEW(struct outgoing);

	list_init(&o->link);
	o->custody = d->custody ? custody_hold(d->custody) : NULL;
	o->op = d->op;
	o->level = d->level;
	o->bytes = bytes;
	o->st = stanza_copy(d->st);
	ledger_add(&c->componentd->ledger, &d->op, d->st, o);
	c->bytes += bytes;
	c->componentd->kept_bytes += bytes;
	return o;
}

static void
outgoing_bounce(struct component *c, struct outgoing *o, enum stanza_error e)
{
	struct delivery d = {.st = o->st, .custody = o->custody, .op = o->op, .level = o->level};

	bounce(c->componentd, &d, e);
	outgoing_free(c, o);
}

/* ---- giving ---- */

/* One that is larger than all that may wait is taken when nothing else does. */
static bool
has_room(const struct component *c, size_t bytes)
{
	const struct componentd_settings *s = componentd_settings(c->componentd);

	return (c->bytes == 0 || c->bytes + bytes <= (size_t)s->queue_bytes) &&
	    c->componentd->kept_bytes + bytes <= (size_t)s->queues_bytes;
}

/* Those that share a name: each sender's stanzas go to the same one, so that their order is kept. */
static struct stream *
stream_for(const struct component *c, struct str from)
{
	unsigned n = bus_shard(jid_split(from).bare, c->n_streams);
	struct list *it = c->streams.next;

	while (n-- > 0)
		it = it->next;
	return CONTAINER_OF(it, struct stream, link);
}

static bool
is_waited_for(const struct component *c)
{
	const struct componentd *d = c->componentd;

	return componentd_now_ms(d) - c->absent_ms <
	    (uint64_t)componentd_settings(d)->wait_seconds * 1000;
}

/* It was given before, by a sender that has died since: its successor's frame takes the place of the one that was lost. */
static bool
was_given(struct component *c, const struct delivery *d)
{
	struct ledger_entry *e = ledger_find(&c->componentd->ledger, &d->op, d->st);
	struct outgoing *o = e ? e->outgoing : NULL;
	struct custody *old = o ? o->custody : NULL;

	if (!o || !d->custody)
		return e != NULL;
	o->custody = custody_hold(d->custody);
	custody_release(old);
	return true;
}

void
component_give(struct component *c, const struct delivery *d)
{
	size_t bytes = bytes_of(d->st);
	struct outgoing *o;

	if (was_given(c, d))
		return;
	if (c->n_streams == 0 && !is_waited_for(c)) {
		bounce(c->componentd, d, SE_REMOTE_SERVER_TIMEOUT);
		return;
	}
	if (!has_room(c, bytes)) {
		bounce(c->componentd, d, SE_RESOURCE_CONSTRAINT);
		return;
	}
	o = outgoing_new(c, d, bytes);
	if (c->n_streams == 0)
		list_add(&c->queue, &o->link);
	else
		stream_deliver(stream_for(c, d->st->from), o);
}

/* ---- its streams ---- */

static enum conflict
conflict_of(const struct component *c)
{
	const struct componentd_settings *s = componentd_settings(c->componentd);
	const struct component_settings *own = settings_of_component(s, str_z(c->name));

	return (enum conflict)(own && own->conflict != CONFLICT_USUAL ? own->conflict : s->conflict);
}

/* The old ones are told, and what they have not written is kept for the new one. */
static void
kick_all(struct component *c)
{
	while (c->n_streams > 0)
		stream_end(CONTAINER_OF(c->streams.next, struct stream, link), STREAM_CONFLICT,
		    "another connection for the same name");
}

bool
component_enter(struct component *c, struct stream *s)
{
	enum conflict conflict = conflict_of(c);

	if (c->n_streams > 0 && conflict == CONFLICT_REFUSE_NEW)
		return false;
	if (conflict == CONFLICT_KICK_OLD)
		kick_all(c);
	list_remove(&s->link);
	list_add(&c->streams, &s->link);
	c->n_streams++;
	return true;
}

/* Before anything else is written to whoever has come. */
void
component_pump(struct component *c)
{
	while (c->n_streams > 0 && !list_empty(&c->queue) &&
	    c->componentd->run == COMPONENTD_RUNNING) {
		struct outgoing *o = CONTAINER_OF(c->queue.next, struct outgoing, link);

		list_remove(&o->link);
		stream_deliver(stream_for(c, o->st->from), o);
	}
}

void
component_leave(struct component *c, struct stream *s)
{
	list_remove(&s->link);
	c->n_streams--;
	if (c->n_streams == 0)
		c->absent_ms = componentd_now_ms(c->componentd);
	LIST_FOREACH_SAFE(&s->unwritten, it, nx) {
		struct outgoing *o = CONTAINER_OF(it, struct outgoing, link);

		o->end = 0;
		list_remove(it);
		list_add(&c->queue, it);
	}
	component_pump(c);
}

/* ---- all of them ---- */

struct component *
component_find(const struct componentd *c, struct str name)
{
	struct component *found;

	HASH_FIND(hh, c->components, name.p, name.n, found);
	return found;
}

static void
component_new(struct componentd *d, const char *name)
{
	struct component *c = NEW(struct component);

	c->componentd = d;
	c->name = str_dup(str_z(name));
	c->absent_ms = componentd_now_ms(d);
	list_init(&c->streams);
	list_init(&c->queue);
	HASH_ADD_KEYPTR(hh, d->components, c->name, strlen(c->name), c);
}

static void
component_free(struct component *c)
{
	LIST_FOREACH_SAFE(&c->queue, it, nx)
		outgoing_free(c, CONTAINER_OF(it, struct outgoing, link));
	HASH_DEL(c->componentd->components, c);
	free(c->name);
	free(c);
}

static void
component_drop(struct component *c)
{
	while (c->n_streams > 0)
		stream_end(
		    CONTAINER_OF(c->streams.next, struct stream, link), STREAM_HOST_GONE, NULL);
	LIST_FOREACH_SAFE(&c->queue, it, nx)
		outgoing_bounce(c, CONTAINER_OF(it, struct outgoing, link), SE_ITEM_NOT_FOUND);
	component_free(c);
}

static bool
is_listed(const struct suite *s, const char *name)
{
	for (size_t i = 0; i < s->n_components; i++)
		if (strcmp(s->components[i], name) == 0)
			return true;
	return false;
}

/* Most likely a mistake. */
static void
warn_of_unlisted(const struct componentd *d)
{
	const struct setting_sections *sections = &componentd_settings(d)->components;
	const struct component_settings *c = sections->v;

	for (size_t i = 0; i < sections->n; i++) {
		struct jid_buf buf;
		struct str name;

		if (jid_prepare_domain(&name, &buf, str_z(c[i].title)) && !component_find(d, name))
			log_warn(
			    "component \"%s\" does not stand in jackdaw.conf, so it cannot connect; add it to components there",
			    c[i].title);
	}
}

void
components_refresh(struct componentd *d)
{
	const struct suite *suite = &d->daemon->suite;
	struct component *c, *next;

	HASH_ITER(hh, d->components, c, next) {
		if (!is_listed(suite, c->name))
			component_drop(c);
	}
	for (size_t i = 0; i < suite->n_components; i++)
		if (!component_find(d, str_z(suite->components[i])))
			component_new(d, suite->components[i]);
	warn_of_unlisted(d);
}

void
components_free(struct componentd *d)
{
	struct component *c, *next;

	HASH_ITER(hh, d->components, c, next)
		component_free(c);
}

void
components_tick(struct componentd *d)
{
	struct component *c, *next;

	HASH_ITER(hh, d->components, c, next) {
		if (c->n_streams > 0 || is_waited_for(c))
			continue;
		LIST_FOREACH_SAFE(&c->queue, it, nx)
			outgoing_bounce(
			    c, CONTAINER_OF(it, struct outgoing, link), SE_REMOTE_SERVER_TIMEOUT);
	}
}

/* See strip.h. Costs nothing unless the edge's facts say that there may be something. */
#include "strip.h"

#include "base/jid.h"
#include "base/mem.h"
#include "route.h"
#include "xml/tree.h"

#define SUSPICIOUS (FACT_DELAY | FACT_STANZA_ID | FACT_CARBON | FACT_MAM_RESULT | FACT_OCCUPANT_ID)

/* by: the attribute that names its author; NULL: nobody may send it. in_forwarded: also within a forwarded stanza, where
 * the others are that stanza's own (XEP-0297). */
static const struct {
	struct str ns, name;
	const char *by;
	bool in_forwarded;
} forgeries[] = {
    {S("urn:xmpp:carbons:2"), S("sent"), NULL, true},
    {S("urn:xmpp:carbons:2"), S("received"), NULL, true},
    {S("urn:xmpp:mam:2"), S("result"), NULL, true},
    {S("urn:xmpp:occupant-id:0"), S("occupant-id"), NULL, false},
    {S("urn:xmpp:sid:0"), S("stanza-id"), "by", false},
    {S("urn:xmpp:delay"), S("delay"), "from", false},
    {S("jabber:x:delay"), S("x"), "from", false},
};

/* A stranger may write any spelling of our names into an attribute. */
static bool
is_ours(const struct sessiond *sd, struct str author)
{
	struct jid_buf buf;
	struct jid j;

	return jid_prepare(&j, &buf, author) && route_is_local_domain(sd, j.domain);
}

static bool
is_forged(const struct sessiond *sd, const struct xml_node *n, bool is_forwarded)
{
	for (size_t i = 0; i < COUNT(forgeries); i++) {
		if (!str_eq(n->ns, forgeries[i].ns) || !str_eq(n->name, forgeries[i].name))
			continue;
		if (is_forwarded && !forgeries[i].in_forwarded)
			return false;
		return !forgeries[i].by || is_ours(sd, xml_node_attr(n, forgeries[i].by, NULL));
	}
	return false;
}

/* Copies one element's bytes without what is forged, itself or below it; how much that was. The depth is bounded by the
 * reader. */
static unsigned
copy_without(const struct sessiond *sd, struct buf *out, const struct xml_node *n, bool is_forwarded)
{
	const char *at = n->slice.p;
	unsigned forged = 0;

	if (is_forged(sd, n, is_forwarded))
		return 1;
	is_forwarded =
	    is_forwarded || (str_is(n->name, "forwarded") && str_is(n->ns, "urn:xmpp:forward:0"));
	for (const struct xml_node *c = n->children; c; c = c->next) {
		buf_add(out, at, (size_t)(c->slice.p - at));
		at = c->slice.p + c->slice.n;
		forged += copy_without(sd, out, c, is_forwarded);
	}
	buf_add(out, at, (size_t)(n->slice.p + n->slice.n - at));
	return forged;
}

void
strip_forged(const struct act *act, struct stanza *st, struct buf *scratch)
{
	struct arena a = {0};
	unsigned forged = 0;

	if (!(st->facts & SUSPICIOUS))
		return;
	for (struct xml_node *n = xml_tree_parse(&a, st->payload, S("jabber:client")); n;
	     n = n->next)
		forged += copy_without(act->sd, scratch, n, false);
	if (forged)
		st->payload = buf_str(scratch);
	arena_deinit(&a);
}

bool
strip_is_push(const struct stanza *st)
{
	static const char *const pushed[] = {
	    "jabber:iq:roster", "urn:xmpp:blocking", "jabber:iq:privacy"};
	struct arena a = {0};
	struct xml_node *n;
	bool is_push = false;

	if (st->kind != STANZA_IQ || st->type != TYPE_SET)
		return false;
	for (n = xml_tree_parse(&a, st->payload, S("jabber:client")); n; n = n->next)
		for (size_t i = 0; i < COUNT(pushed); i++)
			is_push = is_push || str_is(n->ns, pushed[i]);
	arena_deinit(&a);
	return is_push;
}

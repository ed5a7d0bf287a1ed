/* See strip.h. Costs nothing unless the edge's facts say that there may be something. */
#include "strip.h"

#include "base/jid.h"
#include "base/mem.h"
#include "route.h"
#include "xml/tree.h"

#define SUSPICIOUS (FACT_DELAY | FACT_STANZA_ID | FACT_CARBON | FACT_MAM_RESULT)

/* by: the attribute that names its author; NULL: nobody may send it. */
static const struct {
	struct str ns, name;
	const char *by;
} forgeries[] = {
    {S("urn:xmpp:carbons:2"), S("sent"), NULL},
    {S("urn:xmpp:carbons:2"), S("received"), NULL},
    {S("urn:xmpp:mam:2"), S("result"), NULL},
    {S("urn:xmpp:sid:0"), S("stanza-id"), "by"},
    {S("urn:xmpp:delay"), S("delay"), "from"},
};

/* A stranger may write any spelling of our names into an attribute. */
static bool
is_ours(const struct sessiond *sd, struct str author)
{
	struct jid_buf buf;
	struct jid j;

	return jid_prepare(&j, &buf, author) && route_is_local_domain(sd, j.domain);
}

/* Below the first level delays and ids are a forwarded stanza's own (XEP-0297). */
static bool
is_nobodys(const struct xml_node *n)
{
	for (size_t i = 0; i < COUNT(forgeries); i++)
		if (!forgeries[i].by && str_eq(n->ns, forgeries[i].ns) &&
		    str_eq(n->name, forgeries[i].name))
			return true;
	return false;
}

static bool
is_forged(const struct sessiond *sd, const struct xml_node *n)
{
	for (size_t i = 0; i < COUNT(forgeries); i++) {
		if (!str_eq(n->ns, forgeries[i].ns) || !str_eq(n->name, forgeries[i].name))
			continue;
		return !forgeries[i].by || is_ours(sd, xml_node_attr(n, forgeries[i].by, NULL));
	}
	return false;
}

/* Copies one element's bytes without what is forged below it. The depth is bounded by the reader. */
static unsigned
copy_without(struct buf *out, const struct xml_node *n)
{
	const char *at = n->slice.p;
	unsigned forged = 0;

	for (const struct xml_node *c = n->children; c; c = c->next) {
		buf_add(out, at, (size_t)(c->slice.p - at));
		at = c->slice.p + c->slice.n;
		if (is_nobodys(c))
			forged++;
		else
			forged += copy_without(out, c);
	}
	buf_add(out, at, (size_t)(n->slice.p + n->slice.n - at));
	return forged;
}

void
strip_forged(const struct act *act, struct stanza *st, struct buf *scratch)
{
	struct arena a = {0};
	struct xml_node *n;
	unsigned forged = 0;

	if (!(st->facts & SUSPICIOUS))
		return;
	n = xml_tree_parse(&a, st->payload, S("jabber:client"));
	for (; n; n = n->next) {
		if (is_forged(act->sd, n))
			forged++;
		else
			forged += copy_without(scratch, n);
	}
	if (forged)
		st->payload = buf_str(scratch);
	arena_deinit(&a);
}

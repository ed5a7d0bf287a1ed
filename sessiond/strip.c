/* See strip.h. Costs nothing unless the edge's facts say that there may be something. */
#include "strip.h"

#include "base/jid.h"
#include "base/mem.h"
#include "route.h"
#include "xml/tree.h"
#include "xml/writer.h"

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

void
strip_forged(const struct act *act, struct stanza *st, struct buf *scratch)
{
	struct arena a = {0};
	struct xml_node *n;
	struct xml_writer w;
	unsigned forged = 0;

	if (!(st->facts & SUSPICIOUS))
		return;
	n = xml_tree_parse(&a, st->payload, S("jabber:client"));
	xw_init(&w, scratch, S("jabber:client"));
	for (; n; n = n->next) {
		if (is_forged(act->sd, n))
			forged++;
		else
			xw_raw(&w, n->slice);
	}
	if (forged)
		st->payload = buf_str(scratch);
	arena_deinit(&a);
}

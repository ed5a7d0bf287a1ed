/* See alive.h. On a stream with stream management no stanza may be made here (BUS.md §7): there the client is asked for an acknowledgement. */
#include "alive.h"

#include "base/jid.h"
#include "names.h"
#include "session.h"
#include "xml/writer.h"

#define PING_ID "alive"

void
alive_ask(struct client *c)
{
	const struct session *s = c->session;
	struct jid own = jid_split(str_z(s->jid));
	struct stanza ping = {.kind = STANZA_IQ,
	    .type = TYPE_GET,
	    .id = S(PING_ID),
	    .from = own.domain,
	    .to = own.full,
	    .payload = S("<ping xmlns='" NS_PING "'/>")};

	if (sm_counts(s)) {
		sm_ask(c->session);
		return;
	}
	c->is_pinged = true;
	xml_write_stanza(wire_out(&c->wire), &ping);
	client_touch(c);
}

bool
alive_is_answer(struct client *c, const struct stanza *st)
{
	struct jid own;

	if (!c->is_pinged || st->kind != STANZA_IQ || !str_is(st->id, PING_ID) ||
	    (st->type != TYPE_RESULT && st->type != TYPE_ERROR))
		return false;
	own = jid_split(str_z(c->session->jid));
	if (!str_empty(st->to) && !str_eq(st->to, own.domain))
		return false;
	c->is_pinged = false;
	return true;
}

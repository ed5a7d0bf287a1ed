/* archive: each client walks its archive backwards in pages of 50 (XEP-0313, XEP-0059), and from the newest again when
 * there are no more. A thing is a page. Within a page the messages of one sender must be in order. */
#include <stdio.h>
#include <string.h>

#include "load.h"

#define PAGE 50

static void
ask_page(struct client *c)
{
	c->counted = 0;
	c->got[0] = c->got[1] = 0;
	c->outstanding = 1;
	c->sent_ns = clock_now_ns();
	client_stanza(c,
	    "<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2' queryid='q'>"
	    "<set xmlns='http://jabber.org/protocol/rsm'><max>%d</max><before>%s</before></set></query></iq>",
	    PAGE, c->page);
}

/* Bodies say "SENDER NUMBER …" (mode_chat.c); got[] is the next number to be expected of each side. */
static void
handle_result(struct client *c, struct slice stanza)
{
	struct load *l = c->load;
	struct slice rest, body = element_text(stanza, "body");

	c->counted++;
	if (body.len == 0)
		return;
	unsigned side = slice_number(body, &rest) == c->index;
	uint64_t number = slice_number(rest, NULL);
	if (number > 0 && number < c->got[side]) /* each load that filled the archive began at 0 */
		l->disordered++;
	c->got[side] = number;
}

static void
handle_end(struct client *c, struct slice stanza)
{
	struct load *l = c->load;
	bool complete =
	    slice_has(stanza, "complete='true'") || slice_has(stanza, "complete=\"true\"");
	struct slice first = element_text(stanza, "first");

	if (c->counted != PAGE && !complete)
		l->lost += PAGE - (c->counted < PAGE ? c->counted : 0);
	if (c->counted == PAGE) {
		hist_add(&l->hist, clock_now_ns() - c->sent_ns);
		l->things++;
	}
	c->outstanding = 0;
	snprintf(
	    c->page, sizeof c->page, "%.*s", complete ? 0 : (int)first.len, first.p ? first.p : "");
	if (l->running)
		ask_page(c);
}

static void
archive_stanza(struct client *c, struct slice stanza)
{
	if (slice_is(element_name(stanza), "message")) {
		if (slice_has(stanza, "<result"))
			handle_result(c, stanza);
	} else if (slice_is(element_attribute(stanza, "id"), "page")) {
		handle_end(c, stanza);
	}
}

static void
archive_begin(struct load *l)
{
	for (unsigned i = 0; i < l->o.window && i < l->o.sessions; i++)
		ask_page(&l->clients[i]);
}

const struct mode mode_archive = {
    .name = "archive", .stanza = archive_stanza, .begin = archive_begin, .idle = load_is_idle};

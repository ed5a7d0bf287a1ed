/* See last.h. Kept as <last xmlns="urn:jackdaw:last" at="microseconds since 1970">status</last>. */
#include "last.h"

#include "base/clock.h"
#include "blob.h"
#include "answers.h"

#define NS_LAST "urn:jackdaw:last"
#define STATUS_MAX 1024

static bool
is_available(const struct account *a)
{
	LIST_FOREACH(&a->sessions, it) {
		if (session_is_available(CONTAINER_OF(it, struct session, link)))
			return true;
	}
	return false;
}

static void
note(struct account *a, const struct act *act, struct str status)
{
	struct buf at = {0}, out = {0};
	struct xml_writer w;

	buf_printf(&at, "%lld", (long long)clock_wall_us());
	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, S(NS_LAST), S("last"));
	xw_attr(&w, "at", buf_str(&at));
	xw_text(&w, status.n <= STATUS_MAX ? status : (struct str){0});
	xw_close(&w);
	blob_note(a, act, BLOB_LAST, buf_str(&out));
	buf_deinit(&at);
	buf_deinit(&out);
}

void
last_seen(struct account *a, const struct act *act, const struct stanza *st)
{
	struct arena arena = {0};
	struct xml_node *n;

	if (is_available(a))
		return;
	n = xml_find(
	    xml_tree_parse(&arena, st->payload, S("jabber:client")), "jabber:client", "status");
	note(a, act, n ? n->text : (struct str){0});
	arena_deinit(&arena);
}

void
last_session_ended(struct session *s, const struct act *act)
{
	if (session_is_available(s) && !is_available(s->account))
		note(s->account, act, (struct str){0});
}

/* ---- the questions ---- */

static struct str
answer(struct buf *out, uint64_t seconds, struct str status)
{
	struct buf number = {0};
	struct xml_writer w;

	buf_printf(&number, "%llu", (unsigned long long)seconds);
	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S("jabber:iq:last"), S("query"));
	xw_attr(&w, "seconds", buf_str(&number));
	xw_text(&w, status);
	xw_close(&w);
	buf_deinit(&number);
	return buf_str(out);
}

void
last_server(const struct iq *iq)
{
	struct buf out = {0};

	iq_result(
	    iq, answer(&out, (clock_mono_ms() - iq->act->sd->started_ms) / 1000, (struct str){0}));
	buf_deinit(&out);
}

static void
on_last(struct iq_later *l, struct str data)
{
	struct arena arena = {0};
	struct xml_node *n = xml_tree_parse(&arena, data, S("jabber:client"));
	struct buf out = {0};
	uint64_t at, now = (uint64_t)clock_wall_us();

	if (n && str_u64(xml_node_attr(n, "at", NULL), &at))
		iq_later_result(l, answer(&out, now > at ? (now - at) / 1000000 : 0, n->text));
	else
		iq_later_error(l, SE_ITEM_NOT_FOUND);
	buf_deinit(&out);
	arena_deinit(&arena);
}

void
last_account(const struct iq *iq)
{
	struct buf out = {0};

	/* §4: somebody who is here */
	if (is_available(iq->account))
		iq_result(iq, answer(&out, 0, (struct str){0}));
	else
		blob_get(iq, BLOB_LAST, (struct str){0}, (struct str){0}, on_last);
	buf_deinit(&out);
}

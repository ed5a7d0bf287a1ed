/* XEP-0313 with XEP-0059: a query becomes one ARCHIVE_QUERY to storaged; the page that comes back goes to the client as
 * messages, in the order of its session, and then the IQ's result. Results are not in the ledger: a query that is
 * handled again after a crash is answered again from its beginning, and they would push the messages out.
 *
 * What the client is given here and is owed as an offline message too counts as delivered when it is written (the row of
 * the delivery): a client that reads its archive before it sends presence is not sent the same again. */
#include "answers.h"
#include "archive.h"
#include "base/clock.h"
#include "base/mem.h"
#include "blob.h"
#include "base/datetime.h"

#include <stdio.h>
#include <stdlib.h>

#define NS_MAM "urn:xmpp:mam:2"
#define NS_RSM "http://jabber.org/protocol/rsm"
#define NS_FORM "jabber:x:data"
#define PAGE_DEFAULT 50
#define PAGE_MAX 250
#define IDS_MAX 250
#define QUERY_ID_MAX 1024
#define TEXT_MAX 1024 /* as messages.def has it */
#define FULLTEXT_FIELD "{urn:xmpp:fulltext:0}fulltext"
#define QUERY_MS 60000

struct mam {
	struct iq_later *later;
	char *query_id; /* owned; NULL: none */
	bool is_flipped;
	bool is_first, is_last; /* the page is at this end of what matches, as it was asked for */
};

/* ---- the query ---- */

struct parse {
	const struct iq *iq;
	struct msg_ARCHIVE_QUERY m;
	struct jid_buf with;
	struct rec_archive_id ids[IDS_MAX];
	enum stanza_error error; /* SE_NONE: right so far */
};

static struct str
value_of(const struct xml_node *field)
{
	const struct xml_node *v = xml_child(field, NS_FORM, "value");

	return v ? str_trim(v->text) : (struct str){0};
}

/* What is no id of ours is the id of nothing. */
static void
read_id(struct parse *p, struct str text, struct id128 *id_r)
{
	if (!id_from_hex(id_r, text) || id_is_zero(id_r))
		p->error = SE_ITEM_NOT_FOUND;
}

static void
read_time(struct parse *p, struct str text, int64_t *us_r)
{
	if (!datetime_parse(text, us_r))
		p->error = SE_BAD_REQUEST;
}

static void
read_with(struct parse *p, const struct xml_node *field)
{
	struct jid with;

	if (jid_prepare(&with, &p->with, value_of(field)))
		p->m.with = with.full;
	else
		p->error = SE_JID_MALFORMED;
}

static void
read_ids(struct parse *p, const struct xml_node *field)
{
	for (const struct xml_node *v = field->children; v; v = v->next) {
		if (p->m.ids.count == IDS_MAX) {
			p->error = SE_POLICY_VIOLATION;
			return;
		}
		read_id(p, str_trim(v->text), &p->ids[p->m.ids.count++].id);
	}
	p->m.ids.items = p->ids;
}

static void
read_end(struct parse *p, const struct xml_node *field)
{
	read_time(p, value_of(field), &p->m.end_us);
	/* Stamps have milliseconds: one that shows this time is not behind it. */
	p->m.end_us += 999;
}

/* XEP-0431, and what clients said before. */
static bool
is_text_field(struct str var)
{
	return str_is(var, FULLTEXT_FIELD) || str_is(var, "withtext");
}

/* An empty one asks for nothing. */
static void
read_text(struct parse *p, const struct xml_node *field)
{
	p->m.text = value_of(field);
	if (p->m.text.n > TEXT_MAX)
		p->error = SE_BAD_REQUEST;
}

/* XEP-0313 §4.1.4. Groupchat is never in a user's archive here, so the value changes nothing. */
static void
read_bool(struct parse *p, struct str text)
{
	static const char *const words[] = {"true", "false", "1", "0"};
	bool found = false;

	for (unsigned i = 0; i < COUNT(words); i++)
		found |= str_is(text, words[i]);
	if (!found)
		p->error = SE_BAD_REQUEST;
}

static void
read_field(struct parse *p, const struct xml_node *field)
{
	struct str var = xml_node_attr(field, "var", NULL);

	if (str_is(var, "FORM_TYPE"))
		p->error = str_is(value_of(field), NS_MAM) ? p->error : SE_BAD_REQUEST;
	else if (str_is(var, "with"))
		read_with(p, field);
	else if (str_is(var, "start"))
		read_time(p, value_of(field), &p->m.start_us);
	else if (str_is(var, "end"))
		read_end(p, field);
	else if (str_is(var, "after-id"))
		read_id(p, value_of(field), &p->m.after_id);
	else if (str_is(var, "before-id"))
		read_id(p, value_of(field), &p->m.before_id);
	else if (str_is(var, "ids"))
		read_ids(p, field);
	else if (is_text_field(var) && archive_is_searchable(p->iq->account))
		read_text(p, field);
	else if (str_is(var, "include-groupchat"))
		read_bool(p, value_of(field));
	else
		p->error = SE_FEATURE_NOT_IMPLEMENTED;
}

static void
read_form(struct parse *p)
{
	const struct xml_node *x = xml_child(p->iq->node, NS_FORM, "x");

	for (const struct xml_node *f = x ? x->children : NULL; f && !p->error; f = f->next)
		if (str_is(f->name, "field"))
			read_field(p, f);
}

static void
read_rsm(struct parse *p)
{
	const struct xml_node *set = xml_child(p->iq->node, NS_RSM, "set"), *n;
	uint64_t max = PAGE_DEFAULT;

	if (set && (n = xml_child(set, NS_RSM, "max")) && !str_u64(str_trim(n->text), &max))
		p->error = SE_BAD_REQUEST;
	p->m.max = max < PAGE_MAX ? (uint32_t)max : PAGE_MAX;
	/* XEP-0059 §2.6: pages by number are not offered. */
	if (set && xml_child(set, NS_RSM, "index"))
		p->error = SE_FEATURE_NOT_IMPLEMENTED;
	if (set && (n = xml_child(set, NS_RSM, "after")) && !str_empty(str_trim(n->text)))
		read_id(p, str_trim(n->text), &p->m.after);
	n = set ? xml_child(set, NS_RSM, "before") : NULL;
	p->m.backward = n;
	if (n && !str_empty(str_trim(n->text)))
		read_id(p, str_trim(n->text), &p->m.before);
}

/* ---- the answer ---- */

static void
write_result(struct buf *out, const struct mam *m, const struct rec_archive_item *item)
{
	char hex[2 * ID_BYTES + 1], stamp[CLOCK_STAMP_MAX];
	struct xml_writer w;

	id_hex(&item->id, hex);
	clock_stamp(item->stamp_us, stamp);
	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S(NS_MAM), S("result"));
	if (m->query_id)
		xw_attr(&w, "queryid", str_z(m->query_id));
	xw_attr(&w, "id", str_z(hex));
	xml_write_forwarded(&w, &item->st, stamp);
	xw_close(&w);
}

static void
send_result(struct session *s, const struct mam *m, const struct rec_archive_item *item)
{
	struct buf payload = {0};
	struct stanza st = {.kind = STANZA_MESSAGE,
	    .facts = FACT_MAM_RESULT | FACT_FORWARDED,
	    .from = m->later->account->jid,
	    .to = s->jid.full};
	struct delivery d = {.act = &m->later->act,
	    .op = {.kind = OP_ANSWER},
	    .st = &st,
	    .stamp_us = clock_wall_us(),
	    .row = item->held ? item->row : 0};

	write_result(&payload, m, item);
	st.payload = buf_str(&payload);
	outbound_send(s, &d);
	buf_deinit(&payload);
}

static void
write_id(struct xml_writer *w, const char *name, const struct id128 *id)
{
	char hex[2 * ID_BYTES + 1];

	id_hex(id, hex);
	xw_leaf(w, (struct str){0}, name, str_z(hex));
}

/* XEP-0059 §2.3: the first item with its number, where that needs no counting. */
static void
write_first(struct xml_writer *w, const struct mam *m, const struct msg_ARCHIVE_PAGE *page,
    const struct id128 *first)
{
	bool is_known = m->is_first || (m->is_last && page->has_count);
	char hex[2 * ID_BYTES + 1], index[16];

	id_hex(first, hex);
	snprintf(index, sizeof(index), "%u", m->is_first ? 0 : page->count - page->items.count);
	xw_open(w, (struct str){0}, S("first"));
	if (is_known)
		xw_attr(w, "index", str_z(index));
	xw_text(w, str_z(hex));
	xw_close(w);
}

static void
write_fin(struct buf *out, const struct mam *m, const struct msg_ARCHIVE_PAGE *page,
    const struct id128 *first, const struct id128 *last)
{
	struct xml_writer w;
	char count[16];

	xw_init(&w, out, S("jabber:client"));
	xw_open(&w, S(NS_MAM), S("fin"));
	if (page->complete)
		xw_attr(&w, "complete", S("true"));
	if (page->unstable)
		xw_attr(&w, "stable", S("false"));
	xw_open(&w, S(NS_RSM), S("set"));
	if (page->items.count) {
		write_first(&w, m, page, first);
		write_id(&w, "last", last);
	}
	if (page->has_count) {
		snprintf(count, sizeof(count), "%u", page->count);
		xw_leaf(&w, (struct str){0}, "count", str_z(count));
	}
	xw_close(&w);
	xw_close(&w);
}

static void
send_page(struct session *s, const struct mam *m, const struct msg_ARCHIVE_PAGE *page)
{
	struct rec_archive_item *items = mem_new_array(page->items.count + 1, sizeof(*items));
	struct bus_list list = page->items;
	uint32_t n = 0;
	struct buf fin = {0};

	while (bus_list_next(&list, &bus_record_archive_item, &items[n]))
		n++;
	for (uint32_t i = 0; i < n && s; i++)
		send_result(s, m, &items[m->is_flipped ? n - 1 - i : i]);
	write_fin(&fin, m, page, &items[0].id, &items[n ? n - 1 : 0].id);
	iq_later_result(m->later, buf_str(&fin));
	buf_deinit(&fin);
	free(items);
}

static void
on_page(void *arg, const struct bus_in *in, const void *msg)
{
	struct mam *m = arg;
	const struct msg_FAILED *failed = msg;

	m->later->account->n_queries--;
	if (in && in->message->type == MSG_ARCHIVE_PAGE)
		send_page(account_session(m->later->account, jid_split(m->later->st->from).resource),
		    m, msg);
	else
		iq_later_error(m->later,
		    in && in->message->type == MSG_FAILED
			? iq_error_of((enum bus_error)failed->error)
			: SE_RESOURCE_CONSTRAINT);
	free(m->query_id);
	free(m);
}

/* A client that has not read its last page yet gets no other. */
static bool
is_behind(const struct iq *iq)
{
	const struct session *s = account_session(iq->account, jid_split(iq->st->from).resource);

	return s && !list_empty(&s->out.queue);
}

/* Each costs storaged a search, also when its client has gone; a page is 250 messages at most. */
static bool
is_busy(const struct iq *iq)
{
	return iq->account->n_queries >= settings_of(iq->act->sd)->archive_queries;
}

void
mam_query(const struct iq *iq)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct str query_id = xml_node_attr(iq->node, "queryid", NULL);
	struct parse p = {.iq = iq, .m = {.owner = iq->account->jid}};
	struct mam *m;

	if (!archive_is_on(iq->account))
		p.error = SE_SERVICE_UNAVAILABLE;
	else if (query_id.n > QUERY_ID_MAX)
		p.error = SE_POLICY_VIOLATION;
	else if (is_behind(iq) || is_busy(iq))
		p.error = SE_RESOURCE_CONSTRAINT;
	if (!p.error)
		read_form(&p);
	if (!p.error)
		read_rsm(&p);
	if (p.error) {
		iq_error(iq, p.error);
		return;
	}
	m = NEW(struct mam);
	m->later = iq_keep(iq);
	iq->account->n_queries++;
	m->query_id = str_empty(query_id) ? NULL : str_dup(query_id);
	m->is_first = !p.m.backward && id_is_zero(&p.m.after);
	m->is_last = p.m.backward && id_is_zero(&p.m.before);
	m->is_flipped = xml_child(iq->node, NS_MAM, "flip-page");
	bus_request(bus_of(iq->act->sd), &storaged, MSG_ARCHIVE_QUERY, &p.m, NULL, iq->act->custody,
	    QUERY_MS, on_page, m);
}

/* ---- what may be asked ---- */

static void
write_field(struct xml_writer *w, const char *type, const char *var)
{
	xw_open(w, (struct str){0}, S("field"));
	xw_attr(w, "type", str_z(type));
	xw_attr(w, "var", str_z(var));
}

static void
write_text_fields(struct xml_writer *w, const struct account *a)
{
	static const char *const names[] = {FULLTEXT_FIELD, "withtext"};

	for (unsigned i = 0; i < COUNT(names) && archive_is_searchable(a); i++) {
		write_field(w, "text-single", names[i]);
		xw_close(w);
	}
}

void
mam_form(const struct iq *iq)
{
	static const char *const fields[][2] = {{"jid-single", "with"}, {"text-single", "start"},
	    {"text-single", "end"}, {"text-single", "before-id"}, {"text-single", "after-id"},
	    {"boolean", "include-groupchat"}};
	struct buf out = {0};
	struct xml_writer w;

	if (!archive_is_on(iq->account)) {
		iq_error(iq, SE_SERVICE_UNAVAILABLE);
		return;
	}
	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, S(NS_MAM), S("query"));
	xw_open(&w, S(NS_FORM), S("x"));
	xw_attr(&w, "type", S("form"));
	write_field(&w, "hidden", "FORM_TYPE");
	xw_leaf(&w, (struct str){0}, "value", S(NS_MAM));
	xw_close(&w);
	for (unsigned i = 0; i < COUNT(fields); i++) {
		write_field(&w, fields[i][0], fields[i][1]);
		xw_close(&w);
	}
	write_text_fields(&w, iq->account);
	write_field(&w, "list-multi", "ids");
	xw_open(&w, S("http://jabber.org/protocol/xdata-validate"), S("validate"));
	xw_attr(&w, "datatype", S("xs:string"));
	xw_leaf(&w, (struct str){0}, "open", (struct str){0});
	xw_close(&w);
	xw_close(&w);
	xw_close(&w);
	xw_close(&w);
	iq_result(iq, buf_str(&out));
	buf_deinit(&out);
}

/* ---- both ends ---- */

static void
write_end(struct xml_writer *w, const char *name, const struct id128 *id, int64_t us)
{
	char hex[2 * ID_BYTES + 1], stamp[CLOCK_STAMP_MAX];

	id_hex(id, hex);
	clock_stamp(us, stamp);
	xw_open(w, (struct str){0}, str_z(name));
	xw_attr(w, "id", str_z(hex));
	xw_attr(w, "timestamp", str_z(stamp));
	xw_close(w);
}

static void
on_metadata(void *arg, const struct bus_in *in, const void *msg)
{
	struct iq_later *l = arg;
	const struct msg_ARCHIVE_METADATA *m = msg;
	struct buf out = {0};
	struct xml_writer w;

	l->account->n_queries--;
	if (!in || in->message->type != MSG_ARCHIVE_METADATA) {
		iq_later_error(l, SE_RESOURCE_CONSTRAINT);
		return;
	}
	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, S(NS_MAM), S("metadata"));
	if (m->found) {
		write_end(&w, "start", &m->first, m->first_us);
		write_end(&w, "end", &m->last, m->last_us);
	}
	xw_close(&w);
	iq_later_result(l, buf_str(&out));
	buf_deinit(&out);
}

void
mam_metadata(const struct iq *iq)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_ARCHIVE_METADATA_GET m = {.owner = iq->account->jid};

	if (!archive_is_on(iq->account)) {
		iq_error(iq, SE_SERVICE_UNAVAILABLE);
		return;
	}
	if (is_busy(iq)) {
		iq_error(iq, SE_RESOURCE_CONSTRAINT);
		return;
	}
	iq->account->n_queries++;
	bus_request(bus_of(iq->act->sd), &storaged, MSG_ARCHIVE_METADATA_GET, &m, NULL,
	    iq->act->custody, QUERY_MS, on_metadata, iq_keep(iq));
}

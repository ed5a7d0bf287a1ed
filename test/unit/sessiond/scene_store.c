/* See scene_store.h. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>

static char ticket_of[256];

void
scene_store_ticket(struct scene *s, struct str bare)
{
	(void)s;
	snprintf(ticket_of, sizeof(ticket_of), "%.*s", STR_ARG(bare));
}

/* ---- authd ---- */

static bool
exists(const struct scene *s, struct str bare)
{
	for (unsigned i = 0; i < USERS_MAX; i++)
		if (s->users[i] && str_is(bare, s->users[i]))
			return true;
	return false;
}

static void
answer_generations(struct scene *s, struct sent *f)
{
	struct bus_list list = ((const struct msg_GENERATIONS_GET *)f->msg)->accounts;
	struct rec_generation known[100];
	struct msg_GENERATIONS m = {.accounts = {.items = known}};
	struct rec_account a;

	while (bus_list_next(&list, &bus_record_account, &a))
		if (exists(s, a.jid))
			known[m.accounts.count++] =
			    (struct rec_generation){.jid = a.jid, .generation = s->generation};
	sent_answer(&s->bus, f, MSG_GENERATIONS, &m);
}

static void
answer_raise(struct scene *s, struct sent *f)
{
	struct rec_generation g = {.jid = ((const struct msg_GENERATION_RAISE *)f->msg)->jid,
	    .generation = ++s->generation};
	struct msg_GENERATIONS m = {.accounts = {.items = &g, .count = 1}};

	sent_answer(&s->bus, f, MSG_GENERATIONS, &m);
}

static void
answer_change(struct scene *s, struct sent *f)
{
	const struct msg_PASSWORD_SET *p = f->msg;
	const struct msg_USER_REMOVE_SELF *r = f->msg;
	struct msg_DONE done = {.count = 1};
	struct msg_FAILED failed = {.error = (uint8_t)s->refuse_account};

	if (f->message->type == MSG_PASSWORD_SET)
		buf_printf(&s->out, "authd PASSWORD_SET %.*s \"%.*s\" of edge %llu\n",
		    STR_ARG(p->jid), STR_ARG(p->password), (unsigned long long)p->edge_incarnation);
	else
		buf_printf(&s->out, "authd USER_REMOVE_SELF %.*s\n", STR_ARG(r->jid));
	if (s->refuse_account)
		sent_answer(&s->bus, f, MSG_FAILED, &failed);
	else
		sent_answer(&s->bus, f, MSG_DONE, &done);
}

static bool
authd_answers(struct scene *s, struct sent *f)
{
	struct msg_REDEEMED redeemed = {.jid = str_z(ticket_of), .generation = s->generation};
	struct msg_CAP_KEY key = {.key = S("0123456789abcdef0123456789abcdef")};
	struct msg_FAILED failed = {.error = BUS_ERROR_NOT_FOUND};

	if (f->message->type == MSG_GENERATIONS_GET)
		answer_generations(s, f);
	else if (f->message->type == MSG_GENERATION_RAISE)
		answer_raise(s, f);
	else if (f->message->type == MSG_REDEEM && exists(s, redeemed.jid))
		sent_answer(&s->bus, f, MSG_REDEEMED, &redeemed);
	else if (f->message->type == MSG_PASSWORD_SET || f->message->type == MSG_USER_REMOVE_SELF)
		answer_change(s, f);
	else if (f->message->type == MSG_CAP_KEY_GET)
		sent_answer(&s->bus, f, MSG_CAP_KEY, &key);
	else
		sent_answer(&s->bus, f, MSG_FAILED, &failed);
	return true;
}

/* ---- storaged: rosters ---- */

static struct rec_roster_item
item_of(const struct item *i)
{
	struct msg_ROSTER_PUT m;

	assert_true(bus_decode(bus_message(MSG_ROSTER_PUT), buf_str(&i->body), &m));
	return m.item;
}

static struct item *
find_item(struct scene *s, struct str owner, struct str contact)
{
	for (unsigned i = 0; i < s->n_items; i++)
		if (str_is(owner, s->items[i].owner) && str_eq(item_of(&s->items[i]).jid, contact))
			return &s->items[i];
	return NULL;
}

static void
put_item(struct scene *s, const struct msg_ROSTER_PUT *m)
{
	struct item *i = find_item(s, m->owner, m->item.jid);

	if (!i) {
		assert_true(s->n_items < USERS_MAX);
		i = &s->items[s->n_items++];
		i->owner = str_dup(m->owner);
	}
	buf_clear(&i->body);
	bus_encode(&i->body, bus_message(MSG_ROSTER_PUT), m);
}

static void
answer_roster(struct scene *s, struct sent *f)
{
	struct str owner = ((const struct msg_ROSTER_GET *)f->msg)->owner;
	struct rec_roster_item *items = arena_alloc(&s->arena, USERS_MAX * sizeof(*items));
	struct msg_ROSTER m = {.version = s->version, .items = {.items = items}};

	for (unsigned i = 0; i < s->n_items; i++)
		if (str_is(owner, s->items[i].owner))
			items[m.items.count++] = item_of(&s->items[i]);
	sent_answer(&s->bus, f, MSG_ROSTER, &m);
}

static void
answer_changed(struct scene *s, struct sent *f)
{
	struct msg_ROSTER_CHANGED m = {.version = ++s->version};

	sent_answer(&s->bus, f, MSG_ROSTER_CHANGED, &m);
}

static void
answer_del(struct scene *s, struct sent *f)
{
	const struct msg_ROSTER_DEL *m = f->msg;
	struct item *i = find_item(s, m->owner, m->contact);
	struct msg_FAILED failed = {.error = BUS_ERROR_NOT_FOUND};

	if (!i) {
		sent_answer(&s->bus, f, MSG_FAILED, &failed);
		return;
	}
	free(i->owner);
	buf_deinit(&i->body);
	*i = s->items[--s->n_items];
	memset(&s->items[s->n_items], 0, sizeof(struct item));
	answer_changed(s, f);
}

/* ---- storaged: offline messages ---- */

static void
store(struct scene *s, struct sent *f)
{
	const struct msg_STORE *m = f->msg;
	struct endpoint storaged = {.role = ROLE_STORAGED, .incarnation = 1};
	struct msg_STORE_FAILED failed = {
	    .error = (uint8_t)s->refuse_store, .owed = m->owed, .st = m->st};
	struct row *r;

	if (s->refuse_store) {
		fake_receive(&s->bus, &storaged, MSG_STORE_FAILED, &failed, &f->op, NULL);
		sent_ack(&s->bus, f);
		return;
	}
	for (unsigned i = 0; i < s->n_rows; i++)
		if (id_eq(&s->rows[i].op.origin, &f->op.origin) && s->rows[i].op.n == f->op.n &&
		    s->rows[i].op.kind == f->op.kind && !id_is_zero(&f->op.origin)) {
			s->rows[i].is_not_owed &= !m->owed;
			sent_ack(&s->bus, f);
			return;
		}
	assert_true(s->n_rows < ROWS_MAX);
	r = &s->rows[s->n_rows++];
	r->row = ++s->next_row;
	r->owner = str_dup(jid_split(m->st.to).bare);
	r->op = f->op;
	r->stamp_us = m->stamp_us;
	r->st = stanza_copy(&m->st);
	r->is_not_owed = !m->owed;
	r->for_from = m->archive_from;
	r->for_to = m->archive_to;
	sent_ack(&s->bus, f);
}

static void
answer_owed(struct scene *s, struct sent *f)
{
	const struct msg_OWED_FETCH *q = f->msg;
	struct rec_owed_item *items = arena_alloc(&s->arena, (q->max + 1) * sizeof(*items));
	struct msg_OWED m = {.items = {.items = items}};

	for (unsigned i = 0; i < s->n_rows; i++) {
		struct row *r = &s->rows[i];

		if (!str_is(q->owner, r->owner) || r->row <= q->after || r->is_not_owed)
			continue;
		if (m.items.count == q->max) {
			m.more = true;
			break;
		}
		items[m.items.count++] = (struct rec_owed_item){.row = r->row,
		    .stamp_us = r->stamp_us,
		    .origin = r->op.origin,
		    .n = r->op.n,
		    .archived = r->for_to,
		    .st = *r->st};
	}
	sent_answer(&s->bus, f, MSG_OWED, &m);
}

static void
drop(struct scene *s, struct sent *f)
{
	struct bus_list list = ((const struct msg_OWED_DROP *)f->msg)->rows;
	struct rec_row row;

	while (bus_list_next(&list, &bus_record_row, &row))
		for (unsigned i = 0; i < s->n_rows; i++)
			if (s->rows[i].row == row.row && (s->rows[i].for_from || s->rows[i].for_to)) {
				s->rows[i].is_not_owed = true;
			} else if (s->rows[i].row == row.row) {
				free(s->rows[i].owner);
				free(s->rows[i].st);
				memmove(&s->rows[i], &s->rows[i + 1],
				    (s->n_rows - i - 1) * sizeof(struct row));
				s->n_rows--;
				break;
			}
	sent_ack(&s->bus, f);
}

/* ---- storaged: values ---- */

static struct value *
find_value(struct scene *s, struct str owner, unsigned space, struct str key)
{
	for (unsigned i = 0; i < s->n_values; i++)
		if (str_is(owner, s->values[i].owner) && s->values[i].space == space &&
		    str_is(key, s->values[i].key))
			return &s->values[i];
	return NULL;
}

static void
answer_blob(struct scene *s, struct sent *f)
{
	const struct msg_BLOB_GET *q = f->msg;
	struct value *v = find_value(s, q->owner, q->space, q->key);
	struct msg_BLOB m = {.found = v, .data = v ? str_z(v->data) : (struct str){0}};

	sent_answer(&s->bus, f, MSG_BLOB, &m);
}

static void
answer_blob_put(struct scene *s, struct sent *f)
{
	const struct msg_BLOB_PUT *p = f->msg;
	struct value *v = find_value(s, p->owner, p->space, p->key);
	struct msg_DONE done = {.count = 1};

	if (!v) {
		assert_true(s->n_values < USERS_MAX);
		v = &s->values[s->n_values++];
		v->owner = str_dup(p->owner);
		v->key = str_dup(p->key);
		v->space = p->space;
	}
	free(v->data);
	v->data = str_dup(p->data);
	sent_answer(&s->bus, f, MSG_DONE, &done);
}

/* ---- dispatch ---- */

static bool
refuses(struct scene *s, struct sent *f)
{
	struct msg_FAILED failed = {.error = (uint8_t)s->refuse_put};

	if (!s->refuse_put ||
	    (f->message->type != MSG_ROSTER_PUT && f->message->type != MSG_BLOB_PUT))
		return false;
	sent_answer(&s->bus, f, MSG_FAILED, &failed);
	return true;
}

static bool
storaged_answers(struct scene *s, struct sent *f)
{
	struct msg_DONE done = {.count = 1};

	if (refuses(s, f) || scene_detached_answers(s, f))
		return true;
	switch (f->message->type) {
	case MSG_ROSTER_GET:
		answer_roster(s, f);
		break;
	case MSG_ROSTER_PUT:
		put_item(s, f->msg);
		answer_changed(s, f);
		break;
	case MSG_ROSTER_DEL:
		answer_del(s, f);
		break;
	case MSG_STORE:
		store(s, f);
		break;
	case MSG_OWED_FETCH:
		answer_owed(s, f);
		break;
	case MSG_OWED_DROP:
		drop(s, f);
		break;
	case MSG_ARCHIVE_QUERY:
		scene_archive_page(s, f);
		break;
	case MSG_ARCHIVE_METADATA_GET:
		scene_archive_metadata(s, f);
		break;
	case MSG_BLOB_GET:
		answer_blob(s, f);
		break;
	case MSG_BLOB_PUT:
		answer_blob_put(s, f);
		break;
	case MSG_USER_ERASE:
		buf_printf(&s->out, "storaged USER_ERASE %.*s\n",
		    STR_ARG(((const struct msg_USER_ERASE *)f->msg)->owner));
		sent_answer(&s->bus, f, MSG_DONE, &done);
		break;
	default:
		fail_msg("storaged gets %s", f->message->body.name);
	}
	return true;
}

static void
note(struct scene *s, const struct sent *f)
{
	const struct msg_STORE *m = f->msg;
	const struct msg_OWED_DROP *d = f->msg;

	if (!s->shows_stores)
		return;
	if (f->message->type == MSG_STORE)
		buf_printf(&s->out, "STORE%s%s%s to %.*s\n", m->archive_from ? " from" : "",
		    m->archive_to ? " to" : "", m->owed ? " owed" : "", STR_ARG(m->st.to));
	else if (f->message->type == MSG_OWED_DROP)
		buf_printf(&s->out, "OWED_DROP %u\n", d->rows.count);
}

bool
scene_store_answers(struct scene *s, struct sent *f)
{
	if (f->to.role == ROLE_AUTHD)
		return s->is_authd_down || authd_answers(s, f);
	if (f->to.role != ROLE_STORAGED)
		return false;
	if (s->is_storaged_down)
		return true;
	note(s, f);
	return storaged_answers(s, f);
}

void
scene_store_retry(struct scene *s)
{
	LIST_FOREACH_SAFE(&s->bus.waiting, it, nx) {
		struct sent *f = CONTAINER_OF(it, struct sent, link);

		if ((f->to.role == ROLE_AUTHD && !s->is_authd_down) ||
		    (f->to.role == ROLE_STORAGED && !s->is_storaged_down))
			scene_store_answers(s, f);
	}
}

void
scene_store_free(struct scene *s)
{
	scene_detached_free(s);
	for (unsigned i = 0; i < s->n_items; i++) {
		free(s->items[i].owner);
		buf_deinit(&s->items[i].body);
	}
	for (unsigned i = 0; i < s->n_rows; i++) {
		free(s->rows[i].owner);
		free(s->rows[i].st);
	}
	for (unsigned i = 0; i < s->n_values; i++) {
		free(s->values[i].owner);
		free(s->values[i].key);
		free(s->values[i].data);
	}
}

/* ---- for the tests ---- */

void
has_contact(struct scene *s, const char *owner, const char *contact, const char *subscription,
    const char *flags)
{
	static const char *const names[] = {"none", "to", "from", "both"};
	struct msg_ROSTER_PUT m = {.owner = str_z(owner), .item = {.jid = str_z(contact)}};

	for (unsigned i = 0; i < COUNT(names); i++)
		if (strcmp(subscription, names[i]) == 0)
			m.item.subscription = (uint8_t)i;
	m.item.ask = strchr(flags, 'a') != NULL;
	m.item.pending_in = strchr(flags, 'p') != NULL;
	if (strchr(flags, 'u'))
		m.item.subscription = SUBSCRIPTION_UNLISTED;
	put_item(s, &m);
}

void
are_friends(struct scene *s, const char *a, const char *b)
{
	has_contact(s, a, b, "both", "");
	has_contact(s, b, a, "both", "");
}

const char *
stored_item(struct scene *s, const char *owner, const char *contact)
{
	static const char *const names[] = {"none", "to", "from", "both", "unlisted"};
	static char text[64];
	struct item *i = find_item(s, str_z(owner), str_z(contact));
	struct rec_roster_item r;

	if (!i)
		return "";
	r = item_of(i);
	snprintf(text, sizeof(text), "%s%s%s%s", names[r.subscription], r.ask ? " ask" : "",
	    r.approved ? " approved" : "", r.pending_in ? " pending" : "");
	return text;
}

/* The archives of the scene's storaged: see scene_store.h. */
#include "archive.h"
#include "base/archive_id.h"
#include "scene.h"

struct scene *
scene_with_archives(void)
{
	struct scene *s = scene_new();

	s->settings.archive = ARCHIVE_ALWAYS;
	return s;
}

static bool
has_text(const struct row *r, struct str text)
{
	return str_empty(text) || memmem(r->st->payload.p, r->st->payload.n, text.p, text.n);
}

static bool
is_in_archive(const struct row *r, struct str owner, struct str with)
{
	struct str from = jid_split(r->st->from).bare, to = jid_split(r->st->to).bare;

	return ((r->for_from && str_eq(from, owner)) || (r->for_to && str_eq(to, owner))) &&
	    (str_empty(with) || str_eq(with, from) || str_eq(with, to));
}

static struct id128
id_of(const struct row *r, struct str owner)
{
	return archive_id(&r->op.origin, r->op.n, owner);
}

/* The first page behind `after`, of all or with one: what storaged makes of the rest is tested there. */
void
scene_archive_page(struct scene *s, struct sent *f)
{
	const struct msg_ARCHIVE_QUERY *q = f->msg;
	struct rec_archive_item *items = arena_alloc(&s->arena, (q->max + 1) * sizeof(*items));
	struct msg_ARCHIVE_PAGE m = {.complete = true, .items = {.items = items}};
	struct msg_FAILED failed = {.error = BUS_ERROR_NOT_FOUND};
	bool is_behind = id_is_zero(&q->after);

	m.unstable = !str_empty(q->text);

	for (unsigned i = 0; i < s->n_rows; i++) {
		struct row *r = &s->rows[i];
		struct id128 id = id_of(r, q->owner);

		if (!has_text(r, q->text))
			continue;
		if (is_behind && is_in_archive(r, q->owner, q->with) && m.items.count == q->max) {
			m.complete = false;
		} else if (is_behind && is_in_archive(r, q->owner, q->with)) {
			items[m.items.count++] = (struct rec_archive_item){.id = id,
			    .row = r->row,
			    .stamp_us = r->stamp_us,
			    .held = !r->is_not_owed && str_is(q->owner, r->owner),
			    .st = *r->st};
		}
		is_behind |= id_eq(&id, &q->after);
	}
	if (is_behind)
		sent_answer(&s->bus, f, MSG_ARCHIVE_PAGE, &m);
	else
		sent_answer(&s->bus, f, MSG_FAILED, &failed);
}

void
scene_archive_metadata(struct scene *s, struct sent *f)
{
	struct str owner = ((const struct msg_ARCHIVE_METADATA_GET *)f->msg)->owner;
	struct msg_ARCHIVE_METADATA m = {.found = false};

	for (unsigned i = 0; i < s->n_rows; i++) {
		struct row *r = &s->rows[i];

		if (!is_in_archive(r, owner, (struct str){0}))
			continue;
		m.last = id_of(r, owner);
		m.last_us = r->stamp_us;
		if (!m.found) {
			m.first = m.last;
			m.first_us = m.last_us;
		}
		m.found = true;
	}
	sent_answer(&s->bus, f, MSG_ARCHIVE_METADATA, &m);
}

/* jackdawctl archive export: an archive on standard output as XEP-0227 has it, a line for each message, a page at a time from
 * storaged over the bus. What people wrote goes to a terminal perhaps: control characters and line ends are written as
 * character references, which mean the same. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "base/clock.h"
#include "busline.h"
#include "commands.h"
#include "suite.h"
#include "xml/writer.h"

#define PAGE 250 /* as messages.def has it */

struct export
{
	struct jid owner;
	unsigned pending;
	struct id128 after; /* the last one that was written */
	bool is_complete;
	struct err *err;
	int rc;
};

/* ---- writing ---- */

/* Bytes of the control character at the start of s: LF, CR, DEL, U+0080 to U+009F; 0: it is none. */
static size_t
control_at(struct str s, unsigned *c_r)
{
	unsigned char first = (unsigned char)s.p[0], second = s.n > 1 ? (unsigned char)s.p[1] : 0;

	*c_r = first;
	if (first == '\n' || first == '\r' || first == 0x7f)
		return 1;
	*c_r = second;
	return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

static void
write_line(struct str line)
{
	size_t from = 0, n;

	for (size_t i = 0; i < line.n; i += n ? n : 1) {
		unsigned c;

		n = control_at(str_from(line, i), &c);
		if (n == 0)
			continue;
		fwrite(line.p + from, 1, i - from, stdout);
		printf("&#%u;", c);
		from = i + n;
	}
	fwrite(line.p + from, 1, line.n - from, stdout);
	putchar('\n');
}

static void
write_item(const struct rec_archive_item *item)
{
	char hex[2 * ID_BYTES + 1], stamp[CLOCK_STAMP_MAX];
	struct buf out = {0};
	struct xml_writer w;

	id_hex(&item->id, hex);
	clock_stamp(item->stamp_us, stamp);
	xw_init(&w, &out, (struct str){0});
	xw_open(&w, S("urn:xmpp:mam:2"), S("result"));
	xw_attr(&w, "id", str_z(hex));
	xml_write_forwarded(&w, &item->st, stamp);
	xw_close(&w);
	write_line(buf_str(&out));
	buf_deinit(&out);
}

static void
write_head(const struct jid *owner)
{
	struct buf host = {0}, name = {0};

	xml_escape(&host, owner->domain);
	xml_escape(&name, owner->local);
	printf("<?xml version='1.0' encoding='UTF-8'?>\n<server-data xmlns='urn:xmpp:pie:0'>"
	       "<host jid='%.*s'><user name='%.*s'><archive xmlns='urn:xmpp:pie:0#mam'>\n",
	    STR_ARG(buf_str(&host)), STR_ARG(buf_str(&name)));
	buf_deinit(&host);
	buf_deinit(&name);
}

static void
write_tail(void)
{
	puts("</archive></user></host></server-data>");
}

/* ---- asking ---- */

static void
take_failure(struct export *e, const struct bus_in *in, const void *msg)
{
	if (in && in->message->type == MSG_FAILED)
		e->rc = err_set(e->err, "%.*s", STR_ARG(((const struct msg_FAILED *)msg)->text));
	else
		e->rc = err_set(e->err, "storaged gives no answer");
}

static void
on_page(void *arg, const struct bus_in *in, const void *msg)
{
	struct export *e = arg;
	const struct msg_ARCHIVE_PAGE *page = msg;
	struct rec_archive_item item;
	struct bus_list list;

	e->pending--;
	if (!in || in->message->type != MSG_ARCHIVE_PAGE) {
		take_failure(e, in, msg);
		return;
	}
	e->is_complete = page->complete || page->items.count == 0;
	list = page->items;
	while (bus_list_next(&list, &bus_record_archive_item, &item)) {
		write_item(&item);
		e->after = item.id;
	}
	if (ferror(stdout))
		e->rc = err_set(e->err, "cannot write: %s", strerror(errno));
}

static void
export_all(struct export *e, struct busline *line)
{
	static const struct endpoint storaged = {.role = ROLE_STORAGED};

	while (e->rc == 0 && !e->is_complete) {
		struct msg_ARCHIVE_QUERY m = {
		    .owner = e->owner.full, .after = e->after, .max = PAGE};

		e->pending++;
		busline_send(line, &storaged, MSG_ARCHIVE_QUERY, &m, on_page, e);
		busline_run(line, &e->pending, 0);
	}
}

int
archive_export(struct ctl *c, int argc, char **argv)
{
	struct err err;
	struct export e = {.err = &err};
	struct jid_buf buf;
	struct busline *line;

	(void)argc;
	if (suite_open(c, &err) != 0 || address_account(str_z(argv[0]), &e.owner, &buf, &err) != 0)
		return ctl_error("%s", err.text);
	line = busline_open(c, ROLE_STORAGED, &err);
	if (!line)
		return ctl_error("%s", err.text);
	write_head(&e.owner);
	export_all(&e, line);
	busline_close(&line);
	if (e.rc == 0)
		write_tail();
	if (e.rc == 0 && fflush(stdout) != 0)
		e.rc = err_set(&err, "cannot write: %s", strerror(errno));
	return e.rc == 0 ? STATUS_OK : ctl_error("%s: %s", argv[0], err.text);
}

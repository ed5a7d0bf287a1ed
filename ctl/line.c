/* See line.h. Called by drain.c for every line that comes out of a daemon. */
#include "line.h"

#include "base/log.h"

/* The parts of a line of ours, without the blanks between them. */
struct parts {
	struct str stamp, name, level, text;
};

/* No control characters, and none of the marks that turn the direction of text: either can make a terminal show another
 * line than the one that was written. */
static bool
is_printable(struct str s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (len == 1)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (len == 2)
		return p[0] != 0xc2 || p[1] >= 0xa0;
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x80)
		return p[2] < 0xa8 || p[2] > 0xae;
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x81)
		return p[2] < 0xa6 || p[2] > 0xa9;
	return len > 0;
}

void
line_escape(struct buf *out, struct str text)
{
	while (!str_empty(text)) {
		size_t len = str_utf8_len(text);

		if (is_printable(text, len)) {
			buf_add(out, text.p, len);
		} else if (text.p[0] == '\t') {
			buf_add_c(out, ' ');
			len = 1;
		} else {
			buf_printf(out, "\\x%02x", (unsigned char)text.p[0]);
			len = 1;
		}
		text = str_from(text, len);
	}
}

/* A line of ours carries its daemon's own name; any other name is a lie or a coincidence. */
static bool
split(struct str line, const char *name, struct parts *parts_r)
{
	struct parts p;
	struct str rest = line;
	enum log_level level;

	if (!str_split(rest, ' ', &p.stamp, &rest) || !str_split(rest, ' ', &p.name, &rest) ||
	    !str_split(rest, ' ', &p.level, &rest))
		return false;
	if (p.stamp.n != sizeof("2026-11-20T18:00:00.123Z") - 1 || p.stamp.p[10] != 'T' ||
	    !str_is(p.name, name) || !log_level_parse(p.level, &level))
		return false;
	p.text = rest;
	*parts_r = p;
	return true;
}

void
line_for_file(struct buf *out, struct str line, const char *name, const char *stamp)
{
	struct parts p;

	if (!split(line, name, &p))
		buf_printf(out, "%s %s - ", stamp, name);
	line_escape(out, line);
}

void
line_for_screen(struct buf *out, struct str line, const char *name, const char *stamp)
{
	struct parts p;

	if (!split(line, name, &p))
		p = (struct parts){.stamp = str_z(stamp), .level = S("-"), .text = line};
	struct str time_of_day = str_from(p.stamp, sizeof("2026-11-20T") - 1);
	if (!str_empty(time_of_day))
		time_of_day.n--; /* the Z */
	line_escape(out, time_of_day);
	buf_printf(out, " %-11s %-5.*s ", name, STR_ARG(p.level));
	line_escape(out, p.text);
}

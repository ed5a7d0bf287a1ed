/* The reader's budgets (INV-2): bytes, elements, depth, attributes, names; hit at once and byte by byte. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "xml_rig.h"

#define STREAM \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

/* '#' in the unit becomes the number. */
static void
add_unit(struct buf *b, const char *unit, size_t number)
{
	for (; *unit; unit++) {
		if (*unit == '#')
			buf_printf(b, "%zu", number);
		else
			buf_add_c(b, *unit);
	}
}

static struct buf
repeated(const char *before, const char *unit, size_t n, const char *after)
{
	struct buf b = {0};
	buf_add_z(&b, before);
	for (size_t i = 0; i < n; i++)
		add_unit(&b, unit, i);
	buf_add_z(&b, after);
	return b;
}

static void
check_budget(struct buf b, const struct xml_limits *limits, enum xml_error expected)
{
	for (int drip = 0; drip < 2; drip++) {
		struct xml_rig g;
		xml_rig_init(&g, "jabber:client", limits);
		xml_rig_feed(&g, S(STREAM));
		enum xml_error e =
		    drip ? xml_rig_drip(&g, buf_str(&b), false) : xml_rig_feed(&g, buf_str(&b));
		if (e != expected)
			fail_msg("%.40s (drip %d): %d, not %d", b.data, drip, (int)e, (int)expected);
		xml_rig_deinit(&g);
	}
	buf_deinit(&b);
}

static void
test_inv_02_depth(void **state)
{
	(void)state;
	struct xml_limits l = xml_rig_limits;
	l.depth = 8;
	check_budget(repeated("", "<a>", 8, "</a></a></a></a></a></a></a></a><a/>"), &l, XML_OK);
	check_budget(repeated("", "<a>", 9, ""), &l, XML_TOO_COMPLEX);
	check_budget(repeated("", "<a>", 100000, ""), NULL, XML_TOO_COMPLEX);
}

static void
test_inv_02_elements(void **state)
{
	(void)state;
	struct xml_limits l = xml_rig_limits;
	l.elements = 32;
	check_budget(repeated("<a>", "<b/>", 31, "</a><a/>"), &l, XML_OK);
	check_budget(repeated("<a>", "<b/>", 32, ""), &l, XML_TOO_COMPLEX);
	check_budget(repeated("", "<a><b/></a>", 1000, ""), &l, XML_OK);
}

static void
test_inv_02_attributes(void **state)
{
	(void)state;
	check_budget(repeated("<a", " b#=''", 128, "/>"), NULL, XML_OK);
	check_budget(repeated("<a", " b#=''", 129, "/>"), NULL, XML_TOO_COMPLEX);
	check_budget(repeated("<a", " xmlns:p#='u'", 128, "/>"), NULL, XML_OK);
	check_budget(repeated("<a", " xmlns:p#='u'", 129, "/>"), NULL, XML_TOO_COMPLEX);
	/* cut before the tag is complete, '=' and '>' in values not counted */
	check_budget(repeated("<a", " b#='>'", 10000, ""), NULL, XML_TOO_COMPLEX);
	check_budget(repeated("<a b='", "==>\"", 10000, "'/>"), NULL, XML_OK);
	check_budget(repeated("<a b=\"", "=='>", 10000, "\"/><a/>"), NULL, XML_OK);
}

static void
test_inv_02_root_attributes(void **state)
{
	(void)state;
	struct buf b = repeated("<s", " b#=''", 129, ">");
	struct xml_rig g;
	xml_rig_init(&g, "jabber:client", NULL);
	assert_int_equal(xml_rig_feed(&g, buf_str(&b)), XML_TOO_COMPLEX);
	xml_rig_deinit(&g);
	buf_deinit(&b);
}

static void
test_inv_02_bytes(void **state)
{
	(void)state;
	struct xml_limits l = xml_rig_limits;
	l.bytes = 1000;
	/* "<a></a>" are 7 bytes */
	check_budget(repeated("", "<a>", 1, "</a>"), &l, XML_OK);
	check_budget(repeated("<a>", "x", 993, "</a><a/>"), &l, XML_OK);
	check_budget(repeated("<a>", "x", 994, "</a>"), &l, XML_TOO_BIG);
	check_budget(repeated("<a>", "x", 100000, ""), &l, XML_TOO_BIG);
	check_budget(repeated("<a b='", "x", 990, "'/><a/>"), &l, XML_OK);
	check_budget(repeated("<a b='", "x", 992, "'/>"), &l, XML_TOO_BIG);
	check_budget(repeated("<a b='", "x", 100000, ""), &l, XML_TOO_BIG);
	check_budget(repeated("<a", " ", 100000, ""), &l, XML_TOO_BIG);
	check_budget(repeated("<", "a", 100000, ""), &l, XML_TOO_BIG);
	check_budget(repeated("<a>&", "a", 100000, ""), &l, XML_TOO_BIG);
	check_budget(repeated("<a><![CDATA[", "]>", 100000, ""), &l, XML_TOO_BIG);
	/* each element has its own */
	check_budget(
	    repeated("", "<a>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</a>", 1000, ""), &l, XML_OK);
}

static void
test_inv_02_stream_header_bytes(void **state)
{
	(void)state;
	struct xml_limits l = xml_rig_limits;
	l.bytes = 1000;
	struct buf b = repeated("<stream id='", "x", 100000, "");
	struct xml_rig g;
	xml_rig_init(&g, "jabber:client", &l);
	assert_int_equal(xml_rig_feed(&g, buf_str(&b)), XML_TOO_BIG);
	xml_rig_deinit(&g);
	xml_rig_init(&g, "jabber:client", &l);
	assert_int_equal(xml_rig_drip(&g, buf_str(&b), true), XML_TOO_BIG);
	xml_rig_deinit(&g);
	buf_deinit(&b);
}

static void
test_white_space_is_free(void **state)
{
	(void)state;
	struct xml_limits l = xml_rig_limits;
	l.bytes = 100;
	check_budget(repeated("", " \r\n\t", 10000, "<a/>"), &l, XML_OK);
	check_budget(repeated("<a/>", " \r\n\t", 10000, "<a/>"), &l, XML_OK);
	check_budget(repeated("", "<a/> \r\n", 10000, ""), &l, XML_OK);
	check_budget(repeated("<a>", " ", 100, ""), &l, XML_TOO_BIG);
}

/* Canonical form declares a namespace at each use: what a short prefix stands for must not be multiplied. */
static void
test_inv_02_amplification(void **state)
{
	(void)state;
	struct buf b = repeated("<a xmlns:p='", "u", 20000, "'>");
	for (int i = 0; i < 4000; i++)
		buf_add_z(&b, "<p:b/>");
	buf_add_z(&b, "</a>");
	check_budget(b, NULL, XML_TOO_BIG);
}

static void
test_inv_02_pending_tokens_are_linear(void **state)
{
	(void)state;
	static const char *const begins[] = {
	    "<a b='", "<a ", "</", "<a>&", "<![CDATA[", "<a><![CDATA[", "<a>", "<"};
	for (size_t i = 0; i < COUNT(begins); i++) {
		struct xml_rig g;
		struct buf b = repeated(begins[i], "x", 250000, "");
		xml_rig_init(&g, "jabber:client", NULL);
		xml_rig_feed(&g, S(STREAM));
		uint64_t start = clock_mono_ms();
		xml_rig_drip(&g, buf_str(&b), true);
		uint64_t took = clock_mono_ms() - start;
		if (took > 5000)
			fail_msg("%s: %u ms", begins[i], (unsigned)took);
		xml_rig_deinit(&g);
		buf_deinit(&b);
	}
}

static size_t
heap_now(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

/* Unique names are cut off at 1 MiB, with limits of this size far earlier. */
static void
flood_names(const char *unit, bool idle)
{
	struct xml_rig g;
	struct buf text = {0};
	size_t before = heap_now(), most = 0;
	unsigned i = 0;
	xml_rig_init(&g, "jabber:client", NULL);
	xml_rig_feed(&g, S(STREAM));
	for (; i < 200000 && !g.error; i++) {
		buf_clear(&text);
		add_unit(&text, unit, i);
		xml_rig_feed(&g, buf_str(&text));
		buf_clear(&g.log);
		if (idle && i % 1000 == 0)
			xml_reader_idle(g.reader);
		size_t now = heap_now();
		if (now > before && now - before > most)
			most = now - before;
	}
	assert_int_equal(g.error, idle ? XML_OK : XML_TOO_COMPLEX);
	assert_true(idle || i < 20000);
	assert_true(most < 1024 * 1024);
	assert_true(xml_reader_dict_used(g.reader) > 10000);
	buf_deinit(&text);
	xml_rig_deinit(&g);
}

static void
test_inv_02_unique_names(void **state)
{
	(void)state;
	flood_names("<name#/>", false);
	flood_names("<a attr#=''/>", false);
	flood_names("<a xmlns='urn:x:#'/>", false);
	flood_names("<a xmlns:prefix#='u'/>", false);
}

/* Who lets the reader forget holds no more at a time, and goes on: an honest client that wakes up ten
 * thousand times says the same few names each time. */
static void
test_inv_02_names_across_idle(void **state)
{
	(void)state;
	flood_names("<name#/>", true);
}

/* Nothing that strangers say is kept for the process: a million names, and when their connections are gone nothing is left.
 * (Under a sanitizer mallinfo says 0, and the leak is found at the end.) */
static void
test_inv_21_names_go_with_their_connection(void **state)
{
	static const char *const units[] = {"<name# attr#='v#'/>", "<p#:a xmlns:p#='urn:x:#'/>"};
	struct buf text = {0};
	size_t before = 0;
	unsigned n = 0;

	(void)state;
	for (unsigned connection = 0; n < 1000000; connection++) {
		struct xml_rig g;
		xml_rig_init(&g, "jabber:client", NULL);
		xml_rig_feed(&g, S(STREAM));
		for (unsigned i = 0; i < 1000; i++) {
			buf_clear(&text);
			add_unit(&text, units[connection % COUNT(units)], n);
			n += 2;
			xml_rig_feed(&g, buf_str(&text));
			buf_clear(&g.log);
		}
		xml_rig_deinit(&g);
		if (connection == 10)
			before = heap_now();
	}
	assert_true(heap_now() <= before + 64 * 1024);
	buf_deinit(&text);
}

static void
test_inv_02_one_tag_full_of_names(void **state)
{
	(void)state;
	struct xml_limits l = xml_rig_limits;
	l.attributes = 1000000;
	l.bytes = 1000000;
	check_budget(repeated("<a", " b#=''", 60000, "/>"), &l, XML_TOO_COMPLEX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_02_depth),
	    cmocka_unit_test(test_inv_02_elements),
	    cmocka_unit_test(test_inv_02_attributes),
	    cmocka_unit_test(test_inv_02_root_attributes),
	    cmocka_unit_test(test_inv_02_bytes),
	    cmocka_unit_test(test_inv_02_stream_header_bytes),
	    cmocka_unit_test(test_white_space_is_free),
	    cmocka_unit_test(test_inv_02_amplification),
	    cmocka_unit_test(test_inv_02_pending_tokens_are_linear),
	    cmocka_unit_test(test_inv_02_unique_names),
	    cmocka_unit_test(test_inv_02_names_across_idle),
	    cmocka_unit_test(test_inv_02_one_tag_full_of_names),
	    cmocka_unit_test(test_inv_21_names_go_with_their_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libxml2 against its defaults: each trap of SECURITY.md §1.3, and the budgets of INV-2. */
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

/* From the first byte of a stream, at once and dripped; the error must be the same. */
static void
check_stream(struct str bytes, enum xml_error expected)
{
	for (int drip = 0; drip < 2; drip++) {
		struct xml_rig g;
		xml_rig_init(&g, "jabber:client", NULL);
		enum xml_error e = drip ? xml_rig_drip(&g, bytes, false) : xml_rig_feed(&g, bytes);
		if (e != expected)
			fail_msg("%.*s (drip %d): %d, not %d", STR_ARG(bytes), drip, (int)e,
			    (int)expected);
		xml_rig_deinit(&g);
	}
}

static void
check_content(struct str content, enum xml_error expected)
{
	struct buf b = {0};
	buf_add_z(&b, STREAM);
	buf_add_str(&b, content);
	check_stream(buf_str(&b), expected);
	buf_deinit(&b);
}

#define CONTENT(lit, expected) check_content(S(lit), expected)

static void
test_inv_01_doctype(void **state)
{
	(void)state;
	check_stream(S("<!DOCTYPE stream SYSTEM 'file:///etc/passwd'>" STREAM), XML_RESTRICTED);
	check_stream(
	    S("<?xml version='1.0'?><!DOCTYPE stream PUBLIC 'a' 'http://127.0.0.1/x'>" STREAM),
	    XML_RESTRICTED);
	check_stream(S("<!DOCTYPE s [<!ENTITY a 'x'>]>" STREAM "<m>&a;</m>"), XML_RESTRICTED);
	check_stream(S("<!DOCTYPE s [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>" STREAM),
	    XML_RESTRICTED);
	check_stream(
	    S("<!DOCTYPE s [<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>" STREAM),
	    XML_RESTRICTED);
	CONTENT("<!DOCTYPE x><message/>", XML_RESTRICTED);
	CONTENT("<message><!DOCTYPE x></message>", XML_RESTRICTED);
	CONTENT("</stream:stream><!DOCTYPE x>", XML_RESTRICTED);
}

static void
test_inv_01_entity_in_text(void **state)
{
	(void)state;
	CONTENT("<message><body>&foo;</body></message>", XML_RESTRICTED);
	CONTENT("<message><body>&nbsp;</body></message>", XML_RESTRICTED);
	CONTENT("<message>&lt;&gt;&amp;&apos;&quot;&#65;&#x42;</message>", XML_OK);
	CONTENT("<message>&</message>", XML_NOT_WELL_FORMED);
	CONTENT("<message>& </message>", XML_NOT_WELL_FORMED);
	CONTENT("<message>&;</message>", XML_NOT_WELL_FORMED);
}

static void
test_inv_01_entity_in_attribute(void **state)
{
	(void)state;
	CONTENT("<message id='&foo;'/>", XML_RESTRICTED);
	CONTENT("<message xmlns='&foo;'/>", XML_RESTRICTED);
	CONTENT("<message id='&lt;&amp;&#65;'/>", XML_OK);
	CONTENT("<message id='<'/><a/>", XML_NOT_WELL_FORMED);
}

static void
test_inv_01_comment(void **state)
{
	(void)state;
	check_stream(S("<!-- x -->" STREAM), XML_RESTRICTED);
	check_stream(S("<?xml version='1.0'?><!-- x -->" STREAM), XML_RESTRICTED);
	CONTENT("<!-- x -->", XML_RESTRICTED);
	CONTENT("<message><!-- x --></message>", XML_RESTRICTED);
	CONTENT("<message><body>a<!-- x -->b</body></message>", XML_RESTRICTED);
	CONTENT("</stream:stream><!-- x -->", XML_RESTRICTED);
	CONTENT("<!-- never closed", XML_RESTRICTED);
}

static void
test_inv_01_instruction(void **state)
{
	(void)state;
	check_stream(S("<?x y?>" STREAM), XML_RESTRICTED);
	check_stream(S("<?xml version='1.0'?><?x y?>" STREAM), XML_RESTRICTED);
	check_stream(S("<?xml-stylesheet href='x'?>" STREAM), XML_RESTRICTED);
	CONTENT("<?x y?>", XML_RESTRICTED);
	CONTENT("<message><?x y?></message>", XML_RESTRICTED);
	CONTENT("<message><?xml version='1.0'?></message>", XML_RESTRICTED);
	CONTENT("</stream:stream><?x y?>", XML_RESTRICTED);
}

static void
test_inv_04_encoding_declaration(void **state)
{
	(void)state;
	static const char *const bad[] = {"UTF-7", "ISO-8859-1", "UTF-16", "UTF-16LE", "US-ASCII",
	    "UTF-8x", "UTF8", "", "windows-1252", "EBCDIC-CP-US"};
	struct buf b = {0};
	for (size_t i = 0; i < COUNT(bad); i++) {
		buf_clear(&b);
		buf_printf(
		    &b, "<?xml version='1.0' encoding='%s'?>" STREAM "<m>+ADw-x+AD4-</m>", bad[i]);
		check_stream(buf_str(&b), XML_UNSUPPORTED_ENCODING);
	}
	buf_deinit(&b);
	check_stream(S("<?xml version=\"1.0\"\n encoding = \"ISO-8859-1\" ?>" STREAM),
	    XML_UNSUPPORTED_ENCODING);
	check_stream(S("<?xml encoding='UTF-7' version='1.0'?>" STREAM), XML_UNSUPPORTED_ENCODING);
	check_stream(
	    S("<?xml version='1.0' encoding='UTF-8'?>" STREAM "<m>+ADw-x+AD4-</m>"), XML_OK);
	check_stream(S("<?xml version='1.0' encoding='utf-8' standalone='yes'?>" STREAM), XML_OK);
	check_stream(S("<?xml version=\"1.0\"?>" STREAM), XML_OK);
	check_stream(S(STREAM), XML_OK);
}

static void
test_inv_04_byte_order_marks(void **state)
{
	(void)state;
	check_stream(S("\xFF\xFE<\0s\0>\0"), XML_UNSUPPORTED_ENCODING);
	check_stream(S("\xFE\xFF\0<\0s\0>"), XML_UNSUPPORTED_ENCODING);
	check_stream(S("<\0s\0>\0"), XML_UNSUPPORTED_ENCODING);
	check_stream(S("\0<\0s\0>"), XML_UNSUPPORTED_ENCODING);
	check_stream(S("\0\0\xFE\xFF\0\0\0<"), XML_UNSUPPORTED_ENCODING);
	check_stream(S("\xEF\xBB\xBF" STREAM), XML_NOT_WELL_FORMED); /* RFC 6120 §11.6: no mark */
	check_stream(S("garbage"), XML_NOT_WELL_FORMED);
	check_stream(S("\x16\x03\x01\x02"), XML_NOT_WELL_FORMED); /* a TLS hello */
	check_stream(S("GET / HTTP/1.1\r\n"), XML_NOT_WELL_FORMED);
}

static void
test_inv_04_version(void **state)
{
	(void)state;
	check_stream(S("<?xml version='1.1'?>" STREAM), XML_NOT_WELL_FORMED);
	check_stream(S("<?xml version='2.0'?>" STREAM), XML_NOT_WELL_FORMED);
	check_stream(S("<?xml version=''?>" STREAM), XML_NOT_WELL_FORMED);
	check_stream(S("<?xml?>" STREAM), XML_RESTRICTED);
	check_stream(S("<?xml encoding='UTF-8'?>" STREAM), XML_NOT_WELL_FORMED);
	check_stream(S("<?xml version='1.0' nonsense?>" STREAM), XML_NOT_WELL_FORMED);
	check_stream(S("<?xml version='1.0'?><?xml version='1.0'?>" STREAM), XML_RESTRICTED);
}

static void
test_inv_04_endless_declaration(void **state)
{
	(void)state;
	char b[1000];
	memset(b, ' ', sizeof(b));
	memcpy(b, "<?xml ", 6);
	check_stream(str_of(b, sizeof(b)), XML_NOT_WELL_FORMED);
}

static void
test_inv_04_namespaces(void **state)
{
	(void)state;
	CONTENT("<p:message/>", XML_BAD_PREFIX);
	CONTENT("<message p:id='x'/>", XML_BAD_PREFIX);
	CONTENT("<message><p:x/></message>", XML_BAD_PREFIX);
	CONTENT("<message><x xmlns:p='urn:p'/><p:x/></message>", XML_BAD_PREFIX);
	CONTENT("<message xmlns:p=''/>", XML_BAD_PREFIX);
	CONTENT("<xml:message/>", XML_BAD_PREFIX);
	CONTENT("<message><xml:x/></message>", XML_BAD_PREFIX);
	CONTENT("<message a:b:c='x'/>", XML_NOT_WELL_FORMED);
	CONTENT("<a:b:c/>", XML_NOT_WELL_FORMED);
	CONTENT("<stream:a:b/>", XML_NOT_WELL_FORMED);
	CONTENT("<message xmlns:xml='urn:x'/>", XML_BAD_PREFIX);
	CONTENT("<message xmlns:p='http://www.w3.org/XML/1998/namespace'/>", XML_BAD_PREFIX);
	CONTENT("<message xmlns='http://www.w3.org/2000/xmlns/'/>", XML_BAD_PREFIX);
	CONTENT("<message xmlns:xmlns='urn:x'/>", XML_BAD_PREFIX);
	CONTENT("<x xmlns:a='urn:a' xmlns:b='urn:a' a:c='1' b:c='2'/>", XML_NOT_WELL_FORMED);
	CONTENT("<x a='1' a='2'/>", XML_NOT_WELL_FORMED);
	CONTENT("<x xmlns='urn:a' xmlns='urn:b'/>", XML_NOT_WELL_FORMED);
	CONTENT("<:x/>", XML_NOT_WELL_FORMED);
	CONTENT("<x:/>", XML_NOT_WELL_FORMED);
}

/* F-33: a namespace is a name, not a URI. */
static void
test_odd_namespace_names(void **state)
{
	(void)state;
	CONTENT("<message><x xmlns='remoteGetUserQuota'/></message>", XML_OK);
	CONTENT("<message><x xmlns='vcard-temp'/></message>", XML_OK);
	CONTENT("<message><x xmlns='a b %zz \xC3\xA9 {}'/></message><message/>", XML_OK);
	CONTENT("<message><x xmlns='a b'/><p:y/></message>", XML_BAD_PREFIX);
	CONTENT("<message><p:x xmlns='a b'/></message>", XML_BAD_PREFIX);
	CONTENT("<message><x xmlns='urn:x' xml:lang='not a language!' xml:space='odd'/></message>",
	    XML_OK);
}

static void
test_inv_04_invalid_characters(void **state)
{
	(void)state;
	static const char *const bad[] = {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF",
	    "\xF0\x80\x80\xAF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80",
	    "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xEF\xBF\xBE", "\xEF\xBF\xBF", "\xC3", "\xE2\x82",
	    "\x01", "\x08", "\x0B", "\x0C", "\x1F", "&#0;", "&#1;", "&#xD800;", "&#xFFFE;",
	    "&#x110000;", "&#99999999999;", "]]>", "&#x;", "&#;"};
	struct buf b = {0};
	for (size_t i = 0; i < COUNT(bad); i++) {
		buf_clear(&b);
		buf_printf(&b, "<message><body>%s</body></message>", bad[i]);
		check_content(buf_str(&b), XML_NOT_WELL_FORMED);
		if (str_is(str_z(bad[i]), "]]>"))
			continue;
		buf_clear(&b);
		buf_printf(&b, "<message id='%s'/>", bad[i]);
		check_content(buf_str(&b), XML_NOT_WELL_FORMED);
	}
	buf_deinit(&b);
	CONTENT("<message><body>\0</body></message>", XML_NOT_WELL_FORMED);
	CONTENT("<message><body><![CDATA[\xC0\xAF]]></body></message>", XML_NOT_WELL_FORMED);
	CONTENT("<m\xC0\xAF/>", XML_NOT_WELL_FORMED);
	CONTENT("<message><body>\xF0\x9F\x98\x80\x7F\xEF\xB7\x90</body></message>", XML_OK);
}

static void
test_inv_04_not_well_formed(void **state)
{
	(void)state;
	static const char *const bad[] = {"<a></b>", "<a/></a>", "<a b/>", "<a b=c/>",
	    "<a b='c'd='e'/>", "< a/>", "<a><b></a></b>", "<a ></ a>", "text", "<![CDATA[x]]>",
	    "<1/>", "<a/>text<b/>", "</stream>", "</stream:stream><a/>", "</stream:stream>x<",
	    "<a/>&#120;<b/>", "<![INCLUDE[x]]>"};
	for (size_t i = 0; i < COUNT(bad); i++)
		check_content(str_z(bad[i]), XML_NOT_WELL_FORMED);
}

/* Names of XML 1.0's fifth edition: a peer's Expat would end the stream that we relay them on. */
static void
test_inv_04_names_of_the_fifth_edition(void **state)
{
	(void)state;
	CONTENT("<\xEF\xBB\xBFx/>", XML_NOT_WELL_FORMED);
	CONTENT("<message \xF0\x90\x90\xA8='1'/>", XML_NOT_WELL_FORMED);
	CONTENT("<\xC3\xA9 \xD7\x90='1'/>", XML_OK);
}

/* --- budgets */

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
	check_stream(buf_str(&b), XML_TOO_COMPLEX);
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
	    cmocka_unit_test(test_inv_01_doctype),
	    cmocka_unit_test(test_inv_01_entity_in_text),
	    cmocka_unit_test(test_inv_01_entity_in_attribute),
	    cmocka_unit_test(test_inv_01_comment),
	    cmocka_unit_test(test_inv_01_instruction),
	    cmocka_unit_test(test_inv_04_encoding_declaration),
	    cmocka_unit_test(test_inv_04_byte_order_marks),
	    cmocka_unit_test(test_inv_04_version),
	    cmocka_unit_test(test_inv_04_endless_declaration),
	    cmocka_unit_test(test_inv_04_namespaces),
	    cmocka_unit_test(test_odd_namespace_names),
	    cmocka_unit_test(test_inv_04_invalid_characters),
	    cmocka_unit_test(test_inv_04_not_well_formed),
	    cmocka_unit_test(test_inv_04_names_of_the_fifth_edition),
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

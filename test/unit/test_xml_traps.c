/* libxml2 against its defaults: each trap of SECURITY.md §1.3. */

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
	CONTENT("<p:message/>", XML_NOT_WELL_FORMED);
	CONTENT("<message p:id='x'/>", XML_NOT_WELL_FORMED);
	CONTENT("<message><p:x/></message>", XML_NOT_WELL_FORMED);
	CONTENT("<message><x xmlns:p='urn:p'/><p:x/></message>", XML_NOT_WELL_FORMED);
	CONTENT("<message xmlns:p=''/>", XML_NOT_WELL_FORMED);
	CONTENT("<xml:message/>", XML_NOT_WELL_FORMED);
	CONTENT("<message><xml:x/></message>", XML_NOT_WELL_FORMED);
	CONTENT("<message a:b:c='x'/>", XML_NOT_WELL_FORMED);
	CONTENT("<a:b:c/>", XML_NOT_WELL_FORMED);
	CONTENT("<stream:a:b/>", XML_NOT_WELL_FORMED);
	CONTENT("<message xmlns:xml='urn:x'/>", XML_NOT_WELL_FORMED);
	CONTENT("<message xmlns:p='http://www.w3.org/XML/1998/namespace'/>", XML_NOT_WELL_FORMED);
	CONTENT("<message xmlns='http://www.w3.org/2000/xmlns/'/>", XML_NOT_WELL_FORMED);
	CONTENT("<message xmlns:xmlns='urn:x'/>", XML_NOT_WELL_FORMED);
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
	CONTENT("<message><x xmlns='a b'/><p:y/></message>", XML_NOT_WELL_FORMED);
	CONTENT("<message><p:x xmlns='a b'/></message>", XML_NOT_WELL_FORMED);
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
test_inv_04_open_start_tag(void **state)
{
	(void)state;
	struct xml_rig g;
	xml_rig_init(&g, "jabber:client", NULL);
	assert_int_equal(xml_rig_feed(&g, S("<s a='1' \0>")), XML_NOT_WELL_FORMED);
	assert_true(str_is(buf_str(&g.log), "error 1\n"));
	xml_rig_deinit(&g);
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
	    cmocka_unit_test(test_inv_04_open_start_tag),
	    cmocka_unit_test(test_inv_04_not_well_formed),
	    cmocka_unit_test(test_inv_04_names_of_the_fifth_edition),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* writer: namespaces, escapes, whole stanzas, types and errors. What it writes is canonical. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "xml/writer.h"
#include "xml_rig.h"

#define NONE ((struct str){0})

static void
check(struct buf *b, const char *expected)
{
	buf_add_c(b, '\0');
	assert_string_equal((const char *)b->data, expected);
	buf_deinit(b);
}

static void
test_elements(void **state)
{
	(void)state;
	struct buf b = {0};
	struct xml_writer w;
	xw_init(&w, &b, S("jabber:client"));
	xw_open(&w, S("urn:xmpp:carbons:2"), S("sent"));
	xw_open(&w, S("urn:xmpp:forward:0"), S("forwarded"));
	xw_open(&w, S("jabber:client"), S("message"));
	xw_attr(&w, "to", S("a@b"));
	xw_attr_if(&w, "id", NONE);
	xw_attr_if(&w, "xml:lang", S("en"));
	xw_raw(&w, S("<body>x</body>"));
	xw_raw(&w, NONE);
	xw_open(&w, NONE, S("thread"));
	xw_close(&w);
	xw_close(&w);
	xw_leaf(&w, S("urn:xmpp:forward:0"), "same", NONE);
	xw_leaf(&w, NONE, "text", S("t"));
	xw_close(&w);
	xw_close(&w);
	xw_leaf(&w, S("jabber:client"), "body", S("hi"));
	check(&b,
	    "<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<message xmlns='jabber:client' to='a@b' xml:lang='en'><body>x</body><thread/></message>"
	    "<same/><text>t</text></forwarded></sent><body>hi</body>");
}

static const struct {
	struct str in;
	const char *text, *attr;
} escapes[] = {
    {S("plain"), "plain", "plain"},
    {S("<>&'\""), "&lt;&gt;&amp;'\"", "&lt;&gt;&amp;&apos;&quot;"},
    {S("]]>"), "]]&gt;", "]]&gt;"},
    {S("a\r\n\tb"), "a&#13;\n\tb", "a&#13;&#10;&#9;b"},
    {S("\xC3\xA9\xF0\x9F\x98\x80"), "\xC3\xA9\xF0\x9F\x98\x80", "\xC3\xA9\xF0\x9F\x98\x80"},
    /* what XML does not allow is left out */
    {S("a\x01"
       "b\0c\x1F\x7F"),
	"abc\x7F", "abc\x7F"},
    {S("a\xFF"
       "b\xC0\xAF"
       "c"),
	"abc", "abc"},
    {S("a\xED\xA0\x80"
       "b"),
	"ab", "ab"},
    {S("a\xEF\xBF\xBE\xEF\xBF\xBF"
       "b\xEF\xBF\xBD"),
	"ab\xEF\xBF\xBD", "ab\xEF\xBF\xBD"},
    {S("cut\xE2\x82"), "cut", "cut"},
    {S("\xFF"), "", ""},
    {S(""), "", ""},
};

static void
test_escapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(escapes); i++) {
		struct buf b = {0};
		struct xml_writer w;
		xw_init(&w, &b, NONE);
		xw_open(&w, NONE, S("a"));
		xw_attr(&w, "b", escapes[i].in);
		xw_open(&w, NONE, S("c"));
		xw_text(&w, escapes[i].in);
		xw_text(&w, S("."));
		xw_close(&w);
		xw_close(&w);
		struct buf expected = {0};
		buf_printf(&expected, "<a b='%s'><c>%s.</c></a>", escapes[i].attr, escapes[i].text);
		buf_add_c(&expected, '\0');
		check(&b, (const char *)expected.data);
		buf_deinit(&expected);
		xml_escape(&b, escapes[i].in);
		check(&b, escapes[i].attr);
	}
}

static void
test_inv_04_written_is_canonical(void **state)
{
	(void)state;
	struct buf b = {0};
	struct xml_writer w;
	xw_init(&w, &b, S("jabber:client"));
	for (size_t i = 0; i < COUNT(escapes); i++) {
		xw_open(&w, S("urn:x"), S("x"));
		xw_attr(&w, "a", escapes[i].in);
		xw_open(&w, S("jabber:client"), S("y"));
		xw_text(&w, escapes[i].in);
		xml_write_error(&w, SE_CONFLICT, escapes[i].in);
		xw_close(&w);
		xw_leaf(&w, NONE, "z", NONE);
		xw_close(&w);
	}
	char *again = xml_rig_payload_of("jabber:client", buf_str(&b));
	buf_add_c(&b, '\0');
	assert_string_equal((const char *)b.data, again);
	free(again);
	buf_deinit(&b);
}

static void
test_stanzas(void **state)
{
	(void)state;
	struct buf b = {0};
	struct stanza s = {.kind = STANZA_PRESENCE, .type = TYPE_AVAILABLE};
	xml_write_stanza(&b, &s);
	s = (struct stanza){.kind = STANZA_MESSAGE,
	    .type = TYPE_CHAT,
	    .from = S("a@b/'c"),
	    .to = S("d@e"),
	    .id = S("1&2"),
	    .lang = S("de"),
	    .payload = S("<body>x</body>")};
	xml_write_stanza(&b, &s);
	s = (struct stanza){.kind = STANZA_IQ, .type = TYPE_RESULT, .id = S("7")};
	xml_write_stanza(&b, &s);
	check(&b,
	    "<presence/><message from='a@b/&apos;c' to='d@e' id='1&amp;2' type='chat' xml:lang='de'>"
	    "<body>x</body></message><iq id='7' type='result'/>");
}

static void
test_types(void **state)
{
	(void)state;
	static const struct {
		enum stanza_kind kind;
		const char *text;
		bool ok;
		enum stanza_type type;
	} cases[] = {
	    {STANZA_MESSAGE, "", true, TYPE_NORMAL},
	    {STANZA_MESSAGE, "normal", true, TYPE_NORMAL},
	    {STANZA_MESSAGE, "chat", true, TYPE_CHAT},
	    {STANZA_MESSAGE, "groupchat", true, TYPE_GROUPCHAT},
	    {STANZA_MESSAGE, "headline", true, TYPE_HEADLINE},
	    {STANZA_MESSAGE, "error", true, TYPE_ERROR},
	    {STANZA_MESSAGE, "get", true, TYPE_NORMAL},
	    {STANZA_MESSAGE, "CHAT", true, TYPE_NORMAL},
	    {STANZA_PRESENCE, "", true, TYPE_AVAILABLE},
	    {STANZA_PRESENCE, "available", false, TYPE_COUNT},
	    {STANZA_PRESENCE, "unavailable", true, TYPE_UNAVAILABLE},
	    {STANZA_PRESENCE, "subscribe", true, TYPE_SUBSCRIBE},
	    {STANZA_PRESENCE, "probe", true, TYPE_PROBE},
	    {STANZA_PRESENCE, "chat", false, TYPE_COUNT},
	    {STANZA_IQ, "", false, TYPE_COUNT},
	    {STANZA_IQ, "get", true, TYPE_GET},
	    {STANZA_IQ, "error", true, TYPE_ERROR},
	    {STANZA_IQ, "chat", false, TYPE_COUNT},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum stanza_type type = TYPE_COUNT;
		assert_int_equal(
		    stanza_type_parse(cases[i].kind, str_z(cases[i].text), &type), cases[i].ok);
		assert_int_equal(type, cases[i].type);
	}
	assert_string_equal(stanza_kind_name(STANZA_IQ), "iq");
	assert_null(stanza_type_name(TYPE_NORMAL));
	assert_null(stanza_type_name(TYPE_AVAILABLE));
	assert_string_equal(stanza_type_name(TYPE_PROBE), "probe");
}

static void
test_errors(void **state)
{
	(void)state;
	static const char *const types[] = {"auth", "cancel", "modify", "wait"};
	struct buf b = {0};
	struct xml_writer w;
	xw_init(&w, &b, S("jabber:client"));
	xml_write_error(&w, SE_ITEM_NOT_FOUND, NONE);
	xml_write_error(&w, SE_FORBIDDEN, S("no & no"));
	check(&b,
	    "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
	    "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
	    "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no &amp; no</text></error>");
	for (unsigned i = SE_NONE + 1; i < SE_COUNT; i++) {
		struct buf one = {0};
		bool known = false;
		xml_write_error(&(struct xml_writer){.out = &one}, (enum stanza_error)i, NONE);
		for (size_t t = 0; t < COUNT(types); t++)
			known |= str_starts(
			    str_from(buf_str(&one), strlen("<error type='")), str_z(types[t]));
		assert_true(known);
		assert_non_null(stanza_error_name((enum stanza_error)i));
		buf_deinit(&one);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_elements),
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_inv_04_written_is_canonical),
	    cmocka_unit_test(test_stanzas),
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* reader: events, chunking, idling, stopping, restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "base/stanza.h"
#include "xml_rig.h"

static const char stream_text[] = XML_RIG_HEADER
    "\n <message id='a&amp;&#10;&lt;b' xml:lang='en' f:x='1'><body>Hi &lt;\xC3\xA9&gt; &#x1F600;</body>"
    "<f:x f:a='1' b=\"'\"><y xmlns=''/><message xmlns='jabber:client'><body/></message></f:x></message>\r\n"
    "<presence><priority>-3</priority><show>away</show></presence>"
    "<iq type='get' id='1'><query xmlns='jabber:iq:roster'></query></iq>  "
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGE+/==</auth>"
    "<message>t<![CDATA[<&]]]]><![CDATA[>]]>u<a\n x = '>' y=\"/>\"\t/>\r\n</message >"
    "</stream:stream> ";

static const char transcript[] =
    "open {http://etherx.jabber.org/streams}stream {}to=example.com facts=0 prio=0 n=0 first={} text=0|\n"
    "element {jabber:client}message {}id=a&\n<b {http://www.w3.org/XML/1998/namespace}lang=en {urn:f}x=1 facts=1 "
    "prio=0 n=2 first={jabber:client}body text=0|<body>Hi &lt;\xC3\xA9&gt; \xF0\x9F\x98\x80</body>"
    "<x xmlns='urn:f' xmlns:ns1='urn:f' ns1:a='1' b='&apos;'><y xmlns=''/>"
    "<message xmlns='jabber:client'><body/></message></x>\n"
    "element {jabber:client}presence facts=20000 prio=-3 n=2 first={jabber:client}priority text=0|"
    "<priority>-3</priority><show>away</show>\n"
    "element {jabber:client}iq {}type=get {}id=1 facts=0 prio=0 n=1 first={jabber:iq:roster}query text=0|"
    "<query xmlns='jabber:iq:roster'/>\n"
    "element {urn:ietf:params:xml:ns:xmpp-sasl}auth {}mechanism=PLAIN facts=0 prio=0 n=0 first={} text=1|AGE+/==\n"
    "element {jabber:client}message facts=0 prio=0 n=1 first={jabber:client}a text=1|"
    "t&lt;&amp;]]&gt;u<a x='&gt;' y='/&gt;'/>\n\n"
    "close\n";

static void
check_log(struct xml_rig *g, const char *expected)
{
	buf_add_c(&g->log, '\0');
	assert_string_equal((const char *)g->log.data, expected);
}

static void
test_events(void **state)
{
	(void)state;
	struct xml_rig g;
	xml_rig_init(&g, "jabber:client", NULL);
	assert_int_equal(xml_rig_feed(&g, str_z(stream_text)), XML_OK);
	assert_int_equal(g.used, sizeof(stream_text) - 1);
	check_log(&g, transcript);
	xml_rig_deinit(&g);
}

static void
test_chunks_at_every_point(void **state)
{
	(void)state;
	struct xml_pool *pool = xml_pool_new();
	for (size_t cut = 0; cut < sizeof(stream_text); cut++) {
		for (int idle = 0; idle < 3; idle++) {
			struct xml_rig g;
			xml_rig_init(&g, "jabber:client", NULL);
			if (idle == 2)
				xml_reader_share(g.reader, pool);
			xml_rig_feed(&g, str_of(stream_text, cut));
			if (idle)
				xml_reader_idle(g.reader);
			xml_rig_feed(&g, str_of(stream_text + cut, sizeof(stream_text) - 1 - cut));
			check_log(&g, transcript);
			xml_rig_deinit(&g);
		}
	}
	xml_pool_free(&pool);
}

static void
test_chunks_of_every_size(void **state)
{
	(void)state;
	struct xml_pool *pool = xml_pool_new();
	const size_t all = sizeof(stream_text) - 1;
	for (size_t size = 1; size < 40; size++) {
		for (int idle = 0; idle < 3; idle++) {
			struct xml_rig g;
			xml_rig_init(&g, "jabber:client", NULL);
			if (idle == 2)
				xml_reader_share(g.reader, pool);
			for (size_t at = 0; at < all; at += size) {
				xml_rig_feed(&g,
				    str_of(stream_text + at, all - at < size ? all - at : size));
				if (idle)
					xml_reader_idle(g.reader);
			}
			check_log(&g, transcript);
			xml_rig_deinit(&g);
		}
	}
	xml_pool_free(&pool);
}

/* Every prefix of a broken stream must end the same way, however it is cut. */
static void
test_chunks_of_errors(void **state)
{
	(void)state;
	static const char *const bad[] = {"<message/><p:x/><message/>",
	    "<message><a></b></message>", "<message/>text<message/>",
	    "<message/><!-- x --><message/>", "<message id='&x;'/>", "<message/><!DOCTYPE x><a/>",
	    "<a b='1' b='2'/>", "<message>\xFF</message>", "</stream:stream><a/>"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct buf b = {0};
		struct xml_rig whole;
		buf_add_z(&b, XML_RIG_HEADER);
		buf_add_z(&b, bad[i]);
		struct str all = buf_str(&b);
		xml_rig_init(&whole, "jabber:client", NULL);
		xml_rig_feed(&whole, all);
		assert_int_not_equal(whole.error, XML_OK);
		buf_add_c(&whole.log, '\0');
		for (size_t cut = 0; cut <= all.n; cut++) {
			struct xml_rig g;
			xml_rig_init(&g, "jabber:client", NULL);
			xml_rig_feed(&g, str_of(all.p, cut));
			xml_rig_drip(&g, str_from(all, cut), false);
			check_log(&g, (const char *)whole.log.data);
			xml_rig_deinit(&g);
		}
		xml_rig_deinit(&whole);
		buf_deinit(&b);
	}
}

static void
test_big_element_in_chunks(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_add_z(&b, "<message><body>");
	for (int i = 0; i < 20000; i++)
		buf_add_z(&b, "word \xE2\x82\xAC ");
	buf_add_z(&b, "</body><x xmlns='urn:x' a='");
	for (int i = 0; i < 10000; i++)
		buf_add_z(&b, "value=");
	buf_add_z(&b, "'/></message>");
	for (size_t size = 1; size < 200000; size = size * 3 + 1) {
		struct xml_rig g;
		xml_rig_init(&g, "jabber:client", NULL);
		xml_rig_feed(&g, S(XML_RIG_HEADER));
		for (size_t at = 0; at < buf_len(&b); at += size) {
			struct str rest = str_from(buf_str(&b), at);
			xml_rig_feed(&g, str_of(rest.p, rest.n < size ? rest.n : size));
		}
		assert_int_equal(g.error, XML_OK);
		assert_int_equal(g.elements, 1);
		assert_int_equal(buf_len(&g.payload), buf_len(&b) - strlen("<message></message>"));
		xml_rig_deinit(&g);
	}
	buf_deinit(&b);
}

static void
test_idle_keeps_declarations(void **state)
{
	(void)state;
	struct xml_rig g;
	xml_rig_init(&g, "jabber:client", NULL);
	xml_rig_feed(&g,
	    S("<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' "
	      "xmlns:q='a&amp;&apos;&lt;&#10;b'>"));
	xml_reader_idle(g.reader);
	xml_reader_idle(g.reader);
	xml_rig_feed(&g, S(" \n"));
	xml_rig_feed(&g, S("<q:x/><message/>"));
	xml_reader_idle(g.reader);
	xml_rig_feed(&g, S("<unbound:x/>"));
	check_log(&g,
	    "open {http://etherx.jabber.org/streams}stream facts=0 prio=0 n=0 first={} text=0|\n"
	    "element {a&'<\nb}x facts=0 prio=0 n=0 first={} text=0|\n"
	    "element {jabber:client}message facts=0 prio=0 n=0 first={} text=0|\n"
	    "error 1\n");
	xml_rig_deinit(&g);
}

static void
test_idle_only_between_elements(void **state)
{
	(void)state;
	struct xml_rig g;
	xml_rig_init(&g, "jabber:client", NULL);
	xml_reader_idle(g.reader);
	xml_rig_drip(&g, S(XML_RIG_HEADER "<message id='x'><body>a b"), true);
	xml_rig_drip(&g, S("</body></message> <mess"), true);
	xml_rig_drip(&g, S("age/></stream:stream> "), true);
	assert_int_equal(g.error, XML_OK);
	assert_int_equal(g.elements, 2);
	assert_int_equal(xml_rig_feed(&g, S("<message/>")), XML_NOT_WELL_FORMED);
	xml_rig_deinit(&g);
}

static void
test_used_bytes_at_a_stop(void **state)
{
	(void)state;
	static const struct {
		const char *before, *behind;
	} cases[] = {
	    {XML_RIG_HEADER "<message/><stop/>", "<message/>"},
	    {XML_RIG_HEADER "<message/><stop/>", "\x16\x03\x01 not XML"},
	    {XML_RIG_HEADER "<stop>text</stop>", ""},
	    {XML_RIG_HEADER "<stop><a b='&gt;'>\xC3\xA9</a></stop  >", "\n <x"},
	    {"<?xml version='1.0'?><stop>", "<message/>"},
	    {"<stop a='1' xmlns='urn:x'>", "\n<message/>"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = {0};
		buf_add_z(&b, cases[i].before);
		size_t expected = buf_len(&b);
		buf_add_z(&b, cases[i].behind);
		for (size_t cut = 0; cut < expected; cut++) {
			struct xml_rig g;
			struct str all = buf_str(&b);
			xml_rig_init(&g, "jabber:client", NULL);
			assert_int_equal(xml_rig_feed(&g, str_of(all.p, cut)), XML_OK);
			assert_int_equal(g.used, cut);
			assert_int_equal(xml_rig_feed(&g, str_from(all, cut)), XML_STOPPED);
			assert_int_equal(g.used + cut, expected);
			assert_int_equal(xml_rig_feed(&g, S("<more/>")), XML_STOPPED);
			assert_int_equal(g.used, 0);
			xml_rig_deinit(&g);
		}
		buf_deinit(&b);
	}
}

static void
test_restart(void **state)
{
	(void)state;
	struct xml_rig g;
	xml_rig_init(&g, "jabber:client", NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    xml_rig_feed(&g, S(XML_RIG_HEADER "<message/><stop/>")), XML_STOPPED);
		size_t names = xml_reader_dict_used(g.reader);
		xml_reader_reset(g.reader);
		assert_int_equal(xml_reader_dict_used(g.reader), names);
	}
	assert_int_equal(xml_rig_feed(&g, S("\n")), XML_OK); /* sent behind the last stanza */
	assert_int_equal(
	    xml_rig_feed(&g, S("<?xml version='1.0'?><s xmlns='urn:s'><a/></s>")), XML_OK);
	assert_int_equal(g.elements, 7);
	xml_reader_reset(g.reader);
	assert_int_equal(xml_rig_feed(&g, S("<f:x xmlns='urn:s'/>")), XML_NOT_WELL_FORMED);
	xml_rig_deinit(&g);
}

static void
test_limits_change(void **state)
{
	(void)state;
	struct xml_limits l = xml_rig_limits;
	struct xml_rig g;
	l.elements = 2;
	xml_rig_init(&g, "jabber:client", &l);
	xml_rig_feed(&g, S(XML_RIG_HEADER "<a><b/></a>"));
	l.elements = 3;
	xml_reader_set_limits(g.reader, &l);
	assert_int_equal(xml_rig_feed(&g, S("<a><b/><b/></a>")), XML_OK);
	assert_int_equal(xml_rig_feed(&g, S("<a><b/><b/><b/></a>")), XML_TOO_COMPLEX);
	xml_rig_deinit(&g);
}

struct suicide {
	struct xml_reader *reader;
	unsigned events;
};

static bool
free_on_element(void *ctx, const struct xml_element *e)
{
	struct suicide *s = ctx;
	(void)e;
	s->events++;
	xml_reader_free(&s->reader);
	return true;
}

static bool
go_on(void *ctx, const struct xml_element *e)
{
	(void)ctx;
	(void)e;
	return true;
}

static bool
go_on_closed(void *ctx)
{
	(void)ctx;
	return true;
}

static void
test_free_from_a_callback(void **state)
{
	(void)state;
	static const struct xml_events events = {
	    .open = go_on, .element = free_on_element, .close = go_on_closed};
	struct suicide s = {0};
	s.reader = xml_reader_new(&events, &s, S("jabber:client"), &xml_rig_limits);
	assert_int_equal(xml_reader_feed(s.reader, S(XML_RIG_HEADER "<a/><b/>"), NULL), XML_STOPPED);
	assert_null(s.reader);
	assert_int_equal(s.events, 1);
	xml_reader_free(&s.reader);
}

static void
test_attribute_lookup(void **state)
{
	(void)state;
	const struct xml_attr attrs[] = {
	    {.name = S("id"), .value = S("1")},
	    {.ns = S("urn:x"), .name = S("to"), .value = S("foreign")},
	    {.ns = S(XML_NS), .name = S("lang"), .value = S("en")},
	    {.name = S("empty")},
	};
	struct xml_element e = {.attrs = attrs, .n_attrs = COUNT(attrs)};
	bool found;
	assert_true(str_is(xml_element_attr(&e, (struct str){0}, "id", NULL), "1"));
	assert_true(str_is(xml_element_attr(&e, S(XML_NS), "lang", &found), "en"));
	assert_true(found);
	assert_true(str_empty(xml_element_attr(&e, (struct str){0}, "to", &found)));
	assert_false(found);
	assert_true(str_empty(xml_element_attr(&e, (struct str){0}, "empty", &found)));
	assert_true(found);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_chunks_at_every_point),
	    cmocka_unit_test(test_chunks_of_every_size),
	    cmocka_unit_test(test_chunks_of_errors),
	    cmocka_unit_test(test_big_element_in_chunks),
	    cmocka_unit_test(test_idle_keeps_declarations),
	    cmocka_unit_test(test_idle_only_between_elements),
	    cmocka_unit_test(test_used_bytes_at_a_stop),
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_limits_change),
	    cmocka_unit_test(test_free_from_a_callback),
	    cmocka_unit_test(test_attribute_lookup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

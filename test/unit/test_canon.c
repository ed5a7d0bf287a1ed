/* The canonical form (DESIGN.md §2), and that it is a fixed point (INV-4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "xml_rig.h"

#define CLIENT "jabber:client"
#define SERVER "jabber:server"
#define COMPONENT "jabber:component:accept"

static const struct {
	const char *implied, *in, *out;
} cases[] = {
    {CLIENT, "", ""},
    {CLIENT, "text", "text"},
    {CLIENT, "<body>hi</body>", "<body>hi</body>"},
    {CLIENT, "<body></body>", "<body/>"},
    {CLIENT, "<body><![CDATA[]]></body>", "<body/>"},
    {CLIENT, "<body ></body >", "<body/>"},
    {CLIENT, "<body\n a = \"1\"\tb='2'/>", "<body a='1' b='2'/>"},
    {CLIENT, " <a/> \r\n <b/>\r", " <a/> \n <b/>\n"},
    /* escapes */
    {CLIENT, "<a>&lt;&gt;&amp;&apos;&quot;'\"</a>", "<a>&lt;&gt;&amp;'\"'\"</a>"},
    {CLIENT, "<a>&#13;&#10;&#9;</a>", "<a>&#13;\n\t</a>"},
    {CLIENT, "<a><![CDATA[<b>&amp;]]></a>", "<a>&lt;b&gt;&amp;amp;</a>"},
    {CLIENT, "<a><![CDATA[\r\n\r\r\n\n\r]]>\n</a>", "<a>\n\n\n\n\n\n</a>"},
    {CLIENT, "<a><![CDATA[\r]]><![CDATA[\n]]>\r\n\r</a>", "<a>\n\n\n\n</a>"},
    {CLIENT, "<a b='&lt;&gt;&amp;&apos;&quot;\"'/>", "<a b='&lt;&gt;&amp;&apos;&quot;&quot;'/>"},
    {CLIENT, "<a b='&#13;&#10;&#9; \n\t\r\n'/>", "<a b='&#13;&#10;&#9;    '/>"},
    {CLIENT, "<a>&#x1F600;&#xE9;\xC3\xA9</a>", "<a>\xF0\x9F\x98\x80\xC3\xA9\xC3\xA9</a>"},
    /* namespaces of elements */
    {CLIENT, "<x xmlns='urn:x'><y/></x>", "<x xmlns='urn:x'><y/></x>"},
    {CLIENT, "<p:x xmlns:p='urn:x'><p:y/></p:x>", "<x xmlns='urn:x'><y/></x>"},
    {CLIENT, "<x xmlns='urn:x'><y xmlns='urn:x'/></x>", "<x xmlns='urn:x'><y/></x>"},
    {CLIENT, "<x xmlns='urn:x' xmlns:unused='urn:u'/>", "<x xmlns='urn:x'/>"},
    {CLIENT, "<body xmlns='jabber:client'/>", "<body/>"},
    {CLIENT, "<p:body xmlns:p='jabber:client'/>", "<body/>"},
    {CLIENT, "<x xmlns=''><y/></x>", "<x xmlns=''><y/></x>"},
    {CLIENT, "<a><x xmlns='urn:x'/><b/></a>", "<a><x xmlns='urn:x'/><b/></a>"},
    {CLIENT, "<x xmlns='a&amp;&apos;b'/>", "<x xmlns='a&amp;&apos;b'/>"},
    {CLIENT, "<x xmlns='remoteGetUserQuota'/>", "<x xmlns='remoteGetUserQuota'/>"},
    /* a forwarded message keeps its meaning */
    {CLIENT, "<f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f>",
	"<f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f>"},
    {CLIENT, "<f xmlns='urn:f'><message xmlns='jabber:server'><body/></message></f>",
	"<f xmlns='urn:f'><message xmlns='jabber:server'><body/></message></f>"},
    {CLIENT,
	"<f xmlns='urn:f'><m xmlns='jabber:client'><f xmlns='urn:f'><m xmlns='jabber:client'/></f></m></f>",
	"<f xmlns='urn:f'><m xmlns='jabber:client'><f xmlns='urn:f'><m xmlns='jabber:client'/></f></m></f>"},
    {SERVER, "<body/>", "<body/>"},
    {SERVER, "<f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f>",
	"<f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f>"},
    {SERVER, "<f xmlns='urn:f'><message xmlns='jabber:server'/></f>",
	"<f xmlns='urn:f'><message xmlns='jabber:server'/></f>"},
    {SERVER, "<body xmlns='jabber:client'/>", "<body xmlns='jabber:client'/>"},
    /* F-32: at a component the stream's namespace is meant at every depth */
    {COMPONENT, "<query/>", "<query/>"},
    {COMPONENT, "<body xmlns='jabber:component:accept'/>", "<body/>"},
    {COMPONENT, "<f xmlns='urn:f'><message xmlns='jabber:component:accept'><body/></message></f>",
	"<f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f>"},
    {COMPONENT,
	"<f xmlns='urn:f'><message xmlns='jabber:client'><b xmlns='jabber:component:accept'/></message></f>",
	"<f xmlns='urn:f'><message xmlns='jabber:client'><b/></message></f>"},
    /* attributes */
    {CLIENT, "<a xml:lang='en' b='1'/>", "<a xml:lang='en' b='1'/>"},
    {CLIENT, "<x xmlns='urn:x' xmlns:q='urn:q' q:b='1' a='2' q:c='3'/>",
	"<x xmlns='urn:x' xmlns:ns1='urn:q' ns1:b='1' a='2' ns1:c='3'/>"},
    {CLIENT, "<a xmlns:q='urn:q' xmlns:r='urn:r' r:a='1' q:a='2' r:b='3'><b q:a='1'/></a>",
	"<a xmlns:ns1='urn:r' xmlns:ns2='urn:q' ns1:a='1' ns2:a='2' ns1:b='3'><b xmlns:ns1='urn:q' ns1:a='1'/></a>"},
    {CLIENT, "<x xmlns='urn:x' xmlns:x='urn:x' x:a='1'/>",
	"<x xmlns='urn:x' xmlns:ns1='urn:x' ns1:a='1'/>"},
    {CLIENT, "<a xmlns:ns2='urn:q' ns2:a='1'/>", "<a xmlns:ns1='urn:q' ns1:a='1'/>"},
};

static void
test_inv_04_canonical_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *out = xml_rig_payload_of(cases[i].implied, str_z(cases[i].in));
		assert_string_equal(out, cases[i].out);
		free(out);
	}
}

static void
test_inv_04_fixed_point(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *again = xml_rig_payload_of(cases[i].implied, str_z(cases[i].out));
		assert_string_equal(again, cases[i].out);
		free(again);
	}
}

/* Children of a top-level element in another namespace stand by themselves: what reads the payload need
 * not know what it was in. */
static void
test_children_of_foreign_elements(void **state)
{
	(void)state;
	struct xml_rig g;
	xml_rig_init(&g, CLIENT, NULL);
	xml_rig_feed(&g, S(XML_RIG_HEADER));
	xml_rig_feed(&g,
	    S("<authenticate xmlns='urn:xmpp:sasl:2'><a><b/></a><c xmlns='jabber:client'/></authenticate>"));
	assert_true(str_is(
	    buf_str(&g.payload), "<a xmlns='urn:xmpp:sasl:2'><b/></a><c xmlns='jabber:client'/>"));
	xml_rig_deinit(&g);
}

static void
test_empty_implied_namespace(void **state)
{
	(void)state;
	struct xml_rig g;
	xml_rig_init(&g, "", NULL);
	assert_int_equal(
	    xml_rig_feed(&g, S("<s><a><b/><c xmlns='urn:c'><d xmlns=''/></c></a>")), XML_OK);
	assert_true(str_is(buf_str(&g.payload), "<b/><c xmlns='urn:c'><d xmlns=''/></c>"));
	xml_rig_deinit(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_04_canonical_form),
	    cmocka_unit_test(test_inv_04_fixed_point),
	    cmocka_unit_test(test_children_of_foreign_elements),
	    cmocka_unit_test(test_empty_implied_namespace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

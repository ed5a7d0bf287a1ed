/* facts: what one pass finds in a payload; priority. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "base/stanza.h"
#include "xml_rig.h"

#define CS "http://jabber.org/protocol/chatstates"

static const struct {
	const char *in;
	uint32_t facts;
	int priority;
} cases[] = {
    {"", 0, 0},
    {"<body>x</body>", FACT_BODY, 0},
    {"<body> </body>", FACT_BODY, 0},
    {"<body><![CDATA[x]]></body>", FACT_BODY, 0},
    {"<body/>", 0, 0},
    {"<body></body>", 0, 0},
    {"<body/><body>x</body>", FACT_BODY, 0},
    {"<body xmlns='urn:x'>x</body>", 0, 0},
    {"<body xmlns=''>x</body>", 0, 0},
    {"<p:body xmlns:p='jabber:client'>x</p:body>", FACT_BODY, 0},
    {"<x xmlns='urn:x'><body xmlns='jabber:client'>x</body></x>", 0, 0},
    {"<html xmlns='http://jabber.org/protocol/xhtml-im'><body>x</body></html>", 0, 0},
    {"<body/><a>text</a>", 0, 0},
    {"<subject/>", FACT_SUBJECT, 0},
    {"<thread>1</thread>", FACT_THREAD, 0},
    {"<active xmlns='" CS "'/>", FACT_CHAT_STATE, 0},
    {"<composing xmlns='" CS "'/>", FACT_CHAT_STATE, 0},
    {"<paused xmlns='" CS "'/>", FACT_CHAT_STATE, 0},
    {"<inactive xmlns='" CS "'/>", FACT_CHAT_STATE, 0},
    {"<gone xmlns='" CS "'/>", FACT_CHAT_STATE, 0},
    {"<active/>", 0, 0},
    {"<received xmlns='urn:xmpp:receipts' id='1'/>", FACT_RECEIPT, 0},
    {"<request xmlns='urn:xmpp:receipts'/>", FACT_RECEIPT_REQUEST, 0},
    {"<markable xmlns='urn:xmpp:chat-markers:0'/>", 0, 0},
    {"<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", FACT_MARKER, 0},
    {"<no-store xmlns='urn:xmpp:hints'/>", FACT_NO_STORE, 0},
    {"<no-permanent-store xmlns='urn:xmpp:hints'/>", FACT_NO_PERMANENT_STORE, 0},
    {"<no-copy xmlns='urn:xmpp:hints'/>", FACT_NO_COPY, 0},
    {"<store xmlns='urn:xmpp:hints'/>", FACT_STORE, 0},
    {"<private xmlns='urn:xmpp:carbons:2'/>", FACT_PRIVATE, 0},
    {"<encryption xmlns='urn:xmpp:eme:0'/>", FACT_ENCRYPTED, 0},
    {"<encrypted xmlns='eu.siacs.conversations.axolotl'/>", FACT_ENCRYPTED, 0},
    {"<encrypted xmlns='urn:xmpp:omemo:2'/>", FACT_ENCRYPTED, 0},
    {"<delay xmlns='urn:xmpp:delay'/>", FACT_DELAY, 0},
    {"<x xmlns='http://jabber.org/protocol/muc#user'/>", FACT_MUC_USER, 0},
    {"<x xmlns='http://jabber.org/protocol/muc'/>", 0, 0},
    {"<stanza-id xmlns='urn:xmpp:sid:0'/>", FACT_STANZA_ID, 0},
    {"<origin-id xmlns='urn:xmpp:sid:0'/>", 0, 0},
    {"<a xmlns='urn:a'><stanza-id xmlns='urn:xmpp:sid:0'/></a>", FACT_STANZA_ID, 0},
    {"<x xmlns='jabber:x:delay'/>", FACT_DELAY, 0},
    {"<a xmlns='urn:a'><occupant-id xmlns='urn:xmpp:occupant-id:0'/></a>", FACT_OCCUPANT_ID, 0},
    {"<result xmlns='urn:xmpp:mam:2'/>", FACT_MAM_RESULT, 0},
    {"<y xmlns='urn:y'><result xmlns='urn:xmpp:mam:2'/></y>", FACT_MAM_RESULT, 0},
    {"<x xmlns='jabber:x:conference' jid='room@h'/>", FACT_INVITE, 0},
    {"<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></sent>",
	FACT_CARBON | FACT_FORWARDED, 0},
    {"<a xmlns='urn:a'><b><received xmlns='urn:xmpp:carbons:2'/></b></a>", FACT_CARBON, 0},
    {"<a xmlns='urn:a'><forwarded xmlns='urn:xmpp:forward:0'/></a>", FACT_FORWARDED, 0},
    {"<a xmlns='urn:a'><delay xmlns='urn:xmpp:delay'/></a>", FACT_DELAY, 0},
    {"<body>x</body><request xmlns='urn:xmpp:receipts'/><active xmlns='" CS "'/>",
	FACT_BODY | FACT_RECEIPT_REQUEST | FACT_CHAT_STATE, 0},
    {"<priority>5</priority>", FACT_PRIORITY, 5},
    {"<priority>-128</priority>", FACT_PRIORITY, -128},
    {"<priority>127</priority>", FACT_PRIORITY, 127},
    {"<priority> +7\n</priority>", FACT_PRIORITY, 7},
    {"<priority>128</priority>", FACT_PRIORITY, 127},
    {"<priority>-129</priority>", FACT_PRIORITY, -128},
    {"<priority>99999999999999999999</priority>", FACT_PRIORITY, 0},
    {"<priority>5x</priority>", FACT_PRIORITY, 0},
    {"<priority>--5</priority>", FACT_PRIORITY, 0},
    {"<priority><a/>5</priority>", FACT_PRIORITY, 0},
    {"<priority/>", FACT_PRIORITY, 0},
    {"<priority></priority><show>1</show>", FACT_PRIORITY, 0},
    {"<priority>&#53;</priority><show>away</show>", FACT_PRIORITY, 5},
    {"<priority xmlns='urn:x'>5</priority>", 0, 0},
    {"<a><priority>5</priority></a>", 0, 0},
};

static void
check_all(const char *ns)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = {0};
		struct xml_rig g;
		xml_rig_init(&g, ns, NULL);
		buf_printf(&b, "<s xmlns='%s'><presence>%s</presence>", ns, cases[i].in);
		xml_rig_feed(&g, buf_str(&b));
		bool other =
		    strcmp(ns, "jabber:client") != 0 && strstr(cases[i].in, "jabber:client");
		if (!other &&
		    (g.facts != cases[i].facts || g.priority != cases[i].priority || g.elements != 1))
			fail_msg("%s: facts %x, priority %d", cases[i].in, g.facts, g.priority);
		xml_rig_deinit(&g);
		buf_deinit(&b);
	}
}

static void
test_table(void **state)
{
	(void)state;
	check_all("jabber:client");
	check_all("jabber:server");
	check_all("jabber:component:accept");
}

static void
test_facts_do_not_leak(void **state)
{
	(void)state;
	struct xml_rig g;
	xml_rig_init(&g, "jabber:client", NULL);
	xml_rig_feed(&g, S(XML_RIG_HEADER "<message><body>x</body></message>"));
	assert_int_equal(g.facts, FACT_BODY);
	xml_rig_feed(&g, S("<presence><priority>9</priority></presence>"));
	assert_int_equal(g.facts, FACT_PRIORITY);
	xml_rig_feed(&g, S("<message/>"));
	assert_int_equal(g.facts, 0);
	assert_int_equal(g.priority, 0);
	xml_rig_deinit(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_facts_do_not_leak),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

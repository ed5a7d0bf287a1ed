/* Readers that leave their parsers for each other: none must see what another has read. */
#include "xml/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>

#include "base/mem.h"
#include "xml_rig.h"

static const char elements[] = "<message id='1'><body>&lt;ä</body><f:x a='1' f:b='2'/></message>"
			       "<iq><q xmlns='urn:q'><a/><![CDATA[x]]></q></iq> <presence/>";

static void
begin(struct xml_rig *g, struct xml_pool *pool, struct str header)
{
	xml_rig_init(g, "jabber:client", NULL);
	xml_reader_share(g->reader, pool);
	assert_int_equal(xml_rig_feed(g, header), XML_OK);
	xml_reader_idle(g->reader);
}

static void
go_on(struct xml_rig *g, const char *text)
{
	xml_rig_feed(g, str_z(text));
	xml_reader_idle(g->reader);
}

static void
assert_log(struct xml_rig *g, struct xml_rig *like)
{
	assert_int_equal(buf_len(&g->log), buf_len(&like->log));
	assert_memory_equal(g->log.data, like->log.data, buf_len(&g->log));
}

/* Byte by byte in turns: each is in the middle of something when the other goes on. */
static void
test_streams_in_turns(void **state)
{
	(void)state;
	struct xml_pool *pool = xml_pool_new();
	struct xml_rig g[3], alone;
	xml_rig_init(&alone, "jabber:client", NULL);
	xml_rig_feed(&alone, S(XML_RIG_HEADER));
	xml_rig_feed(&alone, str_z(elements));
	for (int i = 0; i < 3; i++)
		begin(&g[i], pool, S(XML_RIG_HEADER));
	for (size_t at = 0; at < strlen(elements) + 20; at++)
		for (size_t i = 0; i < 3; i++)
			if (at >= 10 * i && at - 10 * i < strlen(elements))
				go_on(&g[i], (char[]){elements[at - 10 * i], 0});
	for (int i = 0; i < 3; i++) {
		assert_log(&g[i], &alone);
		xml_rig_deinit(&g[i]);
	}
	xml_rig_deinit(&alone);
	xml_pool_free(&pool);
}

static void
test_declarations_stay_with_their_stream(void **state)
{
	(void)state;
	struct xml_pool *pool = xml_pool_new();
	struct xml_rig with, without;
	begin(&with, pool, S(XML_RIG_HEADER));
	begin(&without, pool,
	    S("<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>"));
	go_on(&with, "<f:a/>");
	go_on(&without, "<message/>");
	go_on(&with, "<f:a/>");
	assert_int_equal(with.error, XML_OK);
	go_on(&without, "<f:a/>");
	assert_int_equal(without.error, XML_NOT_WELL_FORMED);
	xml_rig_deinit(&without);
	xml_rig_deinit(&with);
	xml_pool_free(&pool);
}

static void
test_an_error_stays_with_its_stream(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "<a></b>", "<!-- -->", "<a b='&x;'/>", "<stop/>", "</stream:stream>", "\xFF"};
	struct xml_pool *pool = xml_pool_new();
	struct xml_rig good;
	begin(&good, pool, S(XML_RIG_HEADER));
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct xml_rig g;
		begin(&g, pool, S(XML_RIG_HEADER));
		go_on(&g, "<message/>");
		go_on(&g, bad[i]);
		go_on(&good, "<message/>");
		assert_int_equal(good.error, XML_OK);
		xml_rig_deinit(&g);
	}
	assert_int_equal(good.elements, COUNT(bad));
	xml_rig_deinit(&good);
	xml_pool_free(&pool);
}

/* Names are counted from where a reader woke up: what others have used is no reason to end its stream. */
static void
test_inv_02_names_of_others(void **state)
{
	(void)state;
	struct xml_limits limits = xml_rig_limits;
	struct xml_pool *pool = xml_pool_new();
	struct xml_rig g;
	char text[64];
	limits.dict_bytes = 4000;
	for (int i = 0; i < 500; i++) {
		xml_rig_init(&g, "jabber:client", &limits);
		xml_reader_share(g.reader, pool);
		go_on(&g, XML_RIG_HEADER);
		snprintf(text, sizeof(text), "<message><name%d/></message>", i);
		go_on(&g, text);
		assert_int_equal(g.error, XML_OK);
		xml_rig_deinit(&g);
	}
	begin(&g, pool, S(XML_RIG_HEADER));
	xml_reader_set_limits(g.reader, &limits);
	xml_rig_feed(&g, S("<message>"));
	for (int i = 0; i < 500 && !g.error; i++) {
		snprintf(text, sizeof(text), "<other%d/>", i);
		xml_rig_feed(&g, str_z(text));
	}
	assert_int_equal(g.error, XML_TOO_COMPLEX);
	xml_rig_deinit(&g);
	xml_pool_free(&pool);
}

/* What the pool keeps is bounded, whatever names its readers bring. */
static void
test_inv_21_names_do_not_stay(void **state)
{
	(void)state;
	struct xml_pool *pool = xml_pool_new();
	struct xml_rig g;
	char text[64];
	size_t before = 0;
	begin(&g, pool, S(XML_RIG_HEADER));
	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "<name%d a%d='' xmlns='urn:%d'/>", i, i, i);
		go_on(&g, text);
		buf_clear(&g.log);
		if (i == 10000)
			before = mallinfo2().uordblks;
	}
	assert_int_equal(g.error, XML_OK);
	assert_true(mallinfo2().uordblks <= before + 64 * 1024);
	xml_rig_deinit(&g);
	xml_pool_free(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_streams_in_turns),
	    cmocka_unit_test(test_declarations_stay_with_their_stream),
	    cmocka_unit_test(test_an_error_stays_with_its_stream),
	    cmocka_unit_test(test_inv_02_names_of_others),
	    cmocka_unit_test(test_inv_21_names_do_not_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

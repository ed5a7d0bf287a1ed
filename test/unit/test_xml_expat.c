/* Our reader against Expat (INV-4): what we take must be well-formed to it too, and what we make of a message
 * must be the same tree. Fixed cases, then many mutations of them. JACKDAW_XML_ROUNDS=n sets how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "expat_view.h"
#include "xml_rig.h"

static int
expat_load(void **state)
{
	(void)state;
	return expat_view_load() ? 0 : -1;
}

static struct buf
wrapped(struct str content)
{
	struct buf b = {0};
	buf_add_z(&b, "<s:stream xmlns='jabber:client' xmlns:s='urn:s' xmlns:f='urn:f'><message>");
	buf_add_str(&b, content);
	buf_add_z(&b, "</message></s:stream>");
	return b;
}

/* Reads content in our way and returns whether it was one whole message. */
static bool
read_ours(struct buf *payload, struct str content)
{
	struct xml_rig g;
	struct buf in = wrapped(content);
	xml_rig_init(&g, "jabber:client", NULL);
	bool ok = xml_rig_feed(&g, buf_str(&in)) == XML_OK && g.elements == 1 &&
	    str_ends(buf_str(&g.log), S("close\n"));
	buf_clear(payload);
	buf_add_str(payload, buf_str(&g.payload));
	xml_rig_deinit(&g);
	buf_deinit(&in);
	return ok;
}

/* Returns whether we took it. */
static bool
compare(struct str content)
{
	struct buf payload = {0}, again = {0};
	bool ours = read_ours(&payload, content);
	if (ours) {
		struct expat_view source, canonical;
		struct buf in = wrapped(content), out = wrapped(buf_str(&payload));
		if (!expat_view(&source, buf_str(&in)))
			fail_msg("only we take: %.*s", STR_ARG(content));
		if (!expat_view(&canonical, buf_str(&out)))
			fail_msg("Expat refuses what we wrote: %.*s", STR_ARG(buf_str(&payload)));
		if (!str_eq(buf_str(&source.text), buf_str(&canonical.text)))
			fail_msg("%.*s\nis to Expat\n%.*s\nand becomes\n%.*s", STR_ARG(content),
			    STR_ARG(buf_str(&source.text)), STR_ARG(buf_str(&canonical.text)));
		assert_true(read_ours(&again, buf_str(&payload)));
		assert_true(str_eq(buf_str(&payload), buf_str(&again)));
		buf_deinit(&source.text);
		buf_deinit(&canonical.text);
		buf_deinit(&in);
		buf_deinit(&out);
	}
	buf_deinit(&payload);
	buf_deinit(&again);
	return ours;
}

static const char *const seeds[] = {
    "<body>Hi &lt;\xC3\xA9&gt; &#x1F600; &#13; ' \"</body>",
    "<f:x f:a='1' b=\"'\" c='&#10;&#9;&#13;&quot;'><y xmlns=''/><message xmlns='jabber:client'><body/></message></f:x>",
    "t<![CDATA[<&]]]]><![CDATA[>]]>u<a\n x = '>' y=\"/>\"\t/>\r\n",
    "<q:a xmlns:q='urn:q' xmlns:r='urn:r' r:a='1' q:a='2' xml:lang='en'><q:b/><r:c r:d='x'/></q:a>",
    "<x xmlns='urn:x'><y xmlns='urn:y'><x xmlns='urn:x'/></y><z/></x><x xmlns='urn:x'/>",
    "<x xmlns='a&amp;b&apos;'><f:x/></x> text <a>\n</a>",
    "",
};

static void
test_inv_04_same_tree(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(seeds); i++)
		assert_true(compare(str_z(seeds[i])));
}

static unsigned
rnd(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % n;
}

static void
mutate(struct buf *b, unsigned *seed)
{
	static const char *const bits[] = {"<", ">", "/", "'", "\"", "&", ";", "=", " ", ":", "x",
	    "xmlns", "xmlns:f", "]]>", "<![CDATA[", "]]", "&amp;", "&#13;", "&#10;", "&#x80;", "\r",
	    "\n", "\t", "\xC3\xA9", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xEF\xBF\xBE",
	    "\xEF\xBB\xBF", "f:", "<f:x>", "</f:x>", "<a/>", "''", "jabber:client", "\x01", "\x7F",
	    "-->", "<?x?>", "<!--", " f:a='2'", "xml:", "\xE2\x80\xA8", "%"};
	for (unsigned times = 1 + rnd(seed, 3); times > 0; times--) {
		struct buf out = {0};
		struct str s = buf_str(b);
		size_t at = rnd(seed, (unsigned)s.n + 1), skip = rnd(seed, 3) ? 0 : rnd(seed, 6);
		buf_add(&out, s.p, at);
		if (rnd(seed, 4))
			buf_add_z(&out, bits[rnd(seed, COUNT(bits))]);
		buf_add_str(&out, str_from(s, at + skip));
		buf_deinit(b);
		*b = out;
	}
}

static void
test_inv_04_mutations(void **state)
{
	(void)state;
	const char *rounds = getenv("JACKDAW_XML_ROUNDS");
	unsigned seed = 7, taken = 0;
	uint64_t n = 20000;
	if (rounds)
		assert_true(str_u64(str_z(rounds), &n));
	for (uint64_t i = 0; i < n; i++) {
		struct buf b = {0};
		buf_add_z(&b, seeds[i % COUNT(seeds)]);
		mutate(&b, &seed);
		taken += compare(buf_str(&b));
		buf_deinit(&b);
	}
	assert_true(taken > n / 20);
	assert_true(taken < n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_04_same_tree),
	    cmocka_unit_test(test_inv_04_mutations),
	};
	return cmocka_run_group_tests(tests, expat_load, NULL);
}

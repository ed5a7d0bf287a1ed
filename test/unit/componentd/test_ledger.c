/* componentd's ledger: what was given is known, by all four parts of its id, and the oldest are forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "component.h"
#include "ledger.h"

static const struct opid op = {.origin = {{1}}, .n = 7, .kind = OP_DELIVERY};

static const struct stanza st = {
    .kind = STANZA_PRESENCE, .type = TYPE_UNSUBSCRIBE, .from = S("u@h"), .to = S("a@c")};

static void
test_known_by_all_parts(void **state)
{
	struct opid n = op, kind = op, origin = op;
	struct stanza to = st, from = st, type = st;
	struct outgoing o = {.level = 2};
	struct ledger l = {.n = 0};

	(void)state;
	ledger_init(&l);
	to.to = S("b@c");
	from.from = S("u@h/r");
	type.type = TYPE_UNSUBSCRIBED; /* of one that leaves a roster both are sent */
	n.n++;
	kind.kind = OP_PRESENCE;
	origin.origin.b[3] = 9;
	ledger_add(&l, &op, &st, &o);
	assert_ptr_equal(ledger_find(&l, &op, &st), o.entry);
	assert_null(ledger_find(&l, &op, &to));
	assert_null(ledger_find(&l, &op, &from));
	assert_null(ledger_find(&l, &op, &type));
	assert_null(ledger_find(&l, &n, &st));
	assert_null(ledger_find(&l, &kind, &st));
	assert_null(ledger_find(&l, &origin, &st));
	ledger_deinit(&l);
	assert_null(o.entry);
}

static void
test_what_has_no_origin_is_never_known(void **state)
{
	struct opid none = {.n = 1};
	struct outgoing o = {.level = 2};
	struct ledger l = {.n = 0};

	(void)state;
	ledger_init(&l);
	ledger_add(&l, &none, &st, &o);
	assert_null(ledger_find(&l, &none, &st));
	assert_int_equal(l.n, 0);
	ledger_deinit(&l);
}

static void
test_the_oldest_is_forgotten(void **state)
{
	struct outgoing o = {.level = 2}, first = {.level = 2};
	struct ledger l = {.n = 0};
	struct opid each = op;

	(void)state;
	ledger_init(&l);
	ledger_add(&l, &op, &st, &first);
	for (unsigned i = 0; i < LEDGER_MAX; i++) {
		each.n = 100 + i;
		ledger_add(&l, &each, &st, &o);
	}
	assert_int_equal(l.n, LEDGER_MAX);
	assert_null(ledger_find(&l, &op, &st));
	assert_null(first.entry);
	each.n = 100;
	assert_non_null(ledger_find(&l, &each, &st));
	ledger_deinit(&l);
	assert_int_equal(l.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known_by_all_parts),
	    cmocka_unit_test(test_what_has_no_origin_is_never_known),
	    cmocka_unit_test(test_the_oldest_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

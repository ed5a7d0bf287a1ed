/* XEP-0082 date-times from strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/datetime.h"
#include "base/mem.h"

static void
test_date_times(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} right[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2010-06-07T00:00:00Z", INT64_C(1275868800000000)},
	    {"2000-02-29T12:00:00.5Z", INT64_C(951825600500000)},
	    {"2026-11-20T20:38:14.123+01:00", INT64_C(1795203494123000)},
	    {"1969-07-20T21:56:15-05:00", INT64_C(-14159025000000)},
	};
	static const char *const wrong[] = {"", "2010", "2010-06-07", "2010-06-07T00:00:00",
	    "2010-13-07T00:00:00Z", "2010-06-07T24:00:00Z", "2010-06-07T00:00:00Zx",
	    "2010-06-07T00:00:00+1:00", "2010-06-07T00:00:00-Z", "+010-06-07T00:00:00Z"};
	int64_t us;

	(void)state;
	for (unsigned i = 0; i < COUNT(right); i++) {
		assert_true(datetime_parse(str_z(right[i].text), &us));
		assert_int_equal(us, right[i].us);
	}
	for (unsigned i = 0; i < COUNT(wrong); i++)
		assert_false(datetime_parse(str_z(wrong[i]), &us));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_date_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

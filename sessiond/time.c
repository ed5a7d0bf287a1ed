/* XEP-0202. sessiond has no files, so no time zone: everything is UTC. */
#include "base/clock.h"
#include "answers.h"

void
time_get(const struct iq *iq)
{
	struct buf out = {0};
	char stamp[CLOCK_STAMP_MAX];
	struct xml_writer w;

	clock_stamp(clock_wall_us(), stamp);
	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, S("urn:xmpp:time"), S("time"));
	xw_leaf(&w, (struct str){0}, "tzo", S("+00:00"));
	xw_leaf(&w, (struct str){0}, "utc", str_z(stamp));
	xw_close(&w);
	iq_result(iq, buf_str(&out));
	buf_deinit(&out);
}

/* XEP-0092. The operating system is nobody's business. */
#include "answers.h"

void
version_get(const struct iq *iq)
{
	struct buf out = {0};
	struct xml_writer w;

	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, S("jabber:iq:version"), S("query"));
	xw_leaf(&w, (struct str){0}, "name", S("Jackdaw"));
	xw_leaf(&w, (struct str){0}, "version",
	    settings_of(iq->act->sd)->tell_version ? S(JACKDAW_VERSION) : (struct str){0});
	xw_close(&w);
	iq_result(iq, buf_str(&out));
	buf_deinit(&out);
}

/* The daemons that clients need. */
#pragma once

#include "c2sd.h"

extern const struct bus_events c2sd_events;
extern const struct bus_handler c2sd_handlers[];
/* Whether the window towards sessiond has room. Of a struct c2sd. */
bool links_have_credit(const void *c2sd);
/* Whether a client that comes now could be served. */
bool links_may_serve(const struct c2sd *c);
/* The authd that knows our key; false: none does. */
bool links_authd(const struct c2sd *c, struct endpoint *authd_r);
/* The sessiond of a bare JID, with the incarnation of now (0: it is presumed dead, or was never there). */
struct endpoint links_sessiond_of(const struct c2sd *c, struct str bare);

/* What sessiond offers on streams once the client is authenticated: its features, and what the server can do as a hash
 * (RFC 6120 §4.3.2, XEP-0115 §6.3). The same from every shard; the last one said counts. */
#pragma once

#include "base/buf.h"
#include "bus/bus.h"

struct offer {
	struct buf xml; /* elements as they are written */
};

void offer_take(struct offer *o, const struct msg_FEATURES *m);
void offer_deinit(struct offer *o);

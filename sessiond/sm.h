/* Stream management (XEP-0198) within a session; detach.h and resume.h have the rest. */
#pragma once

#include "sessiond.h"

void handle_sm_enable(struct sessiond *sd, const struct bus_in *in, const void *msg);
/* What the client is told was handled: of 32 bits, and from <enable/> on. */
uint32_t sm_h(const struct session *s);
void handle_client_ack(struct sessiond *sd, const struct bus_in *in, const void *msg);

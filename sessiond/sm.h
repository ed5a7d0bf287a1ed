/* Stream management (XEP-0198) within a session; detach.h and resume.h have the rest. */
#pragma once

#include "sessiond.h"

void handle_sm_enable(struct sessiond *sd, const struct bus_in *in, const void *msg);
void handle_client_ack(struct sessiond *sd, const struct bus_in *in, const void *msg);

/* Stanzas from elsewhere in the suite. */
#pragma once

#include "sessiond.h"

/* For ROUTE, ROUTE_BACK and ROUTE_BOUNCE. */
void handle_route(struct sessiond *sd, const struct bus_in *in, const void *msg);

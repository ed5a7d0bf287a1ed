/* Opening sessions. */
#pragma once

#include "session.h"

void handle_bind(struct sessiond *sd, const struct bus_in *in, const void *msg);

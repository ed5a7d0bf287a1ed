/* What the skeleton calls, in this order; see service/service.h. */
#pragma once

#include "service/service.h"

int keyd_open(struct daemon *d, struct err *err);
int keyd_start(struct daemon *d, struct err *err);
void keyd_reloaded(struct daemon *d, const void *old);
void keyd_stop(struct daemon *d);

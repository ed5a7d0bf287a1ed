/* `storaged --repair`: see repair.c. */
#pragma once

#include "storaged.h"

int repair_start(struct daemon *d, struct err *err);
void repair_stop(struct daemon *d);

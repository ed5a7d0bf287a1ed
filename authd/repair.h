/* `authd --repair`: see repair.c. */
#pragma once

#include "authd.h"

int repair_start(struct daemon *d, struct err *err);

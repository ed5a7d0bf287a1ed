/* Sessions as they are told to a new sessiond, first of all frames to it (BUS.md §6, §9). */
#pragma once

#include "c2sd.h"

void register_sessions(struct c2sd *c, const struct endpoint *sessiond);

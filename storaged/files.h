/* Opening and closing of storaged's files, as the skeleton calls it. */
#pragma once

#include "storaged.h"

int storaged_threads(struct daemon *d, struct err *err);
int storaged_start(struct daemon *d, struct err *err);
void storaged_stop(struct daemon *d);

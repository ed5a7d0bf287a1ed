/* Handlers of what comes from sessiond. ctx: struct c2sd. */
#pragma once

#include "c2sd.h"

void handle_deliver(void *ctx, const struct bus_in *in, const void *msg);
void handle_release(void *ctx, const struct bus_in *in, const void *msg);
void handle_capability(void *ctx, const struct bus_in *in, const void *msg);
void handle_features(void *ctx, const struct bus_in *in, const void *msg);
void handle_presence_copy(void *ctx, const struct bus_in *in, const void *msg);

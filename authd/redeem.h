/* What sessiond asks: whose ticket this is, the key of capabilities, generations. */
#pragma once

#include "authd.h"

void handle_redeem(void *ctx, const struct bus_in *in, const void *msg);
void handle_cap_key_get(void *ctx, const struct bus_in *in, const void *msg);
void handle_generations_get(void *ctx, const struct bus_in *in, const void *msg);
void handle_generation_raise(void *ctx, const struct bus_in *in, const void *msg);

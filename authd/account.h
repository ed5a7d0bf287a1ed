/* Accounts as the operator (ctl) and their owners (XEP-0077, by way of sessiond) make, change and
 * remove them. */
#pragma once

#include "authd.h"

void handle_register(void *ctx, const struct bus_in *in, const void *msg);
void handle_user_add(void *ctx, const struct bus_in *in, const void *msg);
void handle_user_passwd(void *ctx, const struct bus_in *in, const void *msg);
void handle_user_del(void *ctx, const struct bus_in *in, const void *msg);
void handle_user_list(void *ctx, const struct bus_in *in, const void *msg);
void handle_password_set(void *ctx, const struct bus_in *in, const void *msg);
void handle_user_remove_self(void *ctx, const struct bus_in *in, const void *msg);

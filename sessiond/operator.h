/* What the operator and authd ask: lists, kicks, changed and removed accounts. */
#pragma once

#include "sessiond.h"

void handle_session_list(struct sessiond *sd, const struct bus_in *in, const void *msg);
void handle_session_kick(struct sessiond *sd, const struct bus_in *in, const void *msg);
void handle_account_changed(struct sessiond *sd, const struct bus_in *in, const void *msg);

/* removal.c */
void handle_user_remove(struct sessiond *sd, const struct bus_in *in, const void *msg);
/* Steps that got no answer are asked again. */
void removals_retry(struct sessiond *sd);
void removals_free(struct sessiond *sd);

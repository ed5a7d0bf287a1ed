/* Edges tell a new sessiond which sessions they hold (BUS.md §9). */
#pragma once

#include "sessiond.h"

void handle_reg(struct sessiond *sd, const struct bus_in *in, const void *msg);
void handle_reg_end(struct sessiond *sd, const struct bus_in *in, const void *msg);
/* An edge is there, or dead. */
void register_edge_up(struct sessiond *sd, const struct endpoint *edge);
void register_edge_gone(struct sessiond *sd, const struct endpoint *edge);
/* Checks what has registered, once the key and the rows of the shard are there. */
void register_check_all(struct sessiond *sd);
/* Asks authd for the key until it is there. */
void register_ask_key(struct sessiond *sd);
void register_free(struct sessiond *sd);

/* SASL exchanges of clients: the steps of sasl.h carried out over the bus, the store and the
 * workers. */
#pragma once

#include "authd.h"

struct logins;

struct logins *logins_new(struct authd *a);
/* All are forgotten; what is at the threads comes back to nobody. */
void logins_stop(struct logins *ls);
void logins_free(struct logins **ls);

void handle_auth_start(void *ctx, const struct bus_in *in, const void *msg);
void handle_auth_next(void *ctx, const struct bus_in *in, const void *msg);
void handle_auth_abort(void *ctx, const struct bus_in *in, const void *msg);

/* This edge is dead. */
void logins_edge_gone(struct logins *ls, uint64_t incarnation);
/* The account has changed, generation is the new one (0: none, it is removed): logins and tickets
 * of before are good for nothing (INV-17). Called in the order of the store's answers, before
 * anybody is told. */
void logins_void(struct logins *ls, struct str jid, uint64_t generation);
/* Ends what has taken too long. */
void logins_tick(struct logins *ls, uint64_t now_ms);
size_t logins_count(const struct logins *ls);

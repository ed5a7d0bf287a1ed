/* main.db: what belongs to an account. All functions run on its writer's thread. */
#pragma once

#include "job.h"

int roster_get(struct job *job, sqlite3 *db, const void *msg);
int roster_put(struct job *job, sqlite3 *db, const void *msg);
int roster_del(struct job *job, sqlite3 *db, const void *msg);
int blob_get(struct job *job, sqlite3 *db, const void *msg);
int blob_put(struct job *job, sqlite3 *db, const void *msg);
int account_erase(struct job *job, sqlite3 *db, const void *msg);

void roster_statements_finalize(void);
void blob_statements_finalize(void);
void verb_statements_finalize(void);

/* Whether this operation was done already (BUS.md §7): then its result is in *value_r. */
bool verb_seen(struct job *job, sqlite3 *db, struct str owner, uint64_t *value_r);
/* Remembers it, in the transaction of its effect. */
int verb_remember(struct job *job, sqlite3 *db, struct str owner, uint64_t value);

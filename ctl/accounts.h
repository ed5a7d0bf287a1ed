/* The accounts of the suite, wherever they can be reached: over the bus while authd runs, else through `authd --offline`. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "bus/messages.h"
#include "ctl.h"

struct accounts;

/* NULL with *err filled. */
struct accounts *accounts_open(struct ctl *c, struct err *err);
/* What is still open is waited for. -1 with *err filled when the way to authd has broken. */
int accounts_close(struct accounts **a, struct err *err);

enum account_verb {
	ACCOUNT_ADD,
	ACCOUNT_PASSWD,
	ACCOUNT_DEL,
};

/* error NULL: done; else what is wrong, for people. */
typedef void accounts_done_fn(void *ctx, const char *jid, const char *error);

/* Starts a change; done is called with its outcome, in this call or a later one, at the latest in accounts_close. Waits
 * while many are open. -1 with *err filled when the way to authd has broken. */
int accounts_change(struct accounts *a, enum account_verb verb, const char *jid,
    struct str password, accounts_done_fn *done, void *ctx, struct err *err);

/* Calls each(ctx, jid) for every account of the domain (empty: of all). */
int accounts_list(struct accounts *a, struct str domain, void (*each)(void *ctx, struct str jid),
    void *ctx, struct err *err);

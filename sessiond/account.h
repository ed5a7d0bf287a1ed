/* A local user of this shard while somebody needs it: roster, sessions, and the work that waits until both authd (does it
 * exist?) and storaged (its roster, whom it blocks) have answered.
 *
 *   COLD ──first use──► LOADING ──both answers──► READY
 *    ▲                     │ no answer               │ no such user, or long unused
 *    └─────────────────────┴─────────────────────────┘
 */
#pragma once

#include "block.h"
#include "archive.h"
#include "contact.h"
#include "session.h"

enum account_state {
	ACCOUNT_COLD,
	ACCOUNT_LOADING,
	ACCOUNT_READY,
	ACCOUNT_FAILED, /* while what waited is being told */
};

struct flush;
struct copied;

struct account {
	struct sessiond *sd;
	enum account_state state;
	struct str jid; /* bare; behind the struct */
	bool exists;
	bool is_flushing; /* offline messages are on their way: what is new waits behind them (BUS.md §8, order) */
	struct flush *paused; /* waits until its session has room (offline.c); NULL: does not */
	bool is_owed_again;   /* and when that is done, once more from the beginning */
	bool is_withheld;     /* some stay where they are: no session that is here lets them pass */
	struct buf gone_rows; /* uint64_t: rows that were dropped since the page that is on its way was asked for, at most offline_max */
	bool is_reloading;
	uint64_t generation;
	struct roster roster;
	struct privacy privacy;
	struct archive_prefs archive;
	struct copied *copied; /* owned; NULL: none (carbons.h) */
	uint64_t last_row;     /* offline messages up to here were given to a session */

	struct list sessions; /* at most sessions_per_account */
	unsigned n_sessions;
	unsigned missing;   /* answers that are still to come */
	unsigned pins;      /* requests that will come back here */
	unsigned n_queries; /* of those the ones about the archive: at most archive_queries */

	/* What waits, in order (struct task). Each holds back the frame it came with, so the windows of the senders bound it; and what waits
	 * for the room of a session counts as that session's queue (outbound_burden), so one client cannot fill a window. */
	struct list tasks;
	size_t tasks_bytes;
	bool is_running;

	struct list idle; /* in sd->idle_accounts while it has no session */
	uint64_t used_ms;
	UT_hash_handle hh;
};

/* st: the stanza it is about, or NULL. With ACCOUNT_FAILED nothing is known of the account. */
typedef void account_fn(struct account *a, const struct act *act, const struct stanza *st);

/* Finds or makes it; nothing is asked yet. */
struct account *account_get(struct sessiond *sd, struct str bare);
struct account *account_find(const struct sessiond *sd, struct str bare);
/* Calls fn now, or when everything before it is done and the account is loaded. */
void account_when_ready(
    struct account *a, const struct act *act, const struct stanza *st, account_fn *fn);
/* Would it be called now? */
bool account_is_ready(const struct account *a);
/* Lets go what waited, after is_flushing has become false. */
void account_run(struct account *a);
/* The cache may be wrong (a write was refused): asks storaged again; meanwhile everything waits. */
void account_reload(struct account *a);

void account_add_session(struct account *a, struct session *s);
void account_remove_session(struct account *a, struct session *s);
struct session *account_session(const struct account *a, struct str resource);
/* May this address (full or bare) see the user's presence: by subscription, or being the user. */
bool account_lets_see(const struct account *a, struct str jid);

void account_pin(struct account *a);
void account_unpin(struct account *a);
/* Frees what was unused for long, and the longest unused ones over the limit. */
void accounts_trim(struct sessiond *sd, uint64_t now_ms);
void accounts_free(struct sessiond *sd);

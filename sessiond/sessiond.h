/* sessiond: the IM rules of RFC 6121 for the users of one shard. This header has what all of its files share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slab.h"
#include "bus/bus.h"
#include "bus/ledger.h"
#include "service/service.h"
#include "service/settings.h"

#include "edge.h"

#define SHARDS_MAX 256
#define CAP_KEY_BYTES 32

enum conflict_policy {
	CONFLICT_REPLACE, /* the older session gets the stream error */
	CONFLICT_REFUSE,  /* the newer one cannot bind */
	CONFLICT_RENAME,  /* the newer one gets another resource */
};

struct sessiond_settings {
	int conflict;
	int64_t sessions_max;
	int64_t sessions_per_account;
	int64_t accounts_cached;
	bool deliver_to_all_resources, replace_oldest_session;
	bool password_change, account_removal;
	bool tell_version, privacy_lists, client_state, archive_preferences;
	struct setting_strings contact_abuse, contact_admin, contact_feedback, contact_sales,
	    contact_security, contact_status, contact_support;
	int64_t offline_max;
	int64_t roster_max;
	int64_t requests_max;
	int64_t window_bytes;
	int64_t queue_bytes;
	int64_t queues_bytes;
	int64_t stall_seconds;
	int64_t resume_seconds;
	int64_t archive_queries, detached_per_account;
	int archive;                             /* enum archive_policy */
	struct setting_sections archive_domains; /* struct archive_domain */
	struct setting_sections privileges;      /* struct privilege */
	struct setting_sections delegations;     /* struct delegation */
	struct setting_strings client_delegation;
};

struct session;
struct account;

struct sessiond {
	struct daemon *daemon;
	struct loop_timer *tick;
	uint8_t cap_key[CAP_KEY_BYTES];
	bool has_cap_key, asks_cap_key;

	/* The barrier of BUS.md §9 (gate.c). */
	bool is_open;
	uint64_t linked_at_ms;
	struct list deferred; /* frames that wait for it; bounded by their senders' windows */
	struct edge edges[EDGES_MAX];

	struct session *by_handle, *by_sid; /* uthash (sessions.c) */
	struct list queues;                 /* struct outbox: with something in the queue */
	size_t queued_bytes;      /* of all of them and behind them: settings queues_bytes */
	struct list doomed;       /* sessions to end when the handler has returned */
	struct list late_flushes; /* of offline messages; at most one of each account (offline.c) */
	struct list saves;        /* DETACHes on their way (detach.c) */
	struct list away; /* sessions without a connection; each account has detached_per_account at most */
	struct list handovers; /* of resumed sessions, until the new edge has them (resume.c) */
	struct leaving *leaving; /* uthash: sessions of a dead edge, until their rows are there (detach.c) */
	struct ended *ended; /* uthash: those that were not resumed; at most ENDED_MAX (ended.h) */
	unsigned load;       /* enum load_state (load.h) */
	struct slab inbounds, outgoings;  /* of inbound.c and outbound.c */
	struct ledger_index ids;          /* of all sessions' ledgers, and of these: */
	struct ledger shards[SHARDS_MAX]; /* what was sent to other shards (settle.c) */
	struct list orphans; /* stanzas of ended sessions that are under way (inbound.c); bounded as in_flight */
	struct account *accounts;  /* uthash (account.c) */
	struct list idle_accounts; /* the longest idle first, which goes over accounts_cached */
	unsigned n_accounts_idle;

	struct list removals; /* accounts being removed (removal.c); bounded by authd's notices under way */
	struct stored *stored; /* uthash: offline messages on their way to storaged (store.c) */
	struct buf searchable; /* domains whose archives storaged can search, a line each */
	uint64_t pushes;       /* for ids of roster pushes */
	struct delegated *delegated; /* uthash: requests that components answer (delegation.c) */
	struct list nested; /* struct nested: two for each delegation of the settings (nested.h) */
	struct nested *nested_asked; /* uthash: those that are asked, and those of users' grants */
	struct asked *asked; /* uthash: what components have asked in the name of users (privilege_iq.c) */
	uint64_t started_ms;
};

extern const struct setting sessiond_settings_table[];
int sessiond_check(const struct daemon *d, const void *settings, struct err *err);
extern const struct bus_handler sessiond_handlers[];
extern const struct bus_events sessiond_events;

/* life.c */
int sessiond_start(struct daemon *d, struct err *err);
void sessiond_reloaded(struct daemon *d, const void *old);
void sessiond_stop(struct daemon *d);
void sessiond_init(struct sessiond *sd, struct daemon *d);
void sessiond_deinit(struct sessiond *sd);
/* Once a second: whatever waits for time to pass. */
void sessiond_tick(void *sessiond);

static inline const struct sessiond_settings *
settings_of(const struct sessiond *sd)
{
	return (const struct sessiond_settings *)sd->daemon->settings;
}

static inline struct bus *
bus_of(const struct sessiond *sd)
{
	return sd->daemon->bus;
}

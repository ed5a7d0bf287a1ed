/* What the files of authd share: the daemon's state and its settings. All of it belongs to the
 * loop's thread. */
#pragma once

#include <stdint.h>

#include "credential.h"
#include "db/room.h"
#include "service/service.h"
#include "store.h"

struct keys;
struct logins;
struct notices;
struct penalty;
struct seals;
struct tickets;
struct tls_pool;

struct authd_settings {
	int64_t iterations;
	int64_t workers;
	int64_t exchanges, exchange_seconds;
	int64_t ticket_seconds;
	int64_t failures, failures_seconds, penalty_first, penalty_most;
	struct setting_strings exempt;
	int64_t registrations, password_min;
	int64_t disk_warn_megabytes, disk_full_megabytes, ballast_megabytes;
	bool sign_offer, client_certificates;
};

struct authd {
	struct daemon *daemon;
	struct keys *keys;
	struct db_writer *writer;
	struct tls_pool *pool;       /* for PBKDF2 */
	struct loop_wake *pool_wake; /* results of the pool wait */
	struct store *store;
	struct room room; /* disk.c */
	struct seals *seals;
	struct penalty *penalty;
	struct penalty *registrations; /* how many accounts were asked for from where */
	struct tickets *tickets;
	struct logins *logins;
	struct notices *notices;
	struct loop_timer *tick;
	unsigned ticks;
	bool stopping; /* what comes back from the threads is only freed */
};

extern const struct setting authd_settings_table[];
extern const struct sandbox authd_sandbox;

static inline const struct authd_settings *
authd_settings(const struct authd *a)
{
	return a->daemon->settings;
}

static inline uint64_t
authd_now_ms(const struct authd *a)
{
	return loop_now_ms(a->daemon->loop);
}

/* Paths below the daemon's folder. */
#define AUTHD_DATA "data"
#define AUTHD_STORE "data/credentials.db"
#define AUTHD_SEAL_KEY "data/seal.key"
#define AUTHD_PUBLIC_KEY "data/authd.pub"

/* life.c: what the skeleton calls; the two services of main.c differ in what they do once they
 * run. */
int authd_open(struct daemon *d, struct err *err);
int authd_threads(struct daemon *d, struct err *err);
/* Keys and store; no threads. */
int authd_open_files(struct daemon *d, struct err *err);
int authd_start(struct daemon *d, struct err *err);
int authd_check(const struct daemon *d, const void *settings, struct err *err);
void authd_reloaded(struct daemon *d, const void *old);
void authd_stop(struct daemon *d);

/* disk.c: with too little room no account is made and no password changed, so that all else can still be written. */
void disk_init(struct authd *a);
/* Before the store is opened. */
void disk_start(struct authd *a);
/* Once a second. */
void disk_tick(struct authd *a);
/* What a finished request says of the disk. */
void disk_note(struct authd *a, enum store_result result);
bool disk_is_full(const struct authd *a);

/* backup.c */
bool authd_control(
    struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out);

/* settings and limits as the modules want them */
struct penalty_limits;
void authd_penalty_limits(const struct authd_settings *s, struct penalty_limits *limits_r);
void authd_registration_limits(const struct authd_settings *s, struct penalty_limits *limits_r);

/* dispatch.c */
extern const struct bus_handler authd_handlers[];
extern const struct bus_events authd_events;
/* Everything that goes with time, once a second. */
void authd_tick(struct authd *a);

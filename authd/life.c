/* From start to stop, in the skeleton's order. Threads are made before the sandbox closes; the
 * store is opened inside it. authd_stop is the exact reverse and copes with anything missing. */
#include "authd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/db.h"
#include "keys.h"
#include "login.h"
#include "notice.h"
#include "penalty.h"
#include "seals.h"
#include "tickets.h"
#include "tls/pool.h"

#define TICK_MS 1000
#define TICKETS_MAX 65536
#define CHANGES_MAX 32768 /* more than a sender's window holds */

/* The folder must be there before the sandbox, which lets us into nothing else. */
static int
make_folder(struct daemon *d, struct err *err)
{
	uid_t uid;

	if (mkdir(AUTHD_DATA, 0700) != 0) {
		if (errno == EEXIST)
			return 0;
		return err_set(err, "cannot make the folder " AUTHD_DATA ": %s", strerror(errno));
	}
	uid = service_role_uid(d, ROLE_AUTHD);
	if (geteuid() == 0 && uid != (uid_t)-1 && lchown(AUTHD_DATA, uid, (gid_t)-1) != 0)
		return err_set(err, "cannot give the folder " AUTHD_DATA " to user %u: %s",
		    (unsigned)uid, strerror(errno));
	return db_sync_folder(AUTHD_DATA, err);
}

int
authd_open(struct daemon *d, struct err *err)
{
	struct authd *a = NEW(struct authd);

	a->daemon = d;
	d->state = a;
	umask(0077);
	/* Memory is locked while that is still allowed. */
	a->keys = keys_new();
	disk_init(a);
	return make_folder(d, err);
}

static void
pool_wake(void *ctx)
{
	const struct authd *a = ctx;

	loop_wake_send(a->pool_wake);
}

static void
on_pool(void *ctx)
{
	const struct authd *a = ctx;

	tls_pool_reap(a->pool);
}

int
authd_threads(struct daemon *d, struct err *err)
{
	struct authd *a = d->state;
	const struct authd_settings *s = authd_settings(a);

	(void)err;
	a->writer = db_writer_new(d->loop);
	a->pool_wake = loop_wake_new(d->loop, on_pool, a);
	a->pool =
	    tls_pool_new((unsigned)s->workers, (size_t)s->exchanges + CHANGES_MAX, pool_wake, a);
	return 0;
}

int
authd_open_files(struct daemon *d, struct err *err)
{
	struct authd *a = d->state;

	if (keys_load_seal(a->keys, AUTHD_SEAL_KEY, AUTHD_PUBLIC_KEY, err) != 0)
		return -1;
	a->store = store_open(AUTHD_STORE, err);
	if (!a->store)
		return -1;
	return store_secrets(a->store, &a->keys->secrets, err);
}

static void
on_tick(void *ctx)
{
	authd_tick(ctx);
}

static void
on_checked(struct store_request *r)
{
	/* Damage has ended the process already. */
	if (r->result == STORE_ERROR)
		log_warn("credentials.db could not be looked through");
	store_request_deinit(r);
	free(r);
}

/* In the background: a large file takes a while, and logins need not wait for it. */
static void
store_check_soon(struct authd *a)
{
	struct store_request *r = NEW(struct store_request);

	r->verb = STORE_CHECK;
	r->done = on_checked;
	store_submit(a->store, r);
}

/* Both go by the settings: failed logins, and accounts asked for. */
static void
set_limits(struct authd *a)
{
	const struct authd_settings *s = authd_settings(a);
	struct penalty_limits limits;
	struct networks exempt;

	authd_penalty_limits(s, &limits);
	penalty_set_limits(a->penalty, &limits);
	authd_registration_limits(s, &limits);
	penalty_set_limits(a->registrations, &limits);
	if (networks_set(&exempt, s->exempt.v, s->exempt.n, NULL) != 0)
		return; /* authd_check lets none through */
	penalty_set_exempt(a->penalty, &exempt);
	penalty_set_exempt(a->registrations, &exempt);
}

int
authd_start(struct daemon *d, struct err *err)
{
	struct authd *a = d->state;
	struct penalty_limits limits;

	disk_start(a);
	if (authd_open_files(d, err) != 0)
		return -1;
	store_attach(a->store, a->writer);
	authd_penalty_limits(authd_settings(a), &limits);
	a->penalty = penalty_new(&limits);
	a->registrations = penalty_new(&limits);
	set_limits(a);
	a->seals = seals_new(a->keys);
	a->tickets = tickets_new(TICKETS_MAX);
	a->logins = logins_new(a);
	a->notices = notices_new(a);
	a->tick = loop_timer_new(d->loop, on_tick, a);
	loop_timer_start(a->tick, TICK_MS, TICK_MS);
	store_check_soon(a);
	return 0;
}

void
authd_reloaded(struct daemon *d, const void *old)
{
	struct authd *a = d->state;

	(void)old;
	set_limits(a);
	/* A new domain may have accounts that sessiond has to be told of. */
	notices_pump(a->notices);
}

void
authd_stop(struct daemon *d)
{
	struct authd *a = d->state;

	if (!a)
		return;
	a->stopping = true;
	loop_timer_free(&a->tick);
	if (a->logins)
		logins_stop(a->logins);
	/* What the workers give back may still go to the store, so they end first. */
	tls_pool_free(&a->pool);
	loop_wake_free(&a->pool_wake);
	store_close(&a->store, &a->writer);
	notices_free(&a->notices);
	logins_free(&a->logins);
	tickets_free(&a->tickets);
	penalty_free(&a->penalty);
	penalty_free(&a->registrations);
	seals_free(&a->seals);
	keys_free(&a->keys);
	free(a);
	d->state = NULL;
}

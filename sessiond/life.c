/* The daemon's one object: made, ticked, freed. */
#include <stdlib.h>

#include "account.h"
#include "base/clock.h"
#include "base/mem.h"
#include "caps.h"
#include "delegation.h"
#include "detach.h"
#include "ended.h"
#include "gate.h"
#include "inbound.h"
#include "load.h"
#include "nested.h"
#include "offline.h"
#include "operator.h"
#include "privilege.h"
#include "register.h"
#include "resume.h"
#include "store.h"
#include "teardown.h"

#define TICK_MS 1000

void
sessiond_init(struct sessiond *sd, struct daemon *d)
{
	id_init();
	sd->daemon = d;
	sd->started_ms = clock_mono_ms();
	sd->pushes = id_random_u64();
	list_init(&sd->deferred);
	list_init(&sd->doomed);
	list_init(&sd->away);
	list_init(&sd->saves);
	list_init(&sd->late_flushes);
	list_init(&sd->handovers);
	list_init(&sd->queues);
	inbound_init(sd);
	slab_init(&sd->outgoings, sizeof(struct outgoing));
	ledger_index_init(&sd->ids);
	for (unsigned i = 0; i < SHARDS_MAX; i++)
		ledger_init(&sd->shards[i], &sd->ids);
	list_init(&sd->idle_accounts);
	list_init(&sd->removals);
	list_init(&sd->nested);
	for (unsigned i = 0; i < EDGES_MAX; i++)
		list_init(&sd->edges[i].sessions);
}

static void
free_sessions(struct sessiond *sd)
{
	struct session *s, *next;

	HASH_ITER(hh_sid, sd->by_sid, s, next) {
		struct session *gone = s;

		sessions_remove(gone);
		inbound_let_go(gone);
		session_free(&gone);
	}
}

void
sessiond_deinit(struct sessiond *sd)
{
	gate_free(sd);
	detach_free(sd);
	resume_free(sd);
	free_sessions(sd);
	privilege_free(sd);
	delegation_free(sd);
	nested_free(sd);
	ended_free(sd);
	inbound_deinit(sd);
	slab_deinit(&sd->outgoings);
	stored_free_all(sd);
	removals_free(sd);
	accounts_free(sd);
	register_free(sd);
	ledger_index_deinit(&sd->ids);
	buf_deinit(&sd->searchable);
}

void
sessiond_tick(void *sessiond)
{
	struct sessiond *sd = sessiond;
	uint64_t now_ms = clock_mono_ms();

	if (bus_is_linked(bus_of(sd))) {
		register_ask_key(sd);
		load_ask(sd);
		offline_retry(sd);
	}
	register_check_all(sd);
	outbound_check_stalled(sd, now_ms);
	detach_expire(sd, now_ms);
	ended_expire(sd, now_ms);
	privilege_forget_late(sd);
	delegation_expire(sd);
	nested_tick(sd);
	sessions_reap(sd);
	removals_retry(sd);
	accounts_trim(sd, now_ms);
}

int
sessiond_start(struct daemon *d, struct err *err)
{
	struct sessiond *sd = NEW(struct sessiond);

	(void)err;
	sessiond_init(sd, d);
	d->state = sd;
	sd->tick = loop_timer_new(d->loop, sessiond_tick, sd);
	loop_timer_start(sd->tick, TICK_MS, TICK_MS);
	privilege_warn(sd);
	nested_refresh(sd);
	return 0;
}

/* What edges offer for us depends on the settings (XEP-0115). */
void
sessiond_reloaded(struct daemon *d, const void *old)
{
	(void)old;
	privilege_warn(d->state);
	nested_refresh(d->state);
	if (d->bus)
		caps_tell_all(d->state);
}

/* The bus is gone already: what waited for answers has been told so. */
void
sessiond_stop(struct daemon *d)
{
	struct sessiond *sd = d->state;

	if (!sd)
		return;
	loop_timer_free(&sd->tick);
	sessiond_deinit(sd);
	free(sd);
	d->state = NULL;
}

/* See account.h. */
#include "account.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bounce.h"
#include "offline.h"

#define LOAD_MS 30000
#define IDLE_MS 300000

struct task {
	struct list link;
	struct act act;
	struct stanza *st; /* owned; may be NULL */
	size_t bytes;
	account_fn *fn;
};

struct account *
account_find(const struct sessiond *sd, struct str bare)
{
	struct account *a;

	HASH_FIND(hh, sd->accounts, bare.p, bare.n, a);
	return a;
}

static void
idle_begin(struct account *a)
{
	a->used_ms = clock_mono_ms();
	list_add(&a->sd->idle_accounts, &a->idle);
	a->sd->n_accounts_idle++;
}

static void
idle_end(struct account *a)
{
	list_remove(&a->idle);
	a->sd->n_accounts_idle--;
}

struct account *
account_get(struct sessiond *sd, struct str bare)
{
	struct account *a = account_find(sd, bare);

	if (a) {
		if (a->n_sessions == 0) {
			idle_end(a);
			idle_begin(a);
		}
		return a;
	}
	a = mem_new(sizeof(*a) + bare.n);
	memcpy(a + 1, bare.p, bare.n);
	a->jid = str_of(a + 1, bare.n);
	a->sd = sd;
	list_init(&a->sessions);
	list_init(&a->tasks);
	list_init(&a->idle);
	HASH_ADD_KEYPTR(hh, sd->accounts, a->jid.p, a->jid.n, a);
	idle_begin(a);
	return a;
}

/* ---- work that waits ---- */

bool
account_is_ready(const struct account *a)
{
	return a->state == ACCOUNT_READY && !a->is_flushing && !a->is_reloading &&
	    list_empty(&a->tasks);
}

static void
task_free(struct account *a, struct task *t)
{
	a->tasks_bytes -= t->bytes;
	list_remove(&t->link);
	if (bus_of(t->act.sd))
		custody_resume(t->act.custody);
	act_drop(&t->act);
	free(t->st);
	free(t);
}

static void
task_run(struct account *a, struct task *t)
{
	if (a->state == ACCOUNT_FAILED && t->st)
		bounce(&t->act, t->st, SE_RESOURCE_CONSTRAINT);
	else
		t->fn(a, &t->act, t->st);
}

static bool
may_run(const struct account *a)
{
	return (a->state == ACCOUNT_READY && !a->is_flushing && !a->is_reloading) ||
	    a->state == ACCOUNT_FAILED;
}

void
account_run(struct account *a)
{
	if (a->is_running)
		return;
	a->is_running = true;
	while (may_run(a) && !list_empty(&a->tasks)) {
		struct task *t = CONTAINER_OF(a->tasks.next, struct task, link);

		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): task_free takes it off the list */
		task_run(a, t);
		task_free(a, t);
	}
	a->is_running = false;
	/* What is not there may be there next time: it is not remembered. */
	if (list_empty(&a->tasks) &&
	    (a->state == ACCOUNT_FAILED || (a->state == ACCOUNT_READY && !a->exists)))
		a->state = ACCOUNT_COLD;
}

static void account_load(struct account *a);

void
account_when_ready(struct account *a, const struct act *act, const struct stanza *st, account_fn *fn)
{
	struct task *t;

	/* What a waiting task comes back with here is a part of it: it goes before those behind it. */
	if (account_is_ready(a) || (a->is_running && a->state == ACCOUNT_READY && may_run(a))) {
		fn(a, act, st);
		return;
	}
	t = NEW(struct task);
	t->act = act_keep(act);
	custody_defer(t->act.custody);
	t->st = st ? stanza_copy(st) : NULL;
	t->bytes = sizeof(*t) + (st ? stanza_bytes(st) : 0);
	t->fn = fn;
	list_add(&a->tasks, &t->link);
	a->tasks_bytes += t->bytes;
	if (offline_waits_for_room(a))
		outbound_burden(a, t->bytes);
	if (a->state == ACCOUNT_COLD)
		account_load(a);
}

/* ---- loading ---- */

static void
account_loaded(struct account *a, bool is_known)
{
	if (!is_known)
		a->state = ACCOUNT_FAILED;
	if (--a->missing > 0)
		return;
	if (a->state == ACCOUNT_LOADING)
		a->state = ACCOUNT_READY;
	account_run(a);
}

static void
on_generations(void *arg, const struct bus_in *in, const void *msg)
{
	struct account *a = arg;
	const struct msg_GENERATIONS *m = msg;
	bool is_known = in && in->message->type == MSG_GENERATIONS;
	struct bus_list list;
	struct rec_generation g;

	if (is_known && a->n_sessions == 0) {
		list = m->accounts;
		a->exists = bus_list_next(&list, &bus_record_generation, &g);
		a->generation = a->exists ? g.generation : 0;
	}
	account_loaded(a, is_known || a->n_sessions > 0);
	account_unpin(a);
}

static void
on_roster(void *arg, const struct bus_in *in, const void *msg)
{
	struct account *a = arg;
	bool is_known = in && in->message->type == MSG_ROSTER;

	if (is_known)
		roster_load(&a->roster, msg);
	account_loaded(a, is_known);
	account_unpin(a);
}

static void
ask_roster(struct account *a, bus_answer_fn *fn)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_ROSTER_GET m = {.owner = a->jid};

	account_pin(a);
	bus_request(bus_of(a->sd), &storaged, MSG_ROSTER_GET, &m, NULL, NULL, LOAD_MS, fn, a);
}

static void
on_block_list(void *arg, const struct bus_in *in, const void *msg)
{
	struct account *a = arg;
	const struct msg_BLOB *m = msg;
	bool is_known = in && in->message->type == MSG_BLOB;

	if (is_known)
		privacy_load(&a->privacy, m->found ? m->data : (struct str){0});
	account_loaded(a, is_known);
	account_unpin(a);
}

static void
ask_block_list(struct account *a, bus_answer_fn *fn)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_BLOB_GET m = {.owner = a->jid, .space = BLOB_BLOCK};

	account_pin(a);
	bus_request(bus_of(a->sd), &storaged, MSG_BLOB_GET, &m, NULL, NULL, LOAD_MS, fn, a);
}

static void
on_archive_prefs(void *arg, const struct bus_in *in, const void *msg)
{
	struct account *a = arg;
	const struct msg_BLOB *m = msg;
	bool is_known = in && in->message->type == MSG_BLOB;

	if (is_known && m->found)
		archive_prefs_load(&a->archive, m->data);
	account_loaded(a, is_known);
	account_unpin(a);
}

static void
ask_archive_prefs(struct account *a)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct msg_BLOB_GET m = {.owner = a->jid, .space = BLOB_ARCHIVE};

	account_pin(a);
	bus_request(
	    bus_of(a->sd), &storaged, MSG_BLOB_GET, &m, NULL, NULL, LOAD_MS, on_archive_prefs, a);
}

static void
ask_generation(struct account *a)
{
	struct endpoint authd = {.role = ROLE_AUTHD};
	struct rec_account who = {.jid = a->jid};
	struct msg_GENERATIONS_GET m = {.accounts = {.items = &who, .count = 1}};

	account_pin(a);
	bus_request(
	    bus_of(a->sd), &authd, MSG_GENERATIONS_GET, &m, NULL, NULL, LOAD_MS, on_generations, a);
}

static void
account_load(struct account *a)
{
	a->state = ACCOUNT_LOADING;
	a->exists = a->n_sessions > 0;
	a->missing = 3;
	archive_prefs_clear(&a->archive);
	if (archive_is_on(a)) {
		a->missing++;
		ask_archive_prefs(a);
	}
	ask_generation(a);
	ask_roster(a, on_roster);
	ask_block_list(a, on_block_list);
}

static void
account_reloaded(struct account *a)
{
	if (--a->missing == 0) {
		a->is_reloading = false;
		account_run(a);
	}
	account_unpin(a);
}

static void
on_roster_again(void *arg, const struct bus_in *in, const void *msg)
{
	struct account *a = arg;

	if (in && in->message->type == MSG_ROSTER)
		roster_load(&a->roster, msg);
	account_reloaded(a);
}

static void
on_block_list_again(void *arg, const struct bus_in *in, const void *msg)
{
	struct account *a = arg;
	const struct msg_BLOB *m = msg;

	if (in && in->message->type == MSG_BLOB)
		privacy_load(&a->privacy, m->found ? m->data : (struct str){0});
	account_reloaded(a);
}

void
account_reload(struct account *a)
{
	if (a->is_reloading)
		return;
	a->is_reloading = true;
	a->missing = 2;
	ask_roster(a, on_roster_again);
	ask_block_list(a, on_block_list_again);
}

/* ---- sessions ---- */

void
account_add_session(struct account *a, struct session *s)
{
	if (a->n_sessions++ == 0)
		idle_end(a);
	list_add(&a->sessions, &s->link);
	s->account = a;
	a->exists = true;
	a->generation = s->generation;
	if (a->state == ACCOUNT_COLD)
		account_load(a);
}

void
account_remove_session(struct account *a, struct session *s)
{
	list_remove(&s->link);
	if (--a->n_sessions == 0)
		idle_begin(a);
}

struct session *
account_session(const struct account *a, struct str resource)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (str_eq(s->jid.resource, resource))
			return s;
	}
	return NULL;
}

bool
account_lets_see(const struct account *a, struct str jid)
{
	struct str bare = jid_split(jid).bare;

	return str_eq(bare, a->jid) || contact_has_from(roster_find(&a->roster, bare));
}

/* ---- life ---- */

void
account_pin(struct account *a)
{
	a->pins++;
}

void
account_unpin(struct account *a)
{
	a->pins--;
}

static void
account_free(struct account *a)
{
	LIST_FOREACH_SAFE(&a->tasks, it, nx)
		task_free(a, CONTAINER_OF(it, struct task, link));
	HASH_DELETE(hh, a->sd->accounts, a);
	if (!list_empty(&a->idle))
		idle_end(a);
	offline_forget(a);
	buf_deinit(&a->gone_rows);
	roster_clear(&a->roster);
	archive_prefs_clear(&a->archive);
	privacy_clear(&a->privacy);
	free(a->copied);
	free(a);
}

void
accounts_trim(struct sessiond *sd, uint64_t now_ms)
{
	unsigned most = (unsigned)settings_of(sd)->accounts_cached;

	LIST_FOREACH_SAFE(&sd->idle_accounts, it, nx) {
		struct account *a = CONTAINER_OF(it, struct account, idle);

		if (sd->n_accounts_idle <= most && now_ms < a->used_ms + IDLE_MS)
			return;
		if (a->pins == 0 && list_empty(&a->tasks))
			account_free(a);
	}
}

void
accounts_free(struct sessiond *sd)
{
	while (sd->accounts)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): account_free takes it out of the map */
		account_free(sd->accounts);
}

/* See authd_rig.h. Endpoints are cores of the bus without sockets (bus/bus_private.h); time is the
 * loop's. */
#include "authd_rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "bus/bus_private.h"
#include "keys.h"

struct rig rig;

static const enum role roles[RIG_ENDS] = {ROLE_AUTHD, ROLE_C2SD, ROLE_SESSIOND, ROLE_CTL};
static struct rig_answer answer;
static struct buf out[RIG_ENDS];
static struct frame_cutter cutter[RIG_ENDS];
static struct bus_config config[RIG_ENDS];
static const char *const domains[] = {"example.org", "other.example"};
static const char *const admins[] = {"root@example.org"};

/* ---- what the others do with messages ---- */

static void
sessiond_told(const struct bus_in *in, struct str jid)
{
	assert_true(str_copy(rig.notices.jid, sizeof(rig.notices.jid), jid));
	if (!rig.hold_notices)
		return;
	assert_true(rig.notices.n_held < RIG_NOTICES_MAX);
	rig.notices.held[rig.notices.n_held++] = custody_hold(in->custody);
}

void
rig_release_notices(void)
{
	rig.hold_notices = false;
	while (rig.notices.n_held > 0)
		custody_release(rig.notices.held[--rig.notices.n_held]);
}

static void
handle_account_changed(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_ACCOUNT_CHANGED *m = msg;

	(void)ctx;
	rig.notices.changed++;
	rig.notices.generation = m->generation;
	rig.notices.close = m->close_sessions;
	sessiond_told(in, m->jid);
}

static void
handle_user_remove(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_USER_REMOVE *m = msg;

	(void)ctx;
	rig.notices.removed++;
	sessiond_told(in, m->jid);
}

static const struct bus_handler sessiond_handlers[] = {
    {MSG_ACCOUNT_CHANGED, 0, handle_account_changed},
    {MSG_USER_REMOVE, 0, handle_user_remove},
    {0, 0, NULL},
};

/* ---- the router ---- */

static bool
on_frame(void *ctx, const struct frame *f)
{
	(void)ctx;
	for (unsigned i = 0; i < RIG_ENDS; i++)
		if (rig.bus[i] && frame_role(f->dst) == roles[i])
			assert_true(bus_core_frame(rig.bus[i], f));
	return true;
}

static struct buf *
out_of(void *ctx)
{
	return ctx;
}

static void
router_turn(void)
{
	for (unsigned i = 0; i < RIG_ENDS; i++)
		if (rig.bus[i])
			bus_core_turn(rig.bus[i]);
	for (unsigned i = 0; i < RIG_ENDS; i++) {
		const char *error;
		struct buf bytes = out[i];

		out[i] = (struct buf){0};
		assert_true(frame_cut(&cutter[i], buf_str(&bytes), on_frame, NULL, &error));
		buf_deinit(&bytes);
	}
}

static void
router_says(enum rig_end to, enum msg_type type, const void *msg)
{
	struct buf bytes = {0};
	struct frame f = {.src = frame_endpoint(ROLE_ROUTER, 0),
	    .src_inc = 1,
	    .dst = frame_endpoint(roles[to], 0),
	    .dst_inc = bus_own_incarnation(rig.bus[to])};
	struct frame_cutter one = {0};
	const char *error;

	frame_add_message(&bytes, &f, bus_message(type), msg);
	assert_true(frame_cut(&one, buf_str(&bytes), on_frame, NULL, &error));
	frame_cutter_deinit(&one);
	buf_deinit(&bytes);
}

static struct rec_endpoint_is
endpoint_is(enum rig_end end)
{
	return (struct rec_endpoint_is){
	    .role = (uint8_t)roles[end], .incarnation = bus_own_incarnation(rig.bus[end])};
}

static void
router_welcome(enum rig_end end)
{
	const struct rec_route routes[] = {
	    {.domain = S("example.org"), .role = ROLE_SESSIOND, .instances = 1},
	    {.domain = S("other.example"), .role = ROLE_SESSIOND, .instances = 1},
	};
	struct rec_endpoint_is peers[RIG_ENDS];
	struct msg_WELCOME welcome = {.incarnation = 1,
	    .age_ms = 60000,
	    .routes = {.items = routes, .count = COUNT(routes)},
	    .peers = {.items = peers}};
	const struct msg_PEER_UP up = {.peer = endpoint_is(end)};

	for (unsigned i = 0; i < RIG_ENDS; i++)
		if (i != end && rig.bus[i])
			peers[welcome.peers.count++] = endpoint_is(i);
	router_says(end, MSG_WELCOME, &welcome);
	for (unsigned i = 0; i < RIG_ENDS; i++)
		if (i != end && rig.bus[i])
			router_says(i, MSG_PEER_UP, &up);
}

static void
end_up(enum rig_end end)
{
	struct bus *b = bus_core_new(&config[end], id_random_u64());

	rig.bus[end] = b;
	bus_core_connected(b, out_of, &out[end]);
	buf_clear(&out[end]); /* HELLO is for a real router */
	if (end == RIG_AUTHD)
		rig.daemon.bus = b;
	router_welcome(end);
}

static void
end_down(enum rig_end end)
{
	buf_clear(&out[end]);
	bus_core_free(&rig.bus[end]);
}

static void
seal_up(enum rig_end end, struct seal *seal)
{
	const struct authd *a = rig.daemon.state;
	uint8_t public_key[SEAL_KEY_BYTES];
	struct msg_SEAL_KEY m = {.public_key = str_of(public_key, sizeof(public_key))};

	assert_true(seal_start_client(seal, a->keys->seal_public, public_key));
	rig_post(end, MSG_SEAL_KEY, &m);
}

/* ---- running ---- */

static struct {
	bool (*cond)(void);
	uint64_t until_ms;
	bool met;
} waiting;

static void
on_poll(void *ctx)
{
	(void)ctx;
	router_turn();
	waiting.met = waiting.cond && waiting.cond();
	if (waiting.met || clock_mono_ms() > waiting.until_ms)
		loop_stop(rig.daemon.loop);
}

static bool
run_for(bool (*cond)(void), uint64_t ms)
{
	struct loop_timer *poll = loop_timer_new(rig.daemon.loop, on_poll, NULL);

	waiting.cond = cond;
	waiting.until_ms = clock_mono_ms() + ms;
	loop_timer_start(poll, 0, 1);
	loop_run(rig.daemon.loop);
	loop_timer_free(&poll);
	return waiting.met;
}

bool
rig_wait(bool (*cond)(void))
{
	return run_for(cond, 5000);
}

void
rig_settle(void)
{
	run_for(NULL, 60);
}

static void
authd_up(void)
{
	struct err err;

	rig.daemon.loop = rig.daemon.loop ? rig.daemon.loop : loop_new();
	if (authd_open(&rig.daemon, &err) != 0 || authd_threads(&rig.daemon, &err) != 0 ||
	    authd_start(&rig.daemon, &err) != 0)
		fail_msg("%s", err.text);
	config[RIG_AUTHD].ctx = rig.daemon.state;
	end_up(RIG_AUTHD);
}

static void
authd_down(void)
{
	authd_stop(&rig.daemon);
	end_down(RIG_AUTHD);
	rig.daemon.bus = NULL;
}

int
rig_up(void **state)
{
	(void)state;
	id_init();
	log_set_level(LOG_ERROR);
	memset(&rig, 0, sizeof(rig));
	snprintf(rig.dir, sizeof(rig.dir), "/tmp/jackdaw-authd-XXXXXX");
	assert_non_null(mkdtemp(rig.dir));
	assert_int_equal(chdir(rig.dir), 0);
	assert_int_equal(mkdir(AUTHD_DATA, 0700), 0);
	rig.settings = (struct authd_settings){.iterations = 4096,
	    .workers = 2,
	    .exchanges = 8,
	    .exchange_seconds = 30,
	    .ticket_seconds = 60,
	    .failures = 20,
	    .failures_seconds = 600,
	    .penalty_first = 5,
	    .penalty_most = 600};
	rig.daemon.settings = &rig.settings;
	rig.daemon.suite = (struct suite){
	    .domains = domains, .n_domains = 2, .admins = admins, .n_admins = 1, .n_sessiond = 1};
	for (unsigned i = 0; i < RIG_ENDS; i++)
		config[i] = (struct bus_config){.role = roles[i]};
	config[RIG_AUTHD].handlers = authd_handlers;
	config[RIG_AUTHD].events = &authd_events;
	config[RIG_SESSIOND].handlers = sessiond_handlers;
	authd_up();
	for (unsigned i = RIG_AUTHD + 1; i < RIG_ENDS; i++)
		end_up(i);
	seal_up(RIG_C2SD, &rig.c2sd_seal);
	seal_up(RIG_CTL, &rig.ctl_seal);
	return 0;
}

static void
folder_remove(const char *name)
{
	DIR *d = opendir(name);
	struct dirent *e;
	char path[512];

	while (d && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", name, e->d_name);
		if (e->d_name[0] != '.' && unlink(path) != 0)
			folder_remove(path);
	}
	if (d)
		closedir(d);
	rmdir(name);
}

int
rig_down(void **state)
{
	(void)state;
	authd_down();
	for (unsigned i = RIG_AUTHD + 1; i < RIG_ENDS; i++)
		end_down(i);
	for (unsigned i = 0; i < RIG_ENDS; i++) {
		buf_deinit(&out[i]);
		frame_cutter_deinit(&cutter[i]);
	}
	loop_free(&rig.daemon.loop);
	if (chdir("/") == 0)
		folder_remove(rig.dir);
	return 0;
}

void
rig_restart_authd(void)
{
	authd_down();
	authd_up();
	seal_up(RIG_C2SD, &rig.c2sd_seal);
	seal_up(RIG_CTL, &rig.ctl_seal);
}

void
rig_restart_c2sd(void)
{
	end_down(RIG_C2SD);
	end_up(RIG_C2SD);
	seal_up(RIG_C2SD, &rig.c2sd_seal);
}

/* ---- asking ---- */

static void
take_users(struct bus_list it)
{
	struct rec_account one;
	struct buf all = {0};

	answer.count = it.count;
	while (bus_list_next(&it, &bus_record_account, &one))
		buf_printf(&all, "%s%.*s", buf_len(&all) ? " " : "", STR_ARG(one.jid));
	assert_true(str_copy(answer.jid, sizeof(answer.jid), buf_str(&all)));
	buf_deinit(&all);
}

static void
take_generations(struct bus_list it)
{
	struct rec_generation one;

	answer.count = it.count;
	if (bus_list_next(&it, &bus_record_generation, &one))
		answer.generation = one.generation;
}

static void
take_auth(const struct msg_AUTH_ANSWER *m)
{
	struct buf plain = {0};

	answer.auth = *m;
	assert_true(str_copy(answer.jid, sizeof(answer.jid), m->jid));
	if (m->has_data)
		assert_true(seal_open(&rig.c2sd_seal, m->data, &plain));
	assert_true(str_copy(answer.data, sizeof(answer.data), buf_str(&plain)));
	buf_deinit(&plain);
}

static void
on_answer(void *arg, const struct bus_in *in, const void *msg)
{
	(void)arg;
	answer.came = true;
	if (!in)
		return;
	answer.type = (enum msg_type)in->message->type;
	if (answer.type == MSG_AUTH_ANSWER) {
		take_auth(msg);
	} else if (answer.type == MSG_REDEEMED) {
		answer.redeemed = *(const struct msg_REDEEMED *)msg;
		answer.generation = answer.redeemed.generation;
		assert_true(str_copy(answer.jid, sizeof(answer.jid), answer.redeemed.jid));
	} else if (answer.type == MSG_USERS) {
		answer.more = ((const struct msg_USERS *)msg)->more;
		take_users(((const struct msg_USERS *)msg)->accounts);
	} else if (answer.type == MSG_GENERATIONS) {
		take_generations(((const struct msg_GENERATIONS *)msg)->accounts);
	} else if (answer.type == MSG_CAP_KEY) {
		assert_true(str_copy(
		    answer.data, sizeof(answer.data), ((const struct msg_CAP_KEY *)msg)->key));
	} else if (answer.type == MSG_FAILED) {
		answer.failed = *(const struct msg_FAILED *)msg;
		assert_true(str_copy(answer.data, sizeof(answer.data), answer.failed.text));
	}
}

static bool
answer_came(void)
{
	return answer.came;
}

static struct endpoint
authd_endpoint(void)
{
	return (struct endpoint){
	    .role = ROLE_AUTHD, .incarnation = bus_own_incarnation(rig.bus[RIG_AUTHD])};
}

const struct rig_answer *
rig_ask(enum rig_end from, enum msg_type type, void *msg)
{
	const struct endpoint to = authd_endpoint();

	memset(&answer, 0, sizeof(answer));
	bus_request(rig.bus[from], &to, type, msg, NULL, NULL, 0, on_answer, NULL);
	if (!rig_wait(answer_came))
		fail_msg("no answer to %s", bus_message(type)->body.name);
	return &answer;
}

void
rig_post(enum rig_end from, enum msg_type type, const void *msg)
{
	const struct endpoint to = authd_endpoint();

	bus_send(rig.bus[from], &to, type, msg, NULL, NULL, 0);
	router_turn();
}

struct str
rig_seal(enum rig_end from, struct str plain)
{
	static struct buf sealed;
	static char bytes[8192];
	struct str s;

	seal_close(from == RIG_CTL ? &rig.ctl_seal : &rig.c2sd_seal, plain, &sealed);
	s = str_of(bytes, buf_len(&sealed));
	memcpy(bytes, buf_str(&sealed).p, s.n);
	buf_deinit(&sealed);
	return s;
}

const struct rig_answer *
rig_add(const char *jid, const char *password)
{
	struct msg_USER_ADD m = {.jid = str_z(jid), .password = rig_seal(RIG_CTL, str_z(password))};

	return rig_ask(RIG_CTL, MSG_USER_ADD, &m);
}

const struct rig_answer *
rig_plain(uint64_t conn, const char *user, const char *password)
{
	struct buf text = {0};
	struct msg_AUTH_START m = {
	    .conn = conn,
	    .domain = S("example.org"),
	    .mechanism = S("PLAIN"),
	    .offered = S("SCRAM-SHA-1 PLAIN"),
	    .has_initial = true,
	    .tls = true,
	    .source = S("192.0.2.1"),
	};

	buf_add_c(&text, '\0');
	buf_add_z(&text, user);
	buf_add_c(&text, '\0');
	buf_add_z(&text, password);
	m.initial = rig_seal(RIG_C2SD, buf_str(&text));
	buf_deinit(&text);
	return rig_ask(RIG_C2SD, MSG_AUTH_START, &m);
}

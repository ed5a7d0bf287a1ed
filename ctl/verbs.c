/* run/supervisor.sock: one line in, lines out, the first one is `ok` or `error: …`. Only root and the suite's owner get in.
 *
 *   status          a line per daemon: NAME PID STATE SECONDS RESTARTS
 *   restart         all daemons; answered when they are ready
 *   down            all daemons; answered when they have ended
 *   restart NAME, start NAME, stop NAME    "c2sd.0", or all instances of "c2sd"; answered when it is so
 *
 *   A client: READING --line--> WAITING --verbs_step--> ANSWERED, or at once ANSWERED */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "suite.h"
#include "supervise.h"

#define CLIENTS_MAX 16 /* more have to wait to be accepted */
#define LINE_MAX_LEN 256
#define LINGER_MS 1000

enum client_state {
	CLIENT_READING,
	CLIENT_WAITING,
	CLIENT_ANSWERED,
};

enum waiting_for {
	WAITING_FOR_START, /* what is meant is ready */
	WAITING_FOR_STOP,  /* what is meant is down */
	WAITING_FOR_END,   /* the supervisor is done */
};

struct client {
	struct list node; /* in verbs->clients */
	struct verbs *verbs;
	struct conn *conn;
	enum client_state state;
	enum waiting_for what;
	char name[64]; /* empty: all daemons */
	struct buf in; /* at most LINE_MAX_LEN bytes */
};

struct verbs {
	struct supervisor *supervisor;
	struct listener *listener;
	struct list clients;
	unsigned n_clients;
};

static void
answer(struct client *cl, struct str text)
{
	cl->state = CLIENT_ANSWERED;
	conn_write(cl->conn, text);
	conn_close(cl->conn, LINGER_MS);
}

static void
handle_status(struct client *cl)
{
	const struct supervisor *s = cl->verbs->supervisor;
	struct buf b = {0};

	buf_add_z(&b, "ok\n");
	for (unsigned i = 0; i < s->n_children; i++) {
		const struct child *c = s->children[i];
		uint64_t ms = c->pid && !c->adopted ? loop_now_ms(s->loop) - c->started_ms : 0;

		buf_printf(&b, "%s %d %s %llu %u\n", c->name, (int)c->pid,
		    child_state_name(c->state), (unsigned long long)(ms / 1000), c->n_restarts);
	}
	answer(cl, buf_str(&b));
	buf_deinit(&b);
}

static void
handle_restart_all(struct client *cl)
{
	cl->state = CLIENT_WAITING;
	cl->what = WAITING_FOR_START;
	supervisor_stop(cl->verbs->supervisor, SUPERVISOR_RESTARTING);
}

static void
handle_one(struct client *cl, enum one_verb verb, struct str name)
{
	char text[sizeof(struct err) + 16];
	struct err err;

	if (!str_copy(cl->name, sizeof(cl->name), name) ||
	    supervisor_do(cl->verbs->supervisor, verb, name, &err) != 0) {
		snprintf(text, sizeof(text), "error: %s\n", err.text);
		answer(cl, str_z(text));
		return;
	}
	cl->state = CLIENT_WAITING;
	cl->what = verb == ONE_STOP ? WAITING_FOR_STOP : WAITING_FOR_START;
}

static void
handle_down(struct client *cl)
{
	cl->state = CLIENT_WAITING;
	cl->what = WAITING_FOR_END;
	supervisor_stop(cl->verbs->supervisor, SUPERVISOR_STOPPING);
}

static void
handle_line(struct client *cl, struct str line)
{
	struct str verb, name;

	str_split(line, ' ', &verb, &name);
	name = str_trim(name);
	if (str_is(verb, "status"))
		handle_status(cl);
	else if (str_is(verb, "down"))
		handle_down(cl);
	else if (cl->verbs->supervisor->state != SUPERVISOR_RUNNING)
		answer(cl, S("error: the suite is just being stopped\n"));
	else if (str_is(verb, "restart") && str_empty(name))
		handle_restart_all(cl);
	else if (str_is(verb, "restart"))
		handle_one(cl, ONE_RESTART, name);
	else if (str_is(verb, "start"))
		handle_one(cl, ONE_START, name);
	else if (str_is(verb, "stop"))
		handle_one(cl, ONE_STOP, name);
	else
		answer(cl, S("error: no such request\n"));
}

static void
on_input(struct conn *c, struct str bytes)
{
	struct client *cl = *(struct client **)conn_user(c);
	struct str line, rest;

	if (!cl || cl->state != CLIENT_READING)
		return;
	if (buf_len(&cl->in) + bytes.n > LINE_MAX_LEN) {
		answer(cl, S("error: too long\n"));
		return;
	}
	buf_add_str(&cl->in, bytes);
	if (str_split(buf_str(&cl->in), '\n', &line, &rest))
		handle_line(cl, str_trim(line));
}

static void
client_free(struct client *cl)
{
	list_remove(&cl->node);
	cl->verbs->n_clients--;
	buf_deinit(&cl->in);
	free(cl);
}

static void
on_closed(struct conn *c, int error)
{
	struct client *cl = *(struct client **)conn_user(c);

	(void)error;
	if (!cl)
		return;
	struct verbs *v = cl->verbs;
	client_free(cl);
	listener_resume(v->listener);
}

static const struct conn_methods methods = {.input = on_input, .closed = on_closed};

static bool
is_entitled(int fd)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 &&
	    (cred.uid == 0 || cred.uid == geteuid());
}

static bool
may_accept(void *ctx)
{
	const struct verbs *v = ctx;

	return v->n_clients < CLIENTS_MAX;
}

static void
on_accepted(void *ctx, int fd)
{
	struct verbs *v = ctx;

	if (!is_entitled(fd)) {
		close(fd);
		return;
	}
	struct client *cl = NEW(struct client);
	cl->verbs = v;
	list_add(&v->clients, &cl->node);
	v->n_clients++;
	cl->conn = conn_new(v->supervisor->loop, fd, &methods, sizeof(struct client *));
	*(struct client **)conn_user(cl->conn) = cl;
}

struct verbs *
verbs_new(struct supervisor *s, struct err *err)
{
	int fd = suite_listen(s->ctl, SUPERVISOR_SOCKET, err);

	if (fd < 0)
		return NULL;
	struct verbs *v = NEW(struct verbs);
	v->supervisor = s;
	list_init(&v->clients);
	v->listener = listener_new(s->loop, fd, may_accept, on_accepted, v);
	return v;
}

void
verbs_free(struct verbs **vp)
{
	struct verbs *v = *vp;

	if (!v)
		return;
	*vp = NULL;
	LIST_FOREACH_SAFE(&v->clients, it, next) {
		struct client *cl = CONTAINER_OF(it, struct client, node);

		*(struct client **)conn_user(cl->conn) = NULL;
		conn_close(cl->conn, LINGER_MS);
		client_free(cl);
	}
	listener_free(&v->listener);
	free(v);
}

/* NULL: not yet. */
static const char *
outcome_of(const struct supervisor *s, const struct client *cl)
{
	enum child_state wanted = cl->what == WAITING_FOR_STOP ? CHILD_DOWN : CHILD_READY;

	if (cl->what == WAITING_FOR_END)
		return s->state == SUPERVISOR_STOPPED ? "ok\n" : NULL;
	if (s->state == SUPERVISOR_RESTARTING)
		return NULL;
	if (s->state != SUPERVISOR_RUNNING)
		return "error: the suite is being stopped\n";
	for (unsigned i = 0; i < s->n_children; i++) {
		const struct child *c = s->children[i];

		if (cl->name[0] && !supervisor_means(c, str_z(cl->name)))
			continue;
		if (c->state == CHILD_PAUSED)
			return "error: it does not come up; see its log\n";
		if (c->state != wanted)
			return NULL;
	}
	return "ok\n";
}

void
verbs_step(struct verbs *v)
{
	if (!v)
		return;
	LIST_FOREACH(&v->clients, it) {
		struct client *cl = CONTAINER_OF(it, struct client, node);
		const char *outcome =
		    cl->state == CLIENT_WAITING ? outcome_of(v->supervisor, cl) : NULL;

		if (outcome)
			answer(cl, str_z(outcome));
	}
}

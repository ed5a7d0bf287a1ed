/* Connecting to the hosts of one priority (RFC 8305, XEP-0495): the first address at once, each further one when the one before
 * has failed, or has not answered for a while; the first that is connected wins, the others are given up.
 *
 * connect_step is the only function that starts attempts; it is called when something happened and at every tick. */
#include "dialer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define NEXT_ATTEMPT_MS 250 /* RFC 8305 §5 */
#define ATTEMPT_MS \
	1500 /* then it counts as dead, so that the next priority has its turn within 4 s */

/* ---- attempts ---- */

static void
attempt_end(struct connect_attempt *a)
{
	loop_watch_free(&a->watch);
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}

/* Takes it out of the array; the last one moves, so a watch that names it must be told. */
static void
attempt_remove(struct dial *d, size_t i)
{
	attempt_end(&d->attempts[i]);
	memmove(
	    &d->attempts[i], &d->attempts[i + 1], (d->n_attempts - i - 1) * sizeof(d->attempts[0]));
	d->n_attempts--;
}

static void
attempt_failed(struct dial *d, size_t i, enum dial_error error, const char *why)
{
	char text[46];

	host_address_text(&d->attempts[i].to.sa, text);
	dial_note(d, error, "connecting to %s (%.100s) port %u: %s", text,
	    d->attempts[i].host->srv.target, d->attempts[i].host->srv.port, why);
	attempt_remove(d, i);
}

static void
on_ready(void *ctx, int events)
{
	(void)events;
	dial_step(ctx);
}

static void
attempt_start(struct dial *d, const struct host *h, const struct host_address *to)
{
	struct connect_attempt *a = &d->attempts[d->n_attempts];
	socklen_t n = to->sa.any.sa_family == AF_INET ? sizeof(to->sa.v4) : sizeof(to->sa.v6);

	*a = (struct connect_attempt){
	    .dial = d, .host = h, .to = *to, .started_ms = loop_now_ms(d->dialer->loop)};
	d->last_start_ms = a->started_ms;
	d->n_attempts++;
	a->fd = socket(to->sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd < 0 || (connect(a->fd, &to->sa.any, n) != 0 && errno != EINPROGRESS)) {
		attempt_failed(d, d->n_attempts - 1, DIAL_REFUSED, strerror(errno));
		return;
	}
	a->watch = loop_watch_new(d->dialer->loop, a->fd, on_ready, d);
	loop_watch_set(a->watch, LOOP_WRITE);
}

/* ---- what became of them ---- */

enum outcome {
	STILL_CONNECTING,
	CONNECTED,
	FAILED,
};

static enum outcome
outcome_of(int fd, int *error_r)
{
	union host_sockaddr peer;
	socklen_t n = sizeof(*error_r), peer_n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, error_r, &n) != 0)
		*error_r = errno;
	if (*error_r != 0)
		return FAILED;
	return getpeername(fd, &peer.any, &peer_n) == 0 ? CONNECTED : STILL_CONNECTING;
}

static void
fill_target(struct dial *d, const struct connect_attempt *a)
{
	const struct host *h = a->host;
	struct dial_target *t = &d->target;

	*t = (struct dial_target){.port = h->srv.port,
	    .is_direct_tls = h->srv.is_direct_tls,
	    .is_secure = host_is_secure(h, &a->to)};
	str_copy(t->host, sizeof(t->host), str_z(h->srv.target));
	host_address_text(&a->to.sa, t->address);
	if (t->is_secure) {
		t->tlsa = h->tlsa;
		t->n_tlsa = h->n_tlsa;
	}
}

/* Looks at one; true: it is connected, and taken out. */
static bool
take_connected(struct dial *d, size_t i, int *fd_r)
{
	struct connect_attempt *a = &d->attempts[i];
	int error = 0;

	switch (outcome_of(a->fd, &error)) {
	case STILL_CONNECTING:
		return false;
	case FAILED:
		attempt_failed(
		    d, i, error == ETIMEDOUT ? DIAL_TIMEOUT : DIAL_REFUSED, strerror(error));
		return false;
	case CONNECTED:
		break;
	}
	if (dialer_is_ourselves(d->dialer, a->fd)) {
		attempt_failed(d, i, DIAL_OURSELVES, "this leads back to ourselves");
		return false;
	}
	fill_target(d, a);
	*fd_r = a->fd;
	loop_watch_free(&a->watch);
	a->fd = -1;
	return true;
}

static bool
look_at_attempts(struct dial *d, int *fd_r)
{
	for (size_t i = d->n_attempts; i-- > 0;)
		if (take_connected(d, i, fd_r))
			return true;
	return false;
}

void
connect_expire(struct dial *d)
{
	uint64_t now_ms = loop_now_ms(d->dialer->loop);

	for (size_t i = d->n_attempts; i-- > 0;)
		if (now_ms >= d->attempts[i].started_ms + ATTEMPT_MS)
			attempt_failed(d, i, DIAL_TIMEOUT, "no answer");
}

void
connect_stop(struct dial *d)
{
	while (d->n_attempts > 0)
		attempt_remove(d, d->n_attempts - 1);
}

/* ---- what is tried next ---- */

enum pick {
	PICKED,
	PICK_LATER, /* a host may still come to have addresses */
	PICK_NONE,
};

/* In the order of SRV: a host that is looked up still does not hold up the others for longer than they wait for their own. */
static enum pick
pick(struct dial *d, const struct host **host_r, const struct host_address **to_r)
{
	uint64_t now_ms = loop_now_ms(d->dialer->loop);
	bool may_come = false;

	for (size_t i = 0; i < d->n_group; i++) {
		struct host *h = &d->group[i];
		*host_r = h;
		*to_r = host_is_ready(h, now_ms, !may_come) ? host_next(h) : NULL;
		if (*to_r)
			return PICKED;
		may_come = may_come || !host_is_known(h) || host_has_more(h);
	}
	return may_come ? PICK_LATER : PICK_NONE;
}

static bool
may_start(const struct dial *d)
{
	if (d->n_attempts == 0)
		return true;
	return d->n_attempts < ATTEMPTS_MAX &&
	    loop_now_ms(d->dialer->loop) >= d->last_start_ms + NEXT_ATTEMPT_MS;
}

static void
note_hosts(struct dial *d)
{
	for (size_t i = 0; i < d->n_group; i++)
		if (d->group[i].why[0] != '\0' && d->group[i].v4.n + d->group[i].v6.n == 0)
			dial_note(d, d->group[i].error, "%s", d->group[i].why);
}

enum connect_result
connect_step(struct dial *d, int *fd_r)
{
	const struct host *host;
	const struct host_address *to;
	enum pick p = PICKED;

	if (look_at_attempts(d, fd_r))
		return CONNECT_DONE;
	while (p == PICKED && may_start(d)) {
		p = pick(d, &host, &to);
		if (p == PICKED)
			attempt_start(d, host, to);
	}
	if (d->n_attempts > 0 || p != PICK_NONE)
		return CONNECT_WAIT;
	note_hosts(d);
	return CONNECT_EXHAUSTED;
}

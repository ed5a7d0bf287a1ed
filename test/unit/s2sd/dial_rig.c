/* See dial_rig.h. */
#include "dial_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

struct loop *loop;
struct zone *zone;
struct dialer *dialer;
struct seen seen;

static void
finish_event(struct seen *s)
{
	s->times++;
	if (s->free_in_event)
		dial_free(s->free_in_event);
	loop_stop(s->loop);
}

static void
on_open(void *ctx, int fd, const struct dial_target *target)
{
	struct seen *s = ctx;

	s->outcome = OPENED;
	s->target = *target;
	close(fd);
	finish_event(s);
}

static void
on_failed(void *ctx, enum dial_error error, const char *step)
{
	struct seen *s = ctx;

	s->outcome = FAILED;
	s->error = error;
	snprintf(s->step, sizeof(s->step), "%s", step);
	finish_event(s);
}

const struct dial_events rig_events = {.open = on_open, .failed = on_failed};

static const struct dial_listener ours[] = {{"127.0.0.9", 1}, {"*", 2}};

static int
set_up_with(const struct dialer_settings *wish)
{
	struct dialer_settings s = *wish;
	struct err err = {0};

	loop = loop_new();
	zone = zone_new(loop);
	s.resolver = zone_resolver(zone);
	if (!s.timeout_ms)
		s.timeout_ms = 4000;
	dialer = dialer_new(&s, &err);
	if (!dialer || dialer_threads(dialer, loop, &err) != 0)
		fail_msg("%s", err.text);
	return 0;
}

int
set_up(void **state)
{
	(void)state;
	return set_up_with(&(struct dialer_settings){.listeners = ours, .n_listeners = COUNT(ours)});
}

int
set_up_impatient(void **state)
{
	(void)state;
	return set_up_with(&(struct dialer_settings){.timeout_ms = 300});
}

int
set_up_remembering(void **state)
{
	(void)state;
	return set_up_with(&(struct dialer_settings){.failure_ms = 60000});
}

int
tear_down(void **state)
{
	(void)state;
	dialer_free(&dialer);
	zone_free(&zone);
	loop_free(&loop);
	return 0;
}

void
wait_for_event(void)
{
	seen.outcome = NOTHING;
	while (seen.outcome == NOTHING)
		loop_run(loop);
}

struct dial *
dial(const char *domain)
{
	seen = (struct seen){.loop = loop};
	struct dial *d = dial_new(dialer, str_z(domain), &rig_events, &seen);
	assert_int_equal(seen.times, 0); /* nothing is told from inside */
	wait_for_event();
	return d;
}

void
dial_once(const char *domain)
{
	struct dial *d = dial(domain);

	dial_free(&d);
	assert_null(d);
	assert_int_equal(seen.times, 1);
}

void
assert_open(const char *address, uint16_t port)
{
	if (seen.outcome != OPENED)
		fail_msg("failed: %s", seen.step);
	assert_string_equal(seen.target.address, address);
	assert_int_equal(seen.target.port, port);
}

void
assert_failed(enum dial_error error, const char *words)
{
	if (seen.outcome == OPENED)
		fail_msg("open: %s %u", seen.target.address, seen.target.port);
	if (seen.error != error || !strstr(seen.step, words))
		fail_msg("%d: %s", (int)seen.error, seen.step);
}

/* ---- sockets ---- */

int
bound(const char *address, uint16_t *port_r)
{
	union host_sockaddr a = {.any.sa_family = AF_INET};
	socklen_t n = sizeof(a.v4);

	if (inet_pton(AF_INET, address, &a.v4.sin_addr) != 1) {
		a.any.sa_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, address, &a.v6.sin6_addr), 1);
		n = sizeof(a.v6);
	}
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	if (bind(fd, &a.any, n) != 0)
		skip(); /* no such family here */
	assert_int_equal(getsockname(fd, &a.any, &n), 0);
	*port_r = ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
	return fd;
}

int
listening(const char *address, uint16_t *port_r)
{
	int fd = bound(address, port_r);

	assert_int_equal(listen(fd, 128), 0);
	return fd;
}

void
silent_start(struct silent *s, const char *address, uint16_t *port_r)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	s->fd = bound(address, port_r);
	assert_int_equal(listen(s->fd, 0), 0);
	a.sin_port = htons(*port_r);
	inet_pton(AF_INET, address, &a.sin_addr);
	for (size_t i = 0; i < COUNT(s->filler); i++) {
		s->filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(s->filler[i], (struct sockaddr *)&a, sizeof(a));
	}
}

void
silent_stop(struct silent *s)
{
	close(s->fd);
	for (size_t i = 0; i < COUNT(s->filler); i++)
		close(s->filler[i]);
}

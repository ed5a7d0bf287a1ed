/* The life of a client: accepted, counted, ended, freed. The diagram is in client.h. */
#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "queue.h"
#include "session.h"
#include "sources.h"

void
client_log(const struct client *c, int level, const char *fmt, ...)
{
	char text[512], id[32];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)c->number);
	log_write((enum log_level)level, id, "%s %s: %s", c->source_text,
	    c->session   ? c->session->jid
		: c->jid ? c->jid
			 : "-",
	    text);
}

struct client *
client_find(struct c2sd *c, uint64_t number)
{
	struct client *client;

	HASH_FIND(hh, c->clients, &number, sizeof(number), client);
	return client;
}

/* ---- counting ---- */

static bool
is_exempt(const struct c2sd *c, const struct source *s)
{
	for (size_t i = 0; i < c->n_exempt; i++)
		if (network_has(&c->exempt[i], s))
			return true;
	return false;
}

/* From half of the global bound on, new ones are dropped with a growing chance (SECURITY.md §2.1, MaxStartups). */
static bool
is_dropped_early(const struct c2sd *c)
{
	size_t max = (size_t)c2sd_settings(c)->preauth_max;

	if (c->n_preauth * 2 < max)
		return false;
	return c->n_preauth >= max || id_random_u64() % (max - max / 2) < c->n_preauth - max / 2;
}

static bool
client_count(struct client *c)
{
	const struct c2sd_settings *s = c2sd_settings(c->c2sd);
	struct source_limits limits = {.connections = (unsigned)s->source_connections,
	    .per_minute = (unsigned)s->source_per_minute};

	if (is_dropped_early(c->c2sd))
		return false;
	c->is_exempt = is_exempt(c->c2sd, &c->source);
	if (!c->is_exempt &&
	    !source_enter(c->c2sd->sources, &c->source, &limits, loop_now_ms(c->c2sd->daemon->loop)))
		return false;
	c->is_counted = true;
	c->c2sd->n_preauth++;
	return true;
}

static void
client_uncount(struct client *c)
{
	if (!c->is_counted)
		return;
	c->is_counted = false;
	c->c2sd->n_preauth--;
	if (!c->is_exempt)
		source_leave(c->c2sd->sources, &c->source);
}

/* ---- beginning ---- */

static void
client_name_source(struct client *c, int fd)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);
	char text[INET6_ADDRSTRLEN] = "unknown";
	const void *ip;

	if (getpeername(fd, (struct sockaddr *)&at, &n) == 0) {
		ip = at.ss_family == AF_INET
		    ? (const void *)&((struct sockaddr_in *)&at)->sin_addr
		    : (const void *)&((struct sockaddr_in6 *)&at)->sin6_addr;
		inet_ntop(at.ss_family, ip, text, sizeof(text));
	}
	/* An IPv4 client of a socket for both families. */
	snprintf(c->source_text, sizeof(c->source_text), "%s",
	    str_starts(str_z(text), S("::ffff:")) && str_find(str_z(text), '.') < str_z(text).n
		? text + 7
		: text);
	source_parse(str_z(c->source_text), &c->source);
}

static void
client_set_socket(const struct client *c, int fd)
{
	int one = 1;
	unsigned dead_ms = (unsigned)c2sd_settings(c->c2sd)->dead_seconds * 1000;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
}

static struct client *
client_new(struct gate *g)
{
	struct client *c = NEW(struct client);

	c->c2sd = g->c2sd;
	c->gate = g;
	c->number = ++g->c2sd->last_number;
	list_init(&c->dirty);
	list_init(&c->paused);
	list_init(&c->waiting);
	HASH_ADD(hh, g->c2sd->clients, number, sizeof(c->number), c);
	g->c2sd->n_clients++;
	return c;
}

void
client_accept(struct gate *g, int fd)
{
	struct client *c = client_new(g);
	struct c2sd *daemon = g->c2sd;
	struct xml_limits limits = client_limits(c);

	client_name_source(c, fd);
	if (!client_count(c)) {
		log_debug("%s: turned away by the limits of connections", c->source_text);
		close(fd);
		client_reap(c);
		return;
	}
	client_set_socket(c, fd);
	c->conn = conn_new(daemon->daemon->loop, fd, &client_methods, sizeof(c));
	*(struct client **)conn_user(c->conn) = c;
	c->reader = xml_reader_new(&client_xml_events, c, S("jabber:client"), &limits);
	c->preauth_deadline_ms = loop_now_ms(daemon->daemon->loop) +
	    (uint64_t)c2sd_settings(daemon)->preauth_seconds * 1000;
	c->deadline_ms = c->preauth_deadline_ms;
	client_set_state(c, CLIENT_HEADER);
	if (g->settings.tls == LISTENER_DIRECT)
		client_start_tls(c);
}

void
client_set_state(struct client *c, enum client_state state)
{
	c->state = state;
	if (state != CLIENT_SESSION)
		return;
	c->deadline_ms = 0;
	client_uncount(c);
}

/* ---- writing ---- */

struct buf *
client_out(struct client *c)
{
	return &c->plain;
}

void
client_touch(struct client *c)
{
	if (list_empty(&c->dirty))
		list_add(&c->c2sd->dirty, &c->dirty);
}

void
client_write(struct client *c, struct str bytes)
{
	buf_add_str(&c->plain, bytes);
	client_touch(c);
}

/* ---- end ---- */

/* sessiond learns that the connection is gone; clean: the client closed its stream itself. */
static void
client_tell_closed(struct client *c, bool clean)
{
	struct msg_CLOSED m;
	struct endpoint to;

	if (!c->session)
		return;
	m = (struct msg_CLOSED){
	    .conn = c->number, .sid = c->session->sid, .epoch = c->session->epoch, .clean = clean};
	to = c2sd_sessiond_of(c->c2sd, session_bare(c->session));
	session_report_written(c);
	bus_send(c->c2sd->daemon->bus, &to, MSG_CLOSED, &m, NULL, NULL, BUS_PATIENT);
	session_free(&c->session);
}

void
client_forget_session(struct client *c)
{
	session_free(&c->session);
}

static void
client_forget_requests(struct client *c)
{
	sasl_forget(c);
	if (c->request)
		bus_cancel(c->c2sd->daemon->bus, c->request);
	c->request = 0;
}

void
client_end(struct client *c, enum stream_error error, const char *text)
{
	bool was_handshake = c->state == CLIENT_HANDSHAKE;

	if (c->state == CLIENT_CLOSING)
		return;
	if (error != STREAM_OK && c->conn)
		client_log(c, LOG_INFO, "stream error %s%s%s", stream_error_name(error),
		    text ? ": " : "", text ? text : "");
	if (c->c2sd->daemon->bus) {
		client_forget_requests(c);
		client_tell_closed(c, error == STREAM_OK);
	}
	if (!was_handshake && c->conn)
		stream_send_error(c, error, text);
	client_set_state(c, CLIENT_CLOSING);
	if (!c->conn)
		return;
	client_flush(c);
	if (c->tls && !c->is_job_running) {
		tls_bye(c->tls, conn_out(c->conn));
		conn_kick(c->conn);
	}
	conn_close(c->conn, (unsigned)c2sd_settings(c->c2sd)->linger_seconds * 1000);
}

void
client_reap(struct client *c)
{
	struct c2sd *daemon = c->c2sd;

	if (c->conn || c->is_job_running)
		return;
	client_uncount(c);
	list_remove(&c->dirty);
	list_remove(&c->paused);
	queue_clear(&c->waiting);
	HASH_DEL(daemon->clients, c);
	daemon->n_clients--;
	session_free(&c->session);
	tls_free(&c->tls);
	xml_reader_free(&c->reader);
	buf_deinit(&c->job_in);
	buf_deinit(&c->job_out);
	buf_deinit(&c->cipher);
	buf_deinit_secret(&c->plain);
	free(c->domain);
	free(c->jid);
	free(c->bind_id);
	free(c);
}

void
client_tick(struct client *c, uint64_t now_ms)
{
	if (!c->deadline_ms || now_ms < c->deadline_ms)
		return;
	c->deadline_ms = 0;
	if (c->state == CLIENT_SASL_WAIT && c->verdict != SASL_NONE)
		sasl_tell(c);
	else
		client_end(c, STREAM_CONNECTION_TIMEOUT, "no session within the time allowed");
}

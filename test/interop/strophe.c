/* A client on libstrophe for test_life.py: "send XML" on standard input goes out, what comes in is printed. When its connection
 * breaks it resumes the stream (XEP-0198), which libstrophe does when the state of the old connection is given to the new one.
 *
 *   strophe JID PASSWORD HOST PORT CAFILE        (the resource is the JID's) */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <unistd.h>

#define LINE_MAX_BYTES 65536
#define TURN_MS 20

struct client {
	xmpp_ctx_t *ctx;
	xmpp_conn_t *conn;
	char **args;
	bool is_lost;
	char line[LINE_MAX_BYTES];
	size_t n;
};

static void
tell(const char *word, const char *rest)
{
	printf("%s ", word);
	for (; *rest; rest++) {
		if (*rest == '\n')
			printf("&#10;");
		else
			putchar(*rest);
	}
	printf("\n");
	fflush(stdout);
}

static int
on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *userdata)
{
	struct client *c = userdata;
	char *text;
	size_t n;

	(void)conn;
	if (xmpp_stanza_to_text(stanza, &text, &n) == XMPP_EOK) {
		tell("stanza", text);
		xmpp_free(c->ctx, text);
	}
	return 1;
}

static void
on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
    xmpp_stream_error_t *stream_error, void *userdata)
{
	struct client *c = userdata;

	(void)error;
	if (event == XMPP_CONN_CONNECT) {
		xmpp_handler_add(conn, on_stanza, NULL, NULL, NULL, c);
		tell("online", xmpp_conn_get_bound_jid(conn));
		return;
	}
	tell("lost", stream_error && stream_error->text ? stream_error->text : "");
	c->is_lost = true;
}

/* state: what libstrophe remembers of the connection before; NULL: none */
static bool
client_connect(struct client *c, xmpp_sm_state_t *state)
{
	c->is_lost = false;
	c->conn = xmpp_conn_new(c->ctx);
	xmpp_conn_set_jid(c->conn, c->args[1]);
	xmpp_conn_set_pass(c->conn, c->args[2]);
	xmpp_conn_set_cafile(c->conn, c->args[5]);
	xmpp_conn_set_flags(c->conn, XMPP_CONN_FLAG_MANDATORY_TLS);
	if (state && xmpp_conn_set_sm_state(c->conn, state) != XMPP_EOK)
		return false;
	return xmpp_connect_client(c->conn, c->args[3],
		   (unsigned short)strtoul(c->args[4], NULL, 10), on_connection, c) == XMPP_EOK;
}

static bool
client_come_again(struct client *c)
{
	xmpp_sm_state_t *state = xmpp_conn_get_sm_state(c->conn);

	xmpp_conn_release(c->conn);
	return client_connect(c, state);
}

static void
take_line(struct client *c, const char *line)
{
	if (strncmp(line, "send ", 5) == 0)
		xmpp_send_raw(c->conn, line + 5, strlen(line + 5));
}

/* False at the end of the input. */
static bool
take_input(struct client *c)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	ssize_t n;
	char *end;

	if (poll(&in, 1, 0) <= 0)
		return true;
	n = read(STDIN_FILENO, c->line + c->n, sizeof(c->line) - c->n);
	if (n <= 0)
		return false;
	c->n += (size_t)n;
	while ((end = memchr(c->line, '\n', c->n))) {
		size_t used = (size_t)(end - c->line) + 1;

		*end = '\0';
		take_line(c, c->line);
		c->n -= used;
		memmove(c->line, c->line + used, c->n);
	}
	return true;
}

int
main(int argc, char **argv)
{
	static struct client c;

	if (argc != 6)
		return 2;
	signal(SIGPIPE, SIG_IGN); /* libstrophe writes to connections that are gone */
	xmpp_initialize();
	c.args = argv;
	c.ctx = xmpp_ctx_new(NULL,
	    xmpp_get_default_logger(getenv("STROPHE_DEBUG") ? XMPP_LEVEL_DEBUG : XMPP_LEVEL_ERROR));
	if (!client_connect(&c, NULL))
		return 1;
	while (take_input(&c)) {
		xmpp_run_once(c.ctx, TURN_MS);
		if (c.is_lost && !client_come_again(&c))
			return 1;
	}
	return 0;
}

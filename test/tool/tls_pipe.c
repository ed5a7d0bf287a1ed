/* A TLS client for tests: standard input goes out, what comes in goes to standard output. First it says in a line what Python's ssl
 * cannot tell, the channel bindings in hexadecimal: "tls-exporter HEX tls-server-end-point HEX" ("-": there is none).
 *
 *   tls_pipe HOST PORT SNI [PRIORITY] */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 16384

static int
fail(const char *what, int rc)
{
	fprintf(stderr, "tls_pipe: %s: %s\n", what, rc < 0 ? gnutls_strerror(rc) : strerror(errno));
	return 1;
}

static int
connect_to(const char *host, const char *port)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -1;
	return fd;
}

static void
print_binding(gnutls_session_t s, const char *name, gnutls_channel_binding_t type)
{
	gnutls_datum_t data = {.data = NULL};

	printf("%s ", name);
	if (gnutls_session_channel_binding(s, type, &data) != 0)
		printf("-");
	for (unsigned i = 0; i < data.size; i++)
		printf("%02x", data.data[i]);
	gnutls_free(data.data);
}

static int
write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, data, n);

		if (done <= 0)
			return -1;
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Each returns false at the end of its direction. A record may hold nothing for us: a session ticket, a key update. */
static bool
pass_in(gnutls_session_t s)
{
	char data[CHUNK];
	ssize_t n = gnutls_record_recv(s, data, sizeof(data));

	if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
		return true;
	return n > 0 && write_all(STDOUT_FILENO, data, (size_t)n) == 0;
}

static bool
pass_out(gnutls_session_t s)
{
	struct pollfd room = {.fd = gnutls_transport_get_int(s), .events = POLLOUT};
	char data[CHUNK];
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	for (ssize_t done = 0; done < n;) {
		ssize_t rc = gnutls_record_send(s, data + done, (size_t)(n - done));

		if (rc == GNUTLS_E_AGAIN)
			poll(&room, 1, -1);
		else if (rc < 0)
			return false;
		else
			done += rc;
	}
	return n > 0;
}

static void
relay(gnutls_session_t s, int fd)
{
	struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	bool goes_on = true;

	while (goes_on) {
		if (gnutls_record_check_pending(s) == 0 && poll(p, 2, -1) < 0)
			return;
		if (gnutls_record_check_pending(s) > 0 || p[0].revents)
			goes_on = pass_in(s);
		else if (p[1].revents)
			goes_on = pass_out(s);
	}
	gnutls_bye(s, GNUTLS_SHUT_WR);
}

int
main(int argc, char **argv)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t s;
	gnutls_datum_t alpn = {.data = (unsigned char *)"xmpp-client", .size = 11};
	int fd, rc;

	if (argc < 4)
		return fail("usage: tls_pipe HOST PORT SNI [PRIORITY]", GNUTLS_E_INVALID_REQUEST);
	fd = connect_to(argv[1], argv[2]);
	if (fd < 0)
		return fail("connect", 0);
	gnutls_certificate_allocate_credentials(&credentials);
	gnutls_init(&s, GNUTLS_CLIENT);
	rc = gnutls_priority_set_direct(s, argc > 4 ? argv[4] : "NORMAL", NULL);
	if (rc < 0)
		return fail("priority", rc);
	gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_server_name_set(s, GNUTLS_NAME_DNS, argv[3], strlen(argv[3]));
	gnutls_alpn_set_protocols(s, &alpn, 1, 0);
	gnutls_transport_set_int(s, fd);
	rc = gnutls_handshake(s);
	if (rc < 0)
		return fail("handshake", rc);
	print_binding(s, "tls-exporter", GNUTLS_CB_TLS_EXPORTER);
	print_binding(s, " tls-server-end-point", GNUTLS_CB_TLS_SERVER_END_POINT);
	printf("\n");
	fflush(stdout);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	relay(s, fd);
	gnutls_deinit(s);
	gnutls_certificate_free_credentials(credentials);
	return 0;
}

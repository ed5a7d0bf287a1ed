/* keyd as a whole but for the skeleton: its loop runs here, the edges are this test's own sockets. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "keyd.h"
#include "life.h"
#include "tls/chains.h"
#include "tls_rig.h"

static char folder[64], keys[80];
static uint32_t expected_uid = (uint32_t)-1;

static struct sockaddr_un
address_of(enum role role)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", folder, role_name(role));
	return a;
}

/* --- in place of the skeleton -------------------------------------------------------------------------------- */

int
service_listen_unix(struct daemon *d, enum role role, const char *file, int type, struct err *err)
{
	struct sockaddr_un a = address_of(role);
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)d;
	(void)err;
	assert_string_equal(file, KEYWIRE_SOCKET);
	unlink(a.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

uint32_t
service_role_uid(const struct daemon *d, enum role role)
{
	(void)d;
	(void)role;
	return expected_uid;
}

/* --- the fixture --------------------------------------------------------------------------------------------- */

static const char *domains[] = {"a.example", "b.example", NULL};
static const char *components[] = {"gate.a.example"};
static struct keyd_settings settings = {
    .keys = keys, .rate = 1000, .expiry_days = 14, .ticket_hours = 24};
static struct daemon d;
static struct loop_timer *stopper;

static void
on_stop(void *ctx)
{
	(void)ctx;
	loop_stop(d.loop);
}

/* Lets keyd do what there is to do. */
static void
turn(uint64_t ms)
{
	loop_timer_start(stopper, ms, 0);
	loop_run(d.loop);
}

static void
remove_keys(void)
{
	char path[200];

	for (int i = 0; domains[i] != NULL; i++) {
		snprintf(path, sizeof path, "%s/%s.key", keys, domains[i]);
		unlink(path);
		snprintf(path, sizeof path, "%s/%s.crt", keys, domains[i]);
		unlink(path);
	}
	rmdir(keys);
}

static int
setup(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(tls_global_init(&err), 0);
	snprintf(folder, sizeof folder, "/tmp/jackdaw-keyd-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(keys, sizeof keys, "%s/keys", folder);
	d = (struct daemon){.name = "keyd", .settings = &settings, .loop = loop_new()};
	d.suite = (struct suite){.domains = domains, .n_domains = 2, .components = components};
	d.suite.n_components = 1;
	stopper = loop_timer_new(d.loop, on_stop, NULL);
	if (keyd_open(&d, &err) < 0 || keyd_start(&d, &err) < 0)
		fail_msg("%s", err.text);
	return 0;
}

static int
setup_for_others(void **state)
{
	expected_uid = geteuid() + 1;
	return setup(state);
}

static int
teardown(void **state)
{
	static const enum role roles[] = {ROLE_C2SD, ROLE_S2SD, ROLE_COMPONENTD};

	(void)state;
	keyd_stop(&d);
	loop_timer_free(&stopper);
	loop_free(&d.loop);
	for (size_t i = 0; i < COUNT(roles); i++) {
		struct sockaddr_un a = address_of(roles[i]);
		unlink(a.sun_path);
	}
	remove_keys();
	rmdir(folder);
	expected_uid = (uint32_t)-1;
	return 0;
}

static struct keyd *
keyd(void)
{
	return d.state;
}

static int
connect_as(enum role role)
{
	struct sockaddr_un a = address_of(role);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void
send_request(int fd, enum keywire_request_type type, uint32_t id)
{
	struct keywire_request r = {
	    type, id, GNUTLS_SIGN_ECDSA_SHA256, 5, S("0123456789abcdef0123456789abcdef")};
	struct buf packet = {0};

	keywire_put_request(&packet, &r);
	assert_int_equal(
	    send(fd, buf_str(&packet).p, buf_len(&packet), MSG_NOSIGNAL), KEYWIRE_REQUEST_SIZE);
	buf_deinit(&packet);
}

/* The status of the answer that is there; -1: none yet, -2: hung up. */
static int
receive_status(int fd)
{
	uint8_t packet[KEYWIRE_ANSWER_SIZE];
	struct keywire_answer a;
	ssize_t n = recv(fd, packet, sizeof packet, 0);

	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? -2 : -1;
	assert_true(keywire_get_answer(str_of(packet, (size_t)n), &a));
	assert_true(a.tag == 5);
	return (int)a.status;
}

/* The same, with time for keyd; -1 after 5 s. */
static int
await_status(int fd)
{
	int status = receive_status(fd);

	for (int i = 0; i < 500 && status == -1; i++) {
		turn(10);
		status = receive_status(fd);
	}
	return status;
}

static uint32_t
key_id(const char *domain)
{
	return store_find(&keyd()->store, str_z(domain))->key->id;
}

/* --- edges --------------------------------------------------------------------------------------------------- */

static void
test_signs_for_the_edges(void **state)
{
	int c2s = connect_as(ROLE_C2SD), s2s = connect_as(ROLE_S2SD),
	    component = connect_as(ROLE_COMPONENTD);

	(void)state;
	for (int i = 0; i < 3; i++) {
		send_request(c2s, KEYWIRE_SIGN, key_id("a.example"));
		send_request(s2s, KEYWIRE_SIGN, key_id("b.example"));
		send_request(component, KEYWIRE_SIGN, key_id("a.example"));
		assert_int_equal(await_status(c2s), KEYWIRE_OK);
		assert_int_equal(await_status(s2s), KEYWIRE_OK);
		assert_int_equal(await_status(component), KEYWIRE_OK);
	}
	send_request(c2s, KEYWIRE_SIGN, 1);
	assert_int_equal(await_status(c2s), KEYWIRE_UNKNOWN_KEY);
	send_request(c2s, KEYWIRE_SIGN, key_id("a.example"));
	assert_int_equal(await_status(c2s), KEYWIRE_OK);
	close(c2s);
	close(s2s);
	close(component);
	turn(20);
}

static void
test_inv_29_malformed_costs_the_connection(void **state)
{
	uint8_t large[KEYWIRE_REQUEST_SIZE + 1] = {KEYWIRE_VERSION, KEYWIRE_SIGN};
	int good = connect_as(ROLE_C2SD), bad[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		bad[i] = connect_as(ROLE_C2SD);
	assert_true(send(bad[0], "x", 1, 0) == 1);
	assert_true(send(bad[1], large, sizeof large, 0) > 0);
	send_request(bad[2], KEYWIRE_WATCH, 0); /* a watcher has nothing more to say */
	send_request(bad[2], KEYWIRE_WATCH, 0);
	send_request(
	    bad[3], KEYWIRE_SIGN, key_id("a.example")); /* and a signer does not become one */
	send_request(bad[3], KEYWIRE_WATCH, 0);
	assert_int_equal(await_status(bad[0]), -2);
	assert_int_equal(await_status(bad[1]), -2);
	assert_int_equal(await_status(bad[3]), KEYWIRE_OK);
	assert_int_equal(await_status(bad[3]), -2);
	char packet[100000];
	for (int i = 0; i < 500 && (recv(bad[2], packet, sizeof packet, 0) > 0 || errno == EAGAIN);
	     i++)
		turn(5);
	assert_true(errno != EAGAIN);
	send_request(good, KEYWIRE_SIGN, key_id("a.example"));
	assert_int_equal(await_status(good), KEYWIRE_OK);
	for (int i = 0; i < 4; i++)
		close(bad[i]);
	close(good);
	turn(20);
}

static void
test_stranger_is_not_heard(void **state)
{
	int fd = connect_as(ROLE_C2SD);

	(void)state;
	send_request(fd, KEYWIRE_SIGN, key_id("a.example"));
	assert_int_equal(await_status(fd), -2);
	assert_int_equal(edge_socket_edge(keyd()->edges[0])->strangers, 1);
	close(fd);
}

/* A peer that asks and does not read fills its own socket and is dropped. */
static void
test_signer_that_does_not_read(void **state)
{
	int fd = connect_as(ROLE_C2SD), rounds = 0;
	uint8_t probe[KEYWIRE_REQUEST_SIZE] = {KEYWIRE_VERSION, KEYWIRE_SIGN, 0};
	ssize_t n = 1;

	(void)state;
	while (rounds++ < 2000 && (n >= 0 || errno == EAGAIN)) {
		n = send(fd, probe, sizeof probe, MSG_NOSIGNAL);
		turn(1);
	}
	assert_true(n < 0 && (errno == EPIPE || errno == ECONNRESET));
	close(fd);
}

/* --- the list ------------------------------------------------------------------------------------------------ */

struct edge_end {
	struct tls_context *context;
	struct chains *chains;
	struct err err;
};

static void
edge_open(struct edge_end *e, enum role role)
{
	struct sockaddr_un a = address_of(role);

	*e = (struct edge_end){.context = tls_context_new(NULL)};
	e->chains = chains_new(e->context);
	assert_true(chains_open(e->chains, a.sun_path, &e->err) >= 0);
}

static void
edge_close(struct edge_end *e)
{
	chains_free(&e->chains);
	tls_context_free(&e->context);
	turn(20);
}

/* How many whole lists are there to be read. */
static int
lists(struct edge_end *e)
{
	int n = 0;

	while (chains_read(e->chains, &e->err) == CHAINS_UPDATED)
		n++;
	return n;
}

/* The same, with time for the first to come. */
static int
await_lists(struct edge_end *e)
{
	int n = lists(e);

	for (int i = 0; i < 500 && n == 0; i++) {
		turn(10);
		n = lists(e);
	}
	return n;
}

static int
control(const char *line, int crt_fd, int key_fd, struct buf *out)
{
	int fds[2] = {crt_fd, key_fd};

	buf_clear(out);
	bool known = keyd_control(&d, str_z(line), fds, crt_fd < 0 ? 0 : 2, out);
	buf_add_c(out, '\0');
	return known ? (str_starts(buf_str(out), S("ok\n")) ? 1 : 0) : -1;
}

static int
memory_file(const char *content)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void
test_certificates_reach_the_edges(void **state)
{
	static const enum role roles[] = {ROLE_C2SD, ROLE_S2SD, ROLE_COMPONENTD};
	struct edge_end e[3];
	struct rig_key fresh;
	struct buf out = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		edge_open(&e[i], roles[i]);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(await_lists(&e[i]), 1);
		assert_true(tls_context_has_chain(e[i].context, S("a.example")));
		assert_true(tls_context_has_chain(e[i].context, S("b.example")) == (i < 2));
	}
	rig_key_make(&fresh, GNUTLS_PK_ECDSA, 256, "c.example", 0);
	assert_int_equal(
	    control("cert c.example", memory_file(fresh.cert_pem), memory_file(fresh.key_pem), &out),
	    1);
	assert_int_equal(control("drop b.example", -1, -1, &out), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(await_lists(&e[i]), 1); /* one push for both changes */
		assert_true(tls_context_has_chain(e[i].context, S("c.example")) == (i < 2));
		assert_false(tls_context_has_chain(e[i].context, S("b.example")));
		edge_close(&e[i]);
	}
	rig_key_free(&fresh);
	buf_deinit(&out);
}

/* More chains than a socket's buffer holds, to an edge that reads late. */
static void
test_long_list_to_a_slow_edge(void **state)
{
	struct edge_end e;
	struct rig_key key;
	struct pair pair;
	struct err err;
	char domain[32];

	(void)state;
	rig_key_make(&key, GNUTLS_PK_RSA, 2048, "many.example", 0);
	for (int i = 0; i < 500; i++) {
		snprintf(domain, sizeof domain, "d%d.example", i);
		assert_int_equal(
		    pair_parse(&pair, str_z(key.cert_pem), str_z(key.key_pem), "", "", &err), 0);
		store_put(&keyd()->store, str_z(domain), &pair, 0);
	}
	edge_open(&e, ROLE_C2SD);
	turn(100);
	keyd_changed(keyd());
	turn(100);
	assert_int_equal(await_lists(&e), 1);
	assert_true(tls_context_has_chain(e.context, S("d499.example")));
	edge_close(&e);
	rig_key_free(&key);
}

/* --- control ------------------------------------------------------------------------------------------------- */

static void
test_control_refuses(void **state)
{
	struct rig_key one, two;
	struct buf out = {0};
	uint32_t id = key_id("a.example");

	(void)state;
	rig_key_make(&one, GNUTLS_PK_ECDSA, 256, "a.example", 0);
	rig_key_make(&two, GNUTLS_PK_ECDSA, 256, "a.example", 0);
	assert_int_equal(control("unheard of", -1, -1, &out), -1);
	assert_int_equal(control("", -1, -1, &out), -1);
	assert_int_equal(control("cert a.example", -1, -1, &out), 0);
	assert_int_equal(
	    control("cert", memory_file(one.cert_pem), memory_file(one.key_pem), &out), 0);
	assert_int_equal(
	    control("cert a b", memory_file(one.cert_pem), memory_file(one.key_pem), &out), 0);
	assert_int_equal(control("certs x", -1, -1, &out), 0);
	assert_int_equal(control("drop nowhere.example", -1, -1, &out), 0);
	assert_int_equal(
	    control("cert a.example", memory_file(one.cert_pem), memory_file(two.key_pem), &out), 0);
	assert_non_null(strstr(buf_str(&out).p, "does not belong"));
	assert_int_equal(
	    control("cert a.example", memory_file(""), memory_file(two.key_pem), &out), 0);
	assert_int_equal(key_id("a.example"), id);
	rig_key_free(&one);
	rig_key_free(&two);
	buf_deinit(&out);
}

static void
test_control_makes_and_lists(void **state)
{
	struct buf out = {0};
	int crt = memfd_create("crt", 0), key = memfd_create("key", 0);
	char text[4000] = "";

	(void)state;
	int crt_mine = dup(crt), key_mine = dup(key);
	assert_int_equal(control("make new.example", crt, key, &out), 1);
	assert_true(pread(crt_mine, text, sizeof text - 1, 0) > 0);
	assert_non_null(strstr(text, "BEGIN CERTIFICATE"));
	assert_null(strstr(text, "PRIVATE"));
	assert_true(pread(key_mine, text, sizeof text - 1, 0) > 0);
	assert_non_null(strstr(text, "PRIVATE KEY"));
	assert_int_equal(fcntl(crt, F_GETFD), -1); /* keyd closed what it was given */
	assert_int_equal(control("certs", -1, -1, &out), 1);
	assert_non_null(strstr(buf_str(&out).p, "new.example ECDSA-256 until 20"));
	assert_non_null(strstr(buf_str(&out).p, "self-signed\n"));
	assert_int_equal(control("counters", -1, -1, &out), 1);
	assert_non_null(strstr(buf_str(&out).p, "c2sd, signed: 0"));
	close(crt_mine);
	close(key_mine);
	buf_deinit(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_signs_for_the_edges, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_inv_29_malformed_costs_the_connection, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stranger_is_not_heard, setup_for_others, teardown),
	    cmocka_unit_test_setup_teardown(test_signer_that_does_not_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_certificates_reach_the_edges, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_long_list_to_a_slow_edge, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_control_refuses, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_control_makes_and_lists, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

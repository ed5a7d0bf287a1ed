/* Reaching other servers: what the DNS says, and what a hostile one says. */
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
#include "dial_rig.h"

/* ---- the DNS ---- */

/* Of a.example. */
static void
server_on(uint16_t port)
{
	zone_srv(zone, STARTTLS, 1, 1, port, "h.example");
	zone_a(zone, "h.example", "127.0.0.1");
}

static void
test_without_srv_the_domain_itself(void **state)
{
	(void)state;
	zone_a(zone, "a.example", "127.11.12.13");
	dial_once("a.example");
	if (seen.outcome == OPENED)
		assert_open("127.11.12.13", DIAL_PORT);
	else
		assert_failed(DIAL_REFUSED, "127.11.12.13 (a.example) port 5269");
}

static void
test_names_in_other_scripts(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);

	(void)state;
	zone_srv(zone, "_xmpp-server._tcp.xn--bcher-kva.example", 1, 1, port, "h.example");
	zone_a(zone, "h.example", "127.0.0.1");
	dial_once("b\xc3\xbc"
		  "cher.example");
	assert_open("127.0.0.1", port);
	close(fd);
}

static void
test_srv_leads_elsewhere(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);

	(void)state;
	zone_srv(zone, DIRECT, 1, 1, port, "H.Example");
	zone_a(zone, "a.example", "127.0.0.3");
	zone_a(zone, "h.example", "127.0.0.1");
	dial_once("a.example");
	assert_open("127.0.0.1", port);
	assert_true(seen.target.is_direct_tls);
	assert_string_equal(seen.target.host, "h.example");
	close(fd);
}

/* One list of both services, by priority. */
static void
test_both_services(void **state)
{
	uint16_t direct, starttls;
	int fd1 = listening("127.0.0.1", &direct), fd2 = listening("127.0.0.1", &starttls);
	struct dial *d;

	(void)state;
	zone_srv(zone, DIRECT, 5, 1, direct, "h.example");
	zone_srv(zone, STARTTLS, 1, 1, starttls, "h.example");
	zone_a(zone, "h.example", "127.0.0.1");
	d = dial("a.example");
	assert_open("127.0.0.1", starttls);
	assert_false(seen.target.is_direct_tls);
	dial_next(d);
	assert_int_equal(seen.times, 1);
	wait_for_event();
	assert_open("127.0.0.1", direct);
	assert_true(seen.target.is_direct_tls);
	dial_next(d);
	wait_for_event();
	assert_failed(DIAL_UNUSABLE, "(h.example)");
	dial_free(&d);
	close(fd1);
	close(fd2);
}

static void
test_the_first_host_refuses(void **state)
{
	uint16_t closed, open;
	int fd1 = bound("127.0.0.1", &closed), fd2 = listening("127.0.0.1", &open);

	(void)state;
	zone_srv(zone, STARTTLS, 1, 1, closed, "h.example");
	zone_srv(zone, STARTTLS, 2, 1, 1, "nowhere.example");
	zone_srv(zone, STARTTLS, 3, 1, open, "h.example");
	zone_a(zone, "h.example", "127.0.0.1");
	dial_once("a.example");
	assert_open("127.0.0.1", open);
	close(fd1);
	close(fd2);
}

static void
test_the_first_host_is_dead(void **state)
{
	struct silent dead;
	uint16_t port, open;
	int fd = listening("127.0.0.1", &open);

	(void)state;
	silent_start(&dead, "127.0.0.1", &port);
	zone_srv(zone, STARTTLS, 1, 1, port, "h.example");
	zone_srv(zone, STARTTLS, 2, 1, open, "h.example");
	zone_a(zone, "h.example", "127.0.0.1");
	dial_once("a.example");
	assert_open("127.0.0.1", open);
	silent_stop(&dead);
	close(fd);
}

/* Within a priority nobody waits for the dead. */
static void
test_a_dead_address_is_raced(void **state)
{
	struct silent dead;
	uint16_t port;

	(void)state;
	silent_start(&dead, "127.0.0.1", &port);
	server_on(port);
	int fd = -1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	inet_pton(AF_INET, "127.0.0.5", &a.sin_addr);
	zone_a(zone, "h.example", "127.0.0.5");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	dial_once("a.example");
	assert_open("127.0.0.5", port);
	silent_stop(&dead);
	close(fd);
}

static void
test_both_families(void **state)
{
	uint16_t port;
	int fd = listening("::1", &port);

	(void)state;
	server_on(port);
	zone_aaaa(zone, "h.example", "::1");
	dial_once("a.example");
	assert_open("::1", port);
	close(fd);
	dial_once("a.example");
	assert_failed(DIAL_REFUSED, "refused");
}

static void
test_ipv6_refuses(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);

	(void)state;
	zone_srv(zone, STARTTLS, 1, 1, port, "h.example");
	zone_aaaa(zone, "h.example", "::1");
	zone_a(zone, "h.example", "127.0.0.1");
	dial_once("a.example");
	assert_open("127.0.0.1", port);
	close(fd);
}

static void
test_there_is_no_service(void **state)
{
	(void)state;
	zone_srv(zone, STARTTLS, 0, 0, 0, ".");
	zone_a(zone, "a.example", "127.0.0.1");
	dial_once("a.example");
	assert_failed(DIAL_NO_SERVICE, "no such service");
	assert_int_equal(zone_asked(zone, "a.example", DNS_A), 0);
}

/* "." for direct TLS says nothing about STARTTLS. */
static void
test_there_is_no_direct_tls(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);

	(void)state;
	zone_srv(zone, DIRECT, 0, 0, 0, ".");
	server_on(port);
	dial_once("a.example");
	assert_open("127.0.0.1", port);
	close(fd);
}

static void
test_what_is_not_found(void **state)
{
	(void)state;
	dial_once("nowhere.example");
	assert_failed(DIAL_NOT_FOUND, "nowhere.example: no such name");
	zone_srv(zone, STARTTLS, 1, 1, 5269, "nowhere.example");
	dial_once("a.example");
	assert_failed(DIAL_NOT_FOUND, "of nowhere.example: no such name");
}

static void
test_the_dns_fails(void **state)
{
	(void)state;
	zone_fault(zone, STARTTLS, DNS_SRV, ZONE_SERVFAIL);
	zone_a(zone, "a.example", "127.0.0.1");
	dial_once("a.example");
	assert_failed(DIAL_DNS, "a.example: the DNS server");
	assert_true(dial_error_is_not_found(seen.error));
}

static void
test_inv_23_the_dns_is_silent(void **state)
{
	(void)state;
	zone_fault(zone, STARTTLS, DNS_SRV, ZONE_SILENT);
	dial_once("a.example");
	assert_failed(DIAL_DNS, "SRV of a.example: the DNS does not answer");
	zone_fault(zone, "b.example", DNS_A, ZONE_SILENT);
	zone_fault(zone, "b.example", DNS_AAAA, ZONE_SILENT);
	dial_once("b.example");
	assert_failed(DIAL_DNS, "addresses of b.example: the DNS does not answer");
}

static void
test_inv_23_the_host_is_silent(void **state)
{
	struct silent dead;
	uint16_t port;

	(void)state;
	silent_start(&dead, "127.0.0.1", &port);
	server_on(port);
	dial_once("a.example");
	assert_failed(DIAL_TIMEOUT, "no answer");
	assert_false(dial_error_is_not_found(seen.error));
	silent_stop(&dead);
}

/* One family without an answer does not keep the other from being used. */
static void
test_one_family_is_silent(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);

	(void)state;
	server_on(port);
	zone_fault(zone, "h.example", DNS_AAAA, ZONE_SILENT);
	dial_once("a.example");
	assert_open("127.0.0.1", port);
	close(fd);
}

/* ---- hostile answers ---- */

static void
test_inv_29_malformed_records(void **state)
{
	uint16_t port;
	int fd = listening("127.0.0.1", &port);

	(void)state;
	zone_bytes(zone, STARTTLS, DNS_SRV, "\0\0\0\1\0\1\3a.b\0", 11);
	server_on(port);
	dial_once("a.example");
	assert_open("127.0.0.1", port);
	close(fd);
}

static void
test_addresses_that_no_server_has(void **state)
{
	(void)state;
	zone_srv(zone, STARTTLS, 1, 1, 5269, "h.example");
	zone_a(zone, "h.example", "0.0.0.0");
	zone_a(zone, "h.example", "255.255.255.255");
	zone_a(zone, "h.example", "224.0.0.1");
	zone_aaaa(zone, "h.example", "::");
	zone_aaaa(zone, "h.example", "::ffff:0.0.0.0");
	zone_aaaa(zone, "h.example", "ff02::1");
	dial_once("a.example");
	assert_failed(DIAL_NOT_FOUND, "no address of a.example");
}

static void
test_inv_02_many_records(void **state)
{
	uint16_t port;
	int fd = bound("127.0.0.1", &port);
	char name[32];

	(void)state;
	for (unsigned i = 0; i < DISCOVER_MAX + 4; i++) {
		snprintf(name, sizeof(name), "h%u.example", i);
		zone_srv(zone, STARTTLS, (uint16_t)i, 1, port, name);
		for (unsigned k = 1; k < 2 * HOST_ADDRESSES_MAX; k++) {
			char address[32];
			snprintf(address, sizeof(address), "127.0.%u.%u", i, k);
			if (i < 2)
				zone_a(zone, name, address);
		}
	}
	dial_once("a.example");
	assert_failed(DIAL_REFUSED, "h1.example");
	snprintf(name, sizeof(name), "h%u.example", DISCOVER_MAX - 1);
	assert_int_equal(zone_asked(zone, name, DNS_A), 1);
	snprintf(name, sizeof(name), "h%u.example", DISCOVER_MAX);
	assert_int_equal(zone_asked(zone, name, DNS_A), 0);
	close(fd);
}

static void
on_answer(void *ctx, const struct dns_answer *a)
{
	(void)ctx;
	(void)a;
}

/* A dial that there is no question left for fails at once, and one later does not. */
static void
test_inv_23_so_many_questions_are_under_way(void **state)
{
	static struct dns_query *q[DNS_QUERIES_MAX];
	uint16_t port;
	int fd = listening("127.0.0.1", &port);

	(void)state;
	zone_fault(zone, "silent.example", DNS_A, ZONE_SILENT);
	zone_a(zone, "host.example", "127.0.0.1");
	zone_srv(zone, STARTTLS, 1, 1, port, "host.example");
	for (size_t i = 0; i < COUNT(q); i++)
		assert_non_null(
		    q[i] = dns_ask(dialer->dns, "silent.example", DNS_A, on_answer, NULL));
	assert_null(dns_ask(dialer->dns, "silent.example", DNS_A, on_answer, NULL));
	dial_once("a.example");
	assert_failed(DIAL_DNS, "too many questions");
	for (size_t i = 0; i < COUNT(q); i++)
		dns_cancel(&q[i]);
	dial_once("a.example");
	assert_open("127.0.0.1", port);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_without_srv_the_domain_itself),
	    TEST(test_names_in_other_scripts),
	    TEST(test_srv_leads_elsewhere),
	    TEST(test_both_services),
	    TEST(test_the_first_host_refuses),
	    TEST(test_the_first_host_is_dead),
	    TEST(test_a_dead_address_is_raced),
	    TEST(test_both_families),
	    TEST(test_ipv6_refuses),
	    TEST(test_there_is_no_service),
	    TEST(test_there_is_no_direct_tls),
	    TEST(test_what_is_not_found),
	    TEST(test_the_dns_fails),
	    cmocka_unit_test_setup_teardown(
		test_inv_23_the_dns_is_silent, set_up_impatient, tear_down),
	    TEST(test_inv_23_the_host_is_silent),
	    TEST(test_one_family_is_silent),
	    TEST(test_inv_29_malformed_records),
	    TEST(test_addresses_that_no_server_has),
	    TEST(test_inv_02_many_records),
	    TEST(test_inv_23_so_many_questions_are_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

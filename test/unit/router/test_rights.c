/* An endpoint that breaks one of the router's rules: its link closes, and nothing else happens (SECURITY.md §2.5,
 * INV-29). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "house.h"

static void
test_inv_29_another_role(void **state)
{
	(void)state;
	struct msg_DELIVER d = {.stamp_us = 1};
	struct frame f = client_header(&c2sd, &sessiond);
	f.seq = 1;
	client_send(&c2sd, &f, MSG_DELIVER, &d);
	house_only_c2sd_is_closed();
}

static void
test_inv_29_a_receiver_out_of_reach(void **state)
{
	(void)state;
	/* DONE is for all, but c2sd has nothing to say to storaged */
	struct msg_DONE done = {1, 1};
	struct frame f = client_header(&c2sd, &storaged);
	f.seq = 1;
	client_send(&c2sd, &f, MSG_DONE, &done);
	house_only_c2sd_is_closed();
}

static void
test_inv_29_a_verb_of_another(void **state)
{
	(void)state;
	struct msg_STORE s = {.owed = true};
	struct frame f = client_header(&c2sd, &storaged);
	f.seq = 1;
	client_send(&c2sd, &f, MSG_STORE, &s);
	house_only_c2sd_is_closed();
}

static void
test_inv_29_a_frame_of_the_router(void **state)
{
	(void)state;
	struct msg_PEER_UP up = {{ROLE_STORAGED, 0, 99}};
	struct frame f = client_header(&c2sd, &sessiond);
	client_send(&c2sd, &f, MSG_PEER_UP, &up);
	house_only_c2sd_is_closed();
}

static void
test_inv_29_a_foreign_source(void **state)
{
	(void)state;
	struct client other = c2sd;
	other.number = frame_endpoint(ROLE_C2SD, 1);
	struct msg_STANZA s = {.n = 1};
	struct frame f = client_header(&other, &sessiond);
	f.seq = 1;
	client_send(&c2sd, &f, MSG_STANZA, &s);
	house_only_c2sd_is_closed();
}

static void
test_inv_29_a_forged_incarnation(void **state)
{
	(void)state;
	struct msg_STANZA s = {.n = 1};
	struct frame f = client_header(&c2sd, &sessiond);
	f.seq = 1;
	f.src_inc = 12345;
	client_send(&c2sd, &f, MSG_STANZA, &s);
	house_only_c2sd_is_closed();
}

static void
test_inv_29_a_malformed_header(void **state)
{
	(void)state;
	struct buf b = {0};
	struct msg_STANZA s = {.n = 1};
	struct frame f = client_header(&c2sd, &sessiond);
	f.seq = 0; /* a data frame without a number */
	frame_add_message(&b, &f, bus_message(MSG_STANZA), &s);
	client_write(&c2sd, buf_str(&b));
	house_only_c2sd_is_closed();
	buf_deinit(&b);
}

static void
test_inv_29_an_impossible_length(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_add_u32(&b, BUS_FRAME_MAX + 1);
	client_write(&c2sd, buf_str(&b));
	house_only_c2sd_is_closed();
	buf_deinit(&b);
}

static void
test_inv_29_a_second_hello(void **state)
{
	(void)state;
	client_greet(&c2sd);
	house_only_c2sd_is_closed();
}

static void
test_inv_29_a_malformed_control_frame(void **state)
{
	(void)state;
	struct buf b = {0};
	struct frame f = client_header(&c2sd, NULL);
	f.type = MSG_PING;
	frame_add_header(&b, &f, 3);
	buf_add_z(&b, "abc");
	client_write(&c2sd, buf_str(&b));
	house_only_c2sd_is_closed();
	buf_deinit(&b);
}

/* Every message from c2sd to every role, by the table. */
static void
test_inv_29_every_verb_of_c2sd(void **state)
{
	(void)state;
	unsigned count, refused = 0, passed = 0;
	bus_message_at(0, &count);
	for (unsigned i = 0; i < count; i++) {
		for (unsigned role = 1; role < ROLE_KEYD; role++) {
			const struct bus_message *m = bus_message_at(i, NULL);
			struct frame f = {
			    .type = m->type,
			    .level = m->level,
			    .src = c2sd.number,
			    .src_inc = c2sd.inc,
			    .dst = frame_endpoint((enum role)role, 0),
			    .seq = m->level ? 1 : 0,
			};
			bool allowed = (m->from & 1u << ROLE_C2SD) && (m->to & 1u << role) &&
			    (role == ROLE_SESSIOND || role == ROLE_AUTHD);
			const char *wrong = rights_check(ROLE_C2SD, c2sd.number, c2sd.inc, &f);
			if (!wrong != allowed)
				fail_msg("%s to %s: %s", m->body.name, role_name(role),
				    wrong ? wrong : "passed");
			refused += wrong != NULL;
			passed += wrong == NULL;
		}
	}
	assert_true(refused > 10 * passed / 2);
	assert_true(passed > 15);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_inv_29_another_role),
	    TEST(test_inv_29_a_receiver_out_of_reach),
	    TEST(test_inv_29_a_verb_of_another),
	    TEST(test_inv_29_a_frame_of_the_router),
	    TEST(test_inv_29_a_foreign_source),
	    TEST(test_inv_29_a_forged_incarnation),
	    TEST(test_inv_29_a_malformed_header),
	    TEST(test_inv_29_an_impossible_length),
	    TEST(test_inv_29_a_second_hello),
	    TEST(test_inv_29_a_malformed_control_frame),
	    TEST(test_inv_29_every_verb_of_c2sd),
	};
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* For the tests of verification: CAs, a keyd with the certificates that the test has them issue, and a connection of which both ends
 * are ours. */
#pragma once

#include "tls/verify.h"
#include "tls_ca.h"

#define LINK_KEYS 6

extern struct test_ca link_root, link_middle /* below the root */,
    link_strange /* which nobody trusts */;
extern struct rig_key link_keys[LINK_KEYS + 1];

/* Begin of the group's set-up: the CAs; and its end, when the keys are there. */
void link_make_cas(void);
void link_start_keyd(void);
/* The group's tear-down. */
int link_tear_down(void **state);

/* A server, a, and a client, b. */
struct link {
	struct tls_context *a, *b;
	struct trust *trust;
	struct tls *server, *client;
	struct err err;
};

/* A context that shows a key (-1: none) for a domain. */
struct tls_context *link_context(const char *alpn, const char *domain, int key);
/* Both through: true. */
bool link_shake(struct link *l);
void link_free(struct link *l);

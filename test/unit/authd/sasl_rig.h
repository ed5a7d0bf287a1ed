/* The other end of a SASL exchange, and a few accounts, for the tests of authd's mechanisms. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sasl.h"

#define RIG_ITERATIONS 4096
#define RIG_ALL_MECHANISMS \
	"SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"

/* alice@example.org "wonderland", bob@example.org "builder", alice@other.example "elsewhere", and
 * zoë@example.org "pässwörd" */
int rig_setup(void **state);
extern const struct sasl_server rig_server;
/* NULL: no such account. */
const struct credentials *rig_find(struct str jid);

/* A stream of example.org under TLS 1.3 that was offered everything. */
struct sasl_terms rig_terms(const char *mechanism);

/* Carries out STEP_FIND and STEP_DERIVE until something else is asked for. */
enum sasl_step rig_go(struct sasl *s, enum sasl_step step);

/* ",p=" of RFC 5802 §3 for this AuthMessage. */
void rig_add_proof(struct buf *out, enum digest d, const char *password, struct str salt,
    uint32_t iterations, struct str auth);

/* A client's login, honest but for what is set here. */
struct rig_client {
	const char *mechanism;
	const char *gs2; /* gs2-cbind-flag; NULL: what fits the mechanism */
	const char *authcid, *authzid, *password;
	struct str binding; /* data for c=; empty with "p": the stream's */
	const char *final;  /* sent instead of the right client-final */
};

/* Runs it to the end; the exchange is the caller's to look at and deinit. */
enum sasl_step rig_login(struct sasl *s, const struct rig_client *c, const struct sasl_terms *terms);
/* The last server-first-message of rig_login. */
extern char rig_server_first[SASL_MESSAGE_MAX];

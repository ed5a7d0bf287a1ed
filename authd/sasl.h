/* The server's side of one SASL exchange, without bus, store or threads: the owner carries out the
 * steps it asks for. Every function that takes a step says what must happen next:
 *
 *   sasl_begin ─▶ STEP_CHALLENGE  tell the client sasl_output, then sasl_answer with what it says
 *              ─▶ STEP_FIND       look the account sasl->jid up, then sasl_found
 *              ─▶ STEP_DERIVE     run sasl_derive on a worker thread, then sasl_derived
 *              ─▶ STEP_SUCCESS    sasl->jid has proven itself; sasl_output is for the client
 *              ─▶ STEP_FAILURE    sasl->condition says why */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "bus/role.h"
#include "credential.h"

#define SASL_MESSAGE_MAX 4096 /* bytes of one message of a client; longer ones are malformed */
#define SASL_BINDING_MAX 64   /* bytes of channel binding data */
#define SASL_NONCE_MAX 64

/* What all exchanges share. */
struct sasl_server {
	const uint8_t *fake_key;                 /* CREDENTIAL_FAKE_KEY_BYTES */
	uint32_t iterations;                     /* that accounts that don't exist seem to have */
	void (*nonce)(char out[SASL_NONCE_MAX]); /* NUL-terminated; NULL: random (all but tests) */
	bool signs_offer;                        /* XEP-0474 */
	bool takes_certificates;                 /* EXTERNAL: what the edge says of them counts */
};

/* What the edge says about the stream. */
struct sasl_terms {
	struct str domain;    /* of the stream, prepared: all accounts belong to it */
	struct str mechanism; /* that the client chose */
	struct str offered;   /* names of all that it could choose from, with spaces between */
	bool tls;
	struct str exporter, end_point; /* channel binding data (RFC 9266, RFC 5929); empty: none */
	bool tried_other; /* the client has tried a binding that this stream has not */
	struct str certified; /* accounts that the client's certificate speaks of, with blanks between them */
};

enum sasl_step {
	STEP_CHALLENGE,
	STEP_FIND,
	STEP_DERIVE,
	STEP_SUCCESS,
	STEP_FAILURE,
};

enum sasl_state {
	SASL_IS_NEW,
	SASL_AWAITS_FIRST, /* the mechanism's first message */
	SASL_AWAITS_FOUND,
	SASL_AWAITS_DERIVED,
	SASL_AWAITS_FINAL, /* the answer to the mechanism's challenge */
	SASL_IS_OVER,
};

struct sasl_mechanism;

struct sasl {
	const struct sasl_server *server;
	const struct sasl_mechanism *mechanism;
	enum sasl_state state;
	enum sasl_condition condition;
	struct str domain;
	struct str jid; /* bare, prepared; empty until the client has named itself */
	bool plus_offered, tried_other;
	struct str certified; /* owned */
	uint8_t exporter[SASL_BINDING_MAX], end_point[SASL_BINDING_MAX];
	size_t exporter_n, end_point_n;

	bool known;               /* the account exists and has this credential */
	uint64_t generation;      /* of that account */
	struct credential wanted; /* the account's, or the fake one */

	bool has_output;
	struct buf output;

	/* PLAIN */
	char *password;
	size_t password_n;
	struct credential derived;

	/* SCRAM: gs2-header and binding data as `c` must have them; the nonce of both sides;
	 * AuthMessage so far */
	struct buf binding, nonce, auth_message;
	struct buf offer; /* the hash of XEP-0474; empty: not told */
};

/* Starts an exchange on zeroed memory. What terms points to is copied; server must outlive the
 * exchange. */
enum sasl_step sasl_begin(struct sasl *s, const struct sasl_server *server,
    const struct sasl_terms *terms, bool has_initial, struct str initial);
enum sasl_step sasl_answer(struct sasl *s, struct str data);
/* c NULL: no such account. */
enum sasl_step sasl_found(struct sasl *s, const struct credentials *c, uint64_t generation);
/* On a worker thread; touches only what belongs to the derivation. */
void sasl_derive(struct sasl *s);
enum sasl_step sasl_derived(struct sasl *s);

struct str sasl_output(const struct sasl *s);
/* The name of a mechanism that has been chosen, for logs. */
const char *sasl_mechanism_name(const struct sasl *s);
/* Wipes and frees what it holds. */
void sasl_deinit(struct sasl *s);

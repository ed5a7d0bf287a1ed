/* One SASL exchange, message by message. The oracle: success only for the account whose password the client knew, on the
 * exchange as it was offered. So that there are successes, the harness can speak as an honest client from where the input
 * has brought the exchange to; any byte of what it says may be changed, and then it must fail.
 *
 * The input: mechanism, flags, the byte to change and how, the length of the first message, that message; then the second one. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/id.h"
#include "base/mem.h"
#include "sasl.h"
#include "sasl_rig.h"

#define ALL \
	"SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"
#define WITHOUT_PLUS "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"
#define EXPORTER "exporter data of this very stream"
#define END_POINT "hash of the server's certificate"
#define PASSWORD "wonderland"

static const struct {
	const char *name;
	enum digest digest;
} mechanisms[] = {{"SCRAM-SHA-1", DIGEST_SHA1}, {"SCRAM-SHA-1-PLUS", DIGEST_SHA1},
    {"SCRAM-SHA-256", DIGEST_SHA256}, {"SCRAM-SHA-256-PLUS", DIGEST_SHA256},
    {"SCRAM-SHA-512", DIGEST_SHA512}, {"SCRAM-SHA-512-PLUS", DIGEST_SHA512},
    {"PLAIN", DIGEST_SHA256}};

enum flags {
	NO_TLS = 1,
	NO_PLUS = 2,      /* nothing with channel binding was offered */
	NO_INITIAL = 4,   /* the first message comes after an empty challenge */
	HONEST = 8,       /* the second message is that of an honest client */
	WRONG_WORD = 16,  /* with a wrong password */
	SIGNS_OFFER = 32, /* XEP-0474 */
	TRIED_OTHER =
	    64, /* a binding that the stream has not: "y" is no sign of a changed list then */
};

static uint8_t fake_key[CREDENTIAL_FAKE_KEY_BYTES] = "a secret of this server, 32 byte";
static struct credentials alice;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same_nonce(char out[SASL_NONCE_MAX])
{
	memcpy(out, "3rfcNHYJY1ZVvWVs7j", sizeof("3rfcNHYJY1ZVvWVs7j"));
}

static const struct sasl_server servers[] = {
    {.fake_key = fake_key, .iterations = 1, .nonce = same_nonce},
    {.fake_key = fake_key, .iterations = 1, .nonce = same_nonce, .signs_offer = true}};

static enum sasl_step
go(struct sasl *s, enum sasl_step step)
{
	while (step == STEP_FIND || step == STEP_DERIVE) {
		if (step == STEP_FIND) {
			step = sasl_found(s, str_is(s->jid, "alice@example.org") ? &alice : NULL, 1);
		} else {
			sasl_derive(s);
			step = sasl_derived(s);
		}
	}
	return step;
}

/* Where the gs2-header of a first message ends. */
static size_t
header_of(struct str first)
{
	size_t at = str_find(first, ',');

	return at == first.n ? 0 : at + 1 + str_find(str_from(first, at + 1), ',') + 1;
}

static void
honest_final(
    struct buf *out, enum digest d, const char *password, struct str first, struct str challenge)
{
	struct str nonce, rest, salt64, iterations;
	size_t header = header_of(first);
	struct buf cbind = {0}, salt = {0}, auth = {0};
	uint64_t i = 0;

	assert(
	    str_split(challenge, ',', &nonce, &rest) && str_split(rest, ',', &salt64, &iterations));
	str_split(iterations, ',', &iterations, &rest); /* behind it: the hash of the offer */
	assert(dec_base64(&salt, str_from(salt64, 2)) && str_u64(str_from(iterations, 2), &i));
	buf_add_str(&cbind, str_of(first.p, header));
	if (str_starts(first, S("p=tls-exporter,")))
		buf_add_z(&cbind, EXPORTER);
	else if (str_starts(first, S("p=")))
		buf_add_z(&cbind, END_POINT);
	buf_add_z(out, "c=");
	enc_base64(out, buf_str(&cbind));
	buf_printf(out, ",%.*s", STR_ARG(nonce));
	buf_add_str(&auth, str_from(first, header));
	buf_printf(&auth, ",%.*s,%.*s", STR_ARG(challenge), STR_ARG(buf_str(out)));
	rig_add_proof(out, d, password, buf_str(&salt), (uint32_t)i, buf_str(&auth));
	buf_deinit(&cbind);
	buf_deinit(&salt);
	buf_deinit(&auth);
}

/* What must be true of any success. */
static void
check_success(const struct sasl *s, const char *mechanism, unsigned flags, struct str first)
{
	bool plus = str_ends(str_z(mechanism), S("-PLUS"));

	assert(str_is(s->jid, "alice@example.org"));
	assert(!(flags & NO_TLS) || (!plus && strcmp(mechanism, "PLAIN") != 0));
	if (strcmp(mechanism, "PLAIN") == 0) {
		assert(str_ends(first, S("\0" PASSWORD)));
		return;
	}
	assert(plus == str_starts(first, S("p=")));
	assert(!plus || !(flags & NO_PLUS));
	/* "y" says that we have no channel binding, and we had offered it: somebody has changed the list */
	assert(!str_starts(first, S("y")) || (flags & (NO_PLUS | TRIED_OTHER)));
}

struct turn {
	const char *mechanism;
	enum digest digest;
	unsigned flags;
	size_t change_at;
	uint8_t change;
	struct str first, second;
};

static enum sasl_step
begin(struct sasl *s, const struct turn *t)
{
	bool plus = !(t->flags & NO_PLUS);
	struct sasl_terms terms = {.domain = S("example.org"),
	    .mechanism = str_z(t->mechanism),
	    .offered = plus ? S(ALL) : S(WITHOUT_PLUS),
	    .tls = !(t->flags & NO_TLS),
	    .exporter = plus ? S(EXPORTER) : S(""),
	    .end_point = plus ? S(END_POINT) : S(""),
	    .tried_other = t->flags & TRIED_OTHER};
	enum sasl_step step;

	step = sasl_begin(
	    s, &servers[(t->flags & SIGNS_OFFER) != 0], &terms, !(t->flags & NO_INITIAL), t->first);
	if ((t->flags & NO_INITIAL) && step == STEP_CHALLENGE) {
		assert(str_empty(sasl_output(s)));
		step = sasl_answer(s, t->first);
	}
	return go(s, step);
}

/* STEP_CHALLENGE was the step before. */
static enum sasl_step
finish(struct sasl *s, const struct turn *t)
{
	struct buf final = {0};
	bool changed = t->change != 0, wrong = t->flags & WRONG_WORD;
	enum sasl_step step;

	if (!(t->flags & HONEST)) {
		step = go(s, sasl_answer(s, t->second));
		assert(step == STEP_FAILURE);
		return step;
	}
	honest_final(
	    &final, t->digest, wrong ? "looking-glass" : PASSWORD, t->first, sasl_output(s));
	final.data[final.start + t->change_at % buf_len(&final)] ^= t->change;
	step = go(s, sasl_answer(s, buf_str(&final)));
	assert(step == STEP_FAILURE || !(changed || wrong));
	buf_deinit(&final);
	return step;
}

static bool
turn_parse(struct turn *t, const uint8_t *data, size_t size)
{
	if (size < 6)
		return false;
	size_t m = data[0] % COUNT(mechanisms), n = data[4] | data[5] << 8;
	*t = (struct turn){mechanisms[m].name, mechanisms[m].digest, data[1], data[2], data[3],
	    .first = str_of(data + 6, n < size - 6 ? n : size - 6)};
	t->second = str_of(t->first.p + t->first.n, size - 6 - t->first.n);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sasl s = {.server = NULL};
	struct turn t;

	if (alice.of[DIGEST_SHA1].iterations == 0) {
		id_init();
		credentials_make(&alice, S(PASSWORD), 1);
	}
	if (!turn_parse(&t, data, size))
		return 0;
	enum sasl_step step = begin(&s, &t);
	if (step == STEP_CHALLENGE && s.state == SASL_AWAITS_FINAL)
		step = finish(&s, &t);
	assert(step == STEP_SUCCESS || step == STEP_FAILURE);
	if (step == STEP_SUCCESS)
		check_success(&s, t.mechanism, t.flags, t.first);
	sasl_deinit(&s);
	return 0;
}

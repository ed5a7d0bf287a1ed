/* The packets between the edges and keyd, and the one list of signature algorithms that both sides hold to.
 * Called by signer.c and chains.c on the edge's side and by keyd on the other. Pure functions. */

#include "tls/keywire.h"

#include <assert.h>
#include <gnutls/gnutls.h>

#include "base/mem.h"

/* A position in a packet; `ok` falls when something was not there. */
struct cursor {
	struct str rest;
	bool ok;
};

static uint64_t
take_int(struct cursor *c, size_t size)
{
	uint64_t v = 0;

	if (!c->ok || c->rest.n < size) {
		c->ok = false;
		return 0;
	}
	for (size_t i = size; i > 0; i--)
		v = v << 8 | (uint8_t)c->rest.p[i - 1];
	c->rest = str_from(c->rest, size);
	return v;
}

static struct str
take_bytes(struct cursor *c, size_t n)
{
	if (!c->ok || c->rest.n < n) {
		c->ok = false;
		return (struct str){0};
	}
	struct str s = str_of(c->rest.p, n);
	c->rest = str_from(c->rest, n);
	return s;
}

/* A field of fixed size of which only the first n bytes count. */
static struct str
take_field(struct cursor *c, size_t n, size_t size)
{
	if (n > size)
		c->ok = false;
	struct str field = take_bytes(c, size);
	return str_of(field.p, c->ok ? n : 0);
}

static void
put_field(struct buf *out, struct str s, size_t size)
{
	uint8_t *field = buf_reserve(out, size);

	assert(s.n <= size);
	memset(field, 0, size);
	if (s.n > 0)
		memcpy(field, s.p, s.n);
	buf_commit(out, size);
}

void
keywire_put_request(struct buf *out, const struct keywire_request *r)
{
	buf_add_u8(out, KEYWIRE_VERSION);
	buf_add_u8(out, (uint8_t)r->type);
	buf_add_u16(out, (uint16_t)r->data.n);
	buf_add_u32(out, r->key_id);
	buf_add_u32(out, r->algorithm);
	buf_add_u64(out, r->tag);
	put_field(out, r->data, KEYWIRE_DATA_MAX);
}

bool
keywire_get_request(struct str packet, struct keywire_request *r_r)
{
	struct cursor c = {.rest = packet, .ok = packet.n == KEYWIRE_REQUEST_SIZE};
	struct keywire_request r;

	if (take_int(&c, 1) != KEYWIRE_VERSION)
		return false;
	uint64_t type = take_int(&c, 1);
	size_t n = take_int(&c, 2);
	r.key_id = (uint32_t)take_int(&c, 4);
	r.algorithm = (uint32_t)take_int(&c, 4);
	r.tag = take_int(&c, 8);
	r.data = take_field(&c, n, KEYWIRE_DATA_MAX);
	if (!c.ok || (type != KEYWIRE_SIGN && type != KEYWIRE_WATCH))
		return false;
	r.type = (enum keywire_request_type)type;
	*r_r = r;
	return true;
}

void
keywire_put_answer(struct buf *out, const struct keywire_answer *a)
{
	buf_add_u8(out, KEYWIRE_VERSION);
	buf_add_u8(out, (uint8_t)a->status);
	buf_add_u16(out, (uint16_t)a->signature.n);
	buf_add_u64(out, a->tag);
	put_field(out, a->signature, KEYWIRE_SIGNATURE_MAX);
}

bool
keywire_get_answer(struct str packet, struct keywire_answer *a_r)
{
	struct cursor c = {.rest = packet, .ok = packet.n == KEYWIRE_ANSWER_SIZE};
	struct keywire_answer a;

	if (take_int(&c, 1) != KEYWIRE_VERSION)
		return false;
	uint64_t status = take_int(&c, 1);
	size_t n = take_int(&c, 2);
	a.tag = take_int(&c, 8);
	a.signature = take_field(&c, n, KEYWIRE_SIGNATURE_MAX);
	if (!c.ok || status >= KEYWIRE_STATUS_COUNT || (status == KEYWIRE_OK) != (n > 0))
		return false;
	a.status = (enum keywire_status)status;
	*a_r = a;
	return true;
}

void
keywire_put_push(struct buf *out, const struct keywire_push *p)
{
	assert(p->domain.n <= KEYWIRE_NAME_MAX && p->body.n <= KEYWIRE_CHAIN_MAX);
	buf_add_u8(out, KEYWIRE_VERSION);
	buf_add_u8(out, (uint8_t)p->type);
	buf_add_u16(out, (uint16_t)p->domain.n);
	buf_add_u32(out, p->key_id);
	buf_add_str(out, p->domain);
	buf_add_str(out, p->body);
}

static bool
is_sound_push(const struct keywire_push *p)
{
	switch (p->type) {
	case KEYWIRE_BEGIN:
	case KEYWIRE_END:
		return p->domain.n == 0 && p->body.n == 0;
	case KEYWIRE_CHAIN:
		return p->domain.n > 0 && p->body.n > 0;
	case KEYWIRE_TICKET:
		return p->domain.n == 0 && p->body.n == KEYWIRE_TICKET_SIZE;
	default:
		return false;
	}
}

bool
keywire_get_push(struct str packet, struct keywire_push *p_r)
{
	struct cursor c = {.rest = packet, .ok = packet.n <= KEYWIRE_PACKET_MAX};
	struct keywire_push p;

	if (take_int(&c, 1) != KEYWIRE_VERSION)
		return false;
	p.type = (enum keywire_push_type)take_int(&c, 1);
	size_t n = take_int(&c, 2);
	p.key_id = (uint32_t)take_int(&c, 4);
	p.domain = take_bytes(&c, n);
	p.body = c.rest;
	if (!c.ok || n > KEYWIRE_NAME_MAX || p.body.n > KEYWIRE_CHAIN_MAX || !is_sound_push(&p))
		return false;
	*p_r = p;
	return true;
}

const char *
keywire_status_text(enum keywire_status status)
{
	switch (status) {
	case KEYWIRE_OK:
		return "signed";
	case KEYWIRE_UNKNOWN_KEY:
		return "unknown key";
	case KEYWIRE_BAD_ALGORITHM:
		return "algorithm refused";
	case KEYWIRE_BAD_DATA:
		return "data refused";
	case KEYWIRE_BUSY:
		return "too many requests";
	case KEYWIRE_BROKEN:
		return "signing failed";
	case KEYWIRE_STATUS_COUNT:
		break;
	}
	return "unknown status";
}

/* TLS 1.2 asks for RSA PKCS #1 as RSA_RAW over a DigestInfo; keyd looks inside. */
static const struct {
	gnutls_pk_algorithm_t pk;
	gnutls_sign_algorithm_t algorithm;
} allowed[] = {
    {GNUTLS_PK_ECDSA, GNUTLS_SIGN_ECDSA_SHA256},
    {GNUTLS_PK_ECDSA, GNUTLS_SIGN_ECDSA_SHA384},
    {GNUTLS_PK_ECDSA, GNUTLS_SIGN_ECDSA_SHA512},
    {GNUTLS_PK_ECDSA, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256},
    {GNUTLS_PK_ECDSA, GNUTLS_SIGN_ECDSA_SECP384R1_SHA384},
    {GNUTLS_PK_ECDSA, GNUTLS_SIGN_ECDSA_SECP521R1_SHA512},
    {GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_SHA256},
    {GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_SHA384},
    {GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_SHA512},
    {GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_RAW},
    {GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256},
    {GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA384},
    {GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA512},
    {GNUTLS_PK_EDDSA_ED25519, GNUTLS_SIGN_EDDSA_ED25519},
};

bool
keywire_may_sign(unsigned pk, unsigned algorithm)
{
	for (size_t i = 0; i < COUNT(allowed); i++)
		if ((unsigned)allowed[i].pk == pk && (unsigned)allowed[i].algorithm == algorithm)
			return true;
	return false;
}

/* SCRAM over GnuTLS's hashes. The salted password is derived once for a salt: deriving it is the client's work, and the
 * server is what is measured. */
#include "scram.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
scram_init(struct scram *s, const char *mechanism)
{
	if (strcmp(mechanism, "SCRAM-SHA-1") == 0)
		s->mac = GNUTLS_MAC_SHA1;
	else if (strcmp(mechanism, "SCRAM-SHA-256") == 0)
		s->mac = GNUTLS_MAC_SHA256;
	else
		return false;
	return true;
}

static size_t
hash_len(const struct scram *s)
{
	return gnutls_hmac_get_len(s->mac);
}

static void
add_base64(struct bytes *out, const void *p, size_t n)
{
	gnutls_datum_t in = {(void *)p, (unsigned)n}, text;

	if (gnutls_base64_encode2(&in, &text) != 0)
		die("base64 failed");
	bytes_add(out, text.data, text.size);
	gnutls_free(text.data);
}

/* Adds what the base64 text stands for. */
static bool
add_decoded(struct bytes *out, struct slice text)
{
	gnutls_datum_t in = {(void *)text.p, (unsigned)text.len}, raw;

	if (text.len == 0 || gnutls_base64_decode2(&in, &raw) != 0)
		return false;
	bytes_add(out, raw.data, raw.size);
	gnutls_free(raw.data);
	return true;
}

/* Attribute `name` of a SCRAM message. */
static struct slice
field(struct slice message, char name)
{
	const char *p = message.p, *end = message.p + message.len;

	while (p + 2 <= end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;
		if (p[0] == name && p[1] == '=')
			return (struct slice){p + 2, (size_t)(stop - p - 2)};
		p = stop + 1;
	}
	return (struct slice){0};
}

void
scram_begin(struct scram *s, const char *user, struct bytes *out)
{
	unsigned char random[16];
	struct bytes first = {0};

	gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(s->nonce + 2 * i, 3, "%02x", random[i]);
	snprintf(s->user, sizeof s->user, "%s", user);
	bytes_addf(&first, "n,,n=%s,r=%s", s->user, s->nonce);
	add_base64(out, first.p, first.len);
	bytes_free(&first);
}

static bool
derive(struct scram *s, struct slice salt, unsigned iterations, const char *password)
{
	struct bytes raw = {0};
	bool ok = add_decoded(&raw, salt) && raw.len <= sizeof s->salt && iterations > 0;

	if (ok &&
	    (iterations != s->iterations || raw.len != s->salt_len ||
		memcmp(raw.p, s->salt, raw.len) != 0)) {
		gnutls_datum_t key = {(void *)password, (unsigned)strlen(password)};
		gnutls_datum_t with = {(void *)raw.p, (unsigned)raw.len};
		ok = gnutls_pbkdf2(
			 s->mac, &key, &with, iterations, s->salted_password, hash_len(s)) == 0;
		memcpy(s->salt, raw.p, raw.len);
		s->salt_len = raw.len;
		s->iterations = iterations;
	}
	bytes_free(&raw);
	return ok;
}

static void
hmac(const struct scram *s, const unsigned char *key, struct slice text, unsigned char *out)
{
	if (gnutls_hmac_fast(s->mac, key, hash_len(s), text.p, text.len, out) != 0)
		die("HMAC failed");
}

/* ClientProof and ServerSignature over the AuthMessage (RFC 5802, 3). */
static void
prove(struct scram *s, struct slice auth_message, unsigned char *proof_r)
{
	unsigned char client_key[SCRAM_HASH_MAX], stored_key[SCRAM_HASH_MAX],
	    signature[SCRAM_HASH_MAX];
	unsigned char server_key[SCRAM_HASH_MAX];

	hmac(s, s->salted_password, (struct slice){"Client Key", 10}, client_key);
	gnutls_hash_fast((gnutls_digest_algorithm_t)s->mac, client_key, hash_len(s), stored_key);
	hmac(s, stored_key, auth_message, signature);
	for (size_t i = 0; i < hash_len(s); i++)
		proof_r[i] = client_key[i] ^ signature[i];
	hmac(s, s->salted_password, (struct slice){"Server Key", 10}, server_key);
	hmac(s, server_key, auth_message, s->server_signature);
}

bool
scram_answer(struct scram *s, struct slice challenge, const char *password, struct bytes *out)
{
	struct bytes first = {0}, final = {0}, auth = {0};
	unsigned char proof[SCRAM_HASH_MAX];
	bool ok = add_decoded(&first, challenge);
	struct slice message = {first.p, first.len}, nonce = field(message, 'r');

	ok = ok && nonce.len > 32 && memcmp(nonce.p, s->nonce, 32) == 0 &&
	    derive(s, field(message, 's'), (unsigned)slice_number(field(message, 'i'), NULL),
		password);
	if (ok) {
		bytes_addf(&final, "c=biws,r=%.*s", (int)nonce.len, nonce.p);
		bytes_addf(&auth, "n=%s,r=%s,%.*s,%.*s", s->user, s->nonce, (int)first.len, first.p,
		    (int) final.len, final.p);
		prove(s, (struct slice){auth.p, auth.len}, proof);
		bytes_addf(&final, ",p=");
		add_base64(&final, proof, hash_len(s));
		add_base64(out, final.p, final.len);
	}
	bytes_free(&first);
	bytes_free(&final);
	bytes_free(&auth);
	return ok;
}

bool
scram_finish(struct scram *s, struct slice success)
{
	struct bytes message = {0}, signature = {0};
	bool ok = add_decoded(&message, success) &&
	    add_decoded(&signature, field((struct slice){message.p, message.len}, 'v')) &&
	    signature.len == hash_len(s) &&
	    memcmp(signature.p, s->server_signature, signature.len) == 0;

	bytes_free(&message);
	bytes_free(&signature);
	return ok;
}

/* The client's side of SCRAM (RFC 5802, RFC 7677) without channel binding. */
#ifndef BENCH_SCRAM_H
#define BENCH_SCRAM_H

#include <gnutls/crypto.h>

#include "bytes.h"

#define SCRAM_HASH_MAX 32
#define SCRAM_SALT_MAX 128

struct scram {
	gnutls_mac_algorithm_t mac;
	char nonce[33], user[64];
	unsigned char server_signature[SCRAM_HASH_MAX];
	/* what a client keeps from login to login (RFC 5802, 5.1) */
	unsigned char salt[SCRAM_SALT_MAX], salted_password[SCRAM_HASH_MAX];
	size_t salt_len;
	unsigned iterations;
};

bool scram_init(struct scram *s, const char *mechanism);
/* Both add the base64 of the client's message. False: the server's was not one, or does not fit ours. */
void scram_begin(struct scram *s, const char *user, struct bytes *out);
bool scram_answer(struct scram *s, struct slice challenge, const char *password, struct bytes *out);
bool scram_finish(struct scram *s, struct slice success);

#endif

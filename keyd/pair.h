/* A private key with the certificate chain that belongs to it. */
#pragma once

#include <gnutls/abstract.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define PAIR_FILE_MAX (64 * 1024) /* bytes of a .key or .crt */
#define PAIR_CHAIN_MAX 10         /* certificates */
#define PAIR_KEY_HASH 32

struct pair {
	gnutls_privkey_t key; /* owned */
	unsigned pk, bits;
	uint8_t key_hash[PAIR_KEY_HASH]; /* of the public key */
	struct buf chain_pem;            /* certificates only, written anew: what the edges get */
	int64_t expires;                 /* seconds since 1970, of the first certificate */
	bool self_signed;
};

/* Checks that both are what they should be and belong together. The names are for the error texts, which say
 * what to do. 0, or -1 with *err filled and nothing to free. */
int pair_parse(struct pair *p_r, struct str crt_pem, struct str key_pem, const char *crt_name,
    const char *key_name, struct err *err);
void pair_deinit(struct pair *p);

/* Is the first certificate of the chain good for this domain (A- or U-labels)? */
bool pair_pem_names(struct str chain_pem, const char *domain);
/* "ECDSA-256", "RSA-2048" */
void pair_describe(const struct pair *p, char out[32]);

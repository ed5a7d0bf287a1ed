/* For the TLS tests: a context with four certificates, and a connection to it of which both ends are here. */
#pragma once

#include "tls_rig.h"

enum {
	KEY_ECDSA,   /* capulet.example, the default */
	KEY_RSA,     /* montague.example */
	KEY_ED25519, /* verona.example */
	KEY_OTHER,   /* in no context yet */
	N_KEYS
};

extern struct rig_key pair_keys[N_KEYS + 1];

/* Group set-up and tear-down: the keys, and a fake keyd that signs with them. */
int pair_make_keys(void **state);
int pair_free_keys(void **state);

struct tls_context *pair_context(void);
void pair_set_chain(struct tls_context *t, const char *domain, int key);

struct tls_pair {
	struct tls_context *context; /* one that is there is used, else one is made */
	struct rig_client client;
	struct tls *server;
	enum tls_state state;
	struct err err;
};

void pair_start(struct tls_pair *p, const char *priority, const char *sni, const char *alpn,
    const gnutls_datum_t *resume);
/* Start and handshake. */
void pair_shake(struct tls_pair *p, const char *priority, const char *sni, const char *alpn);
/* Frees both ends. */
void pair_finish(struct tls_pair *p);
/* And the context. */
void pair_stop(struct tls_pair *p);

void pair_assert_open(const struct tls_pair *p);
/* The client was shown the certificate of this key. */
void pair_assert_shown(const struct tls_pair *p, int key);
/* Both ends read what the other wrote. */
void pair_assert_talks(struct tls_pair *p);

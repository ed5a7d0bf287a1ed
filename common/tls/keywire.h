/* What an edge and keyd say to each other, over one SOCK_SEQPACKET socket in the edge's own folder:
 *
 *   edge -> keyd   SIGN   fixed size: which key, which algorithm, what
 *   keyd -> edge   answer, fixed size: status, signature
 *
 *   edge -> keyd   WATCH  fixed size (a SIGN without content): tell me the certificates
 *   keyd -> edge   BEGIN, CHAIN…, TICKET, END: the whole list, at once and again after every change
 *
 * A connection is for one of the two. Little-endian, no padding; every decoder is total and leaves its
 * outputs untouched when it returns false (INV-29). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define KEYWIRE_VERSION 1
#define KEYWIRE_SOCKET "keyd.sock"

#define KEYWIRE_DATA_MAX 256      /* a digest, a DigestInfo, or what Ed25519 signs */
#define KEYWIRE_SIGNATURE_MAX 512 /* RSA-4096 */
#define KEYWIRE_REQUEST_SIZE (1 + 1 + 2 + 4 + 4 + 8 + KEYWIRE_DATA_MAX)
#define KEYWIRE_ANSWER_SIZE (1 + 1 + 2 + 8 + KEYWIRE_SIGNATURE_MAX)

#define KEYWIRE_NAME_MAX 1023         /* a domain */
#define KEYWIRE_CHAIN_MAX (64 * 1024) /* a chain in PEM */
#define KEYWIRE_TICKET_SIZE 64
#define KEYWIRE_PACKET_MAX (1 + 1 + 2 + 4 + KEYWIRE_NAME_MAX + KEYWIRE_CHAIN_MAX)

enum keywire_request_type {
	KEYWIRE_SIGN = 1,
	KEYWIRE_WATCH = 2,
};

struct keywire_request {
	enum keywire_request_type type;
	uint32_t key_id;
	uint32_t algorithm; /* gnutls_sign_algorithm_t */
	uint64_t tag;       /* comes back in the answer */
	struct str data;    /* borrowed from the packet */
};

enum keywire_status {
	KEYWIRE_OK = 0,
	KEYWIRE_UNKNOWN_KEY,
	KEYWIRE_BAD_ALGORITHM,
	KEYWIRE_BAD_DATA,
	KEYWIRE_BUSY, /* over the rate */
	KEYWIRE_BROKEN,
	KEYWIRE_STATUS_COUNT,
};

struct keywire_answer {
	enum keywire_status status;
	uint64_t tag;
	struct str signature; /* borrowed from the packet */
};

enum keywire_push_type {
	KEYWIRE_BEGIN = 1, /* a list starts; a list that was under way is void */
	KEYWIRE_CHAIN,
	KEYWIRE_TICKET,
	KEYWIRE_END, /* domains that were not in the list are gone */
};

struct keywire_push {
	enum keywire_push_type type;
	uint32_t key_id;   /* CHAIN */
	struct str domain; /* CHAIN; borrowed */
	struct str body;   /* CHAIN: PEM; TICKET: the key; borrowed */
};

void keywire_put_request(struct buf *out, const struct keywire_request *r);
bool keywire_get_request(struct str packet, struct keywire_request *r_r);
void keywire_put_answer(struct buf *out, const struct keywire_answer *a);
bool keywire_get_answer(struct str packet, struct keywire_answer *a_r);
void keywire_put_push(struct buf *out, const struct keywire_push *p);
bool keywire_get_push(struct str packet, struct keywire_push *p_r);

const char *keywire_status_text(enum keywire_status status);

/* The algorithms that an edge may ask for and keyd performs, for a key of GnuTLS's type pk. */
bool keywire_may_sign(unsigned pk, unsigned algorithm);

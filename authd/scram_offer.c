/* See scram_offer.h. XEP-0474 §5.1, version 0.5.0. */
#include "scram_offer.h"

#include <stdlib.h>
#include <string.h>

#include "base/enc.h"

#define NAMES_MAX \
	32 /* more than a stream can be offered: a handful of mechanisms, each with -PLUS */
#define UNIT "\x1e"
#define GROUP "\x1f"

static int
by_octets(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return c ? c : (x->n > y->n) - (x->n < y->n);
}

static void
add_sorted(struct buf *out, struct str *names, size_t n)
{
	qsort(names, n, sizeof(*names), by_octets);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_add_z(out, UNIT);
		buf_add_str(out, names[i]);
	}
}

static void
add_mechanisms(struct buf *out, struct str offered)
{
	struct str names[NAMES_MAX], one, rest = offered;
	size_t n = 0;

	while (!str_empty(rest) && n < NAMES_MAX) {
		str_split(rest, ' ', &one, &rest);
		if (!str_empty(one))
			names[n++] = one;
	}
	add_sorted(out, names, n);
}

/* The edge advertises (XEP-0440) exactly those for which it hands us data. */
static void
add_bindings(struct buf *out, const struct sasl_terms *t)
{
	struct str names[2];
	size_t n = 0;

	if (!str_empty(t->exporter))
		names[n++] = S("tls-exporter");
	if (!str_empty(t->end_point))
		names[n++] = S("tls-server-end-point");
	if (n == 0)
		return;
	buf_add_z(out, GROUP);
	add_sorted(out, names, n);
}

void
scram_offer_hash(struct buf *out, enum digest d, const struct sasl_terms *t)
{
	uint8_t hash[DIGEST_MAX];
	struct buf offer = {0};

	add_mechanisms(&offer, t->offered);
	add_bindings(&offer, t);
	digest_hash(d, buf_str(&offer), hash);
	enc_base64(out, str_of(hash, digest_size(d)));
	buf_deinit(&offer);
}

/* Numeric addresses; pure functions. */
#include "base/source.h"

#include <arpa/inet.h>
#include <string.h>

#define MAPPED_BITS 96

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool
is_ipv4(const struct source *s)
{
	return memcmp(s->bytes, mapped, sizeof(mapped)) == 0;
}

bool
source_parse(struct str text, struct source *source_r)
{
	char z[INET6_ADDRSTRLEN];
	struct source s = {{0}};
	struct str zone;

	str_split(text, '%', &text, &zone);
	if (!str_copy(z, sizeof(z), text))
		return false;
	if (inet_pton(AF_INET, z, s.bytes + sizeof(mapped)) == 1)
		memcpy(s.bytes, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, z, s.bytes) != 1)
		return false;
	*source_r = s;
	return true;
}

bool
network_parse(struct str text, struct network *network_r)
{
	struct network n;
	struct str address, bits;
	uint64_t v, most;
	bool has_bits = str_split(text, '/', &address, &bits);

	if (!source_parse(address, &n.base))
		return false;
	most = str_find(address, ':') < address.n ? 128 : 32;
	v = most;
	if (has_bits && (!str_u64(bits, &v) || v > most))
		return false;
	n.bits = (unsigned)(v + (most == 32 ? MAPPED_BITS : 0));
	*network_r = n;
	return true;
}

int
network_check(const char *text, struct err *err)
{
	struct network n;

	return network_parse(str_z(text), &n)
	    ? 0
	    : err_set(err, "\"%s\" is no network; write it as 192.0.2.0/24 or 2001:db8::/32", text);
}

bool
network_has(const struct network *n, const struct source *s)
{
	unsigned whole = n->bits / 8, part = n->bits % 8;

	if (memcmp(n->base.bytes, s->bytes, whole) != 0)
		return false;
	return part == 0 || ((n->base.bytes[whole] ^ s->bytes[whole]) >> (8 - part)) == 0;
}

int
networks_set(struct networks *n, const char *const *texts, size_t n_texts, struct err *err)
{
	struct networks parsed = {.n = n_texts};

	if (n_texts > NETWORKS_MAX)
		return err_set(err, "more than %d networks", NETWORKS_MAX);
	for (size_t i = 0; i < n_texts; i++)
		if (!network_parse(str_z(texts[i]), &parsed.v[i]))
			return network_check(texts[i], err);
	*n = parsed;
	return 0;
}

bool
networks_have(const struct networks *n, const struct source *s)
{
	for (size_t i = 0; i < n->n; i++)
		if (network_has(&n->v[i], s))
			return true;
	return false;
}

struct source
source_customer(const struct source *s)
{
	struct source c = *s;

	if (!is_ipv4(s))
		memset(c.bytes + 8, 0, 8);
	return c;
}

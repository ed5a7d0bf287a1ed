/* Records of the DNS (SRV, TLSA) from any bytes: what is taken is a name of a host, and one that can be asked for again; the order
 * is a permutation by priority. */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "dns/srv.h"
#include "tls/dane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIST_MAX 16

static uint32_t state;

/* Chance, but the same for the same input. */
static uint32_t
below(uint32_t limit)
{
	state = state * 1664525 + 1013904223;
	return state % limit;
}

static void
check_srv(const struct srv *s)
{
	char name[DNS_NAME_MAX];

	assert(strlen(s->target) < DNS_NAME_MAX - 1);
	assert(s->target[0] == '\0' || s->port > 0);
	for (const char *p = s->target; *p; p++)
		assert(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", *p));
	if (dns_name(name, str_z(s->target)))
		assert(strcmp(name, s->target) == 0);
}

/* The first byte is the length of the first record, and so on. */
static void
check_list(struct str in)
{
	struct srv list[LIST_MAX];
	size_t n = 0;

	while (in.n > 0 && n < LIST_MAX) {
		size_t len = (uint8_t)in.p[0];
		in = str_from(in, 1);
		if (srv_parse(&list[n], str_of(in.p, len < in.n ? len : in.n)))
			check_srv(&list[n++]);
		in = str_from(in, len < in.n ? len : in.n);
	}
	srv_sort(list, n, below);
	for (size_t i = 1; i < n; i++)
		assert(list[i - 1].priority <= list[i].priority);
}

static void
check_tlsa(struct str rdata)
{
	struct tlsa t;

	if (!tlsa_parse(&t, rdata))
		return;
	assert(t.data.n == rdata.n - 3 && t.data.n > 0 && t.data.n <= TLSA_DATA_MAX);
	assert(t.matching == TLSA_EXACT || t.data.n == (t.matching == TLSA_SHA256 ? 32 : 64));
	(void)tlsa_matches(&t, t.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srv s;

	state = (uint32_t)size;
	if (srv_parse(&s, str_of(data, size)))
		check_srv(&s);
	check_list(str_of(data, size));
	check_tlsa(str_of(data, size));
	return 0;
}

/* Addresses and passwords from any bytes: within the limits, made of strict UTF-8, and unchanged when they are
 * prepared again. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_part(struct str in, bool (*part)(struct str *, struct jid_buf *, struct str))
{
	struct jid_buf once, twice;
	struct str a, b;
	if (!part(&a, &once, in))
		return;
	assert(a.n > 0 && a.n <= JID_PART_MAX && str_is_utf8(a));
	assert(part(&b, &twice, a) && str_eq(a, b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jid_buf once, twice;
	struct jid a, b;
	struct str in = str_of(data, size);
	size_t n, m;
	if (jid_prepare(&a, &once, in)) {
		assert(a.full.n <= JID_MAX && str_is_utf8(a.full) && !str_empty(a.domain));
		assert(jid_prepare(&b, &twice, a.full) && str_eq(a.full, b.full));
		assert(str_eq(a.local, b.local) && str_eq(a.domain, b.domain) &&
		    str_eq(a.resource, b.resource));
	}
	check_part(in, jid_prepare_local);
	check_part(in, jid_prepare_domain);
	check_part(in, jid_prepare_resource);
	char *p = jid_prepare_password(in, &n),
	     *q = p ? jid_prepare_password(str_of(p, n), &m) : NULL;
	assert(!p || (q && str_eq(str_of(p, n), str_of(q, m))));
	free(p);
	free(q);
	return 0;
}

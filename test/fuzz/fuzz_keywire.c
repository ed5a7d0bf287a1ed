/* The packets between the edges and keyd: every decoder is total, and what it takes is written again the same. */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tls/keywire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same_request(struct str packet)
{
	struct keywire_request r, again;
	struct buf out = {0};

	if (!keywire_get_request(packet, &r))
		return;
	keywire_put_request(&out, &r);
	assert(keywire_get_request(buf_str(&out), &again));
	assert(r.type == again.type && r.key_id == again.key_id && r.algorithm == again.algorithm &&
	    r.tag == again.tag);
	assert(str_eq(r.data, again.data));
	buf_deinit(&out);
}

static void
same_answer(struct str packet)
{
	struct keywire_answer a, again;
	struct buf out = {0};

	if (!keywire_get_answer(packet, &a))
		return;
	keywire_put_answer(&out, &a);
	assert(keywire_get_answer(buf_str(&out), &again));
	assert(
	    a.status == again.status && a.tag == again.tag && str_eq(a.signature, again.signature));
	buf_deinit(&out);
}

static void
same_push(struct str packet)
{
	struct keywire_push p;
	struct buf out = {0};

	if (!keywire_get_push(packet, &p))
		return;
	keywire_put_push(&out, &p);
	assert(str_eq(buf_str(&out), packet));
	buf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str packet = str_of(data, size);

	same_request(packet);
	same_answer(packet);
	same_push(packet);
	return 0;
}

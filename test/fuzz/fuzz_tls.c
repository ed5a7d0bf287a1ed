/* The server's side of a handshake against any bytes, in pieces that the first byte chooses: it ends or waits, within
 * what a handshake may read. There is no certificate, so keyd is never asked. */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tls/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tls_context *context;
	struct buf in = {0}, out = {0};
	struct err err = {0};
	enum tls_state state = TLS_HANDSHAKE;

	if (size == 0)
		return 0;
	if (context == NULL) {
		assert(tls_global_init(&err) == 0);
		context = tls_context_new("xmpp-client");
	}
	size_t piece = 1 + data[0] * 8u, at = 1;
	struct tls *s = tls_new(context, S("localhost"));
	while (state == TLS_HANDSHAKE && at < size) {
		size_t n = size - at < piece ? size - at : piece;
		buf_add(&in, data + at, n);
		at += n;
		state = tls_handshake(s, &in, &out, &err);
	}
	assert(state == TLS_HANDSHAKE || state == TLS_FAILED);
	assert(tls_read(s, &in, &out, 100, &err) == state);
	tls_bye(s, &out);
	tls_free(&s);
	buf_deinit(&in);
	buf_deinit(&out);
	return 0;
}

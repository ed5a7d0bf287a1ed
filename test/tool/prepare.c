/* Prepares parts of addresses for tests: lines "local HEX", "resource HEX" or "password HEX" in, "HEX" or "-" (refused) out. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/jid.h"

static bool
read_hex(const char *hex, struct buf *out)
{
	unsigned byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		buf_add_c(out, (char)byte);
	return *hex == '\0';
}

static bool
prepare(const char *kind, struct str in, struct buf *out)
{
	struct jid_buf buf;
	struct str part;
	size_t n;
	char *secret;

	if (str_is(str_z(kind), "password")) {
		secret = jid_prepare_password(in, &n);
		if (secret)
			buf_add(out, secret, n);
		free(secret);
		return secret != NULL;
	}
	if (str_is(str_z(kind), "local") ? !jid_prepare_local(&part, &buf, in)
					 : !jid_prepare_resource(&part, &buf, in))
		return false;
	buf_add_str(out, part);
	return true;
}

int
main(void)
{
	char kind[16], hex[8192];

	id_init();
	while (scanf("%15s %8191s", kind, hex) == 2) {
		struct buf in = {0}, out = {0};

		if (!read_hex(hex, &in) || !prepare(kind, buf_str(&in), &out))
			putchar('-');
		for (size_t i = 0; i < buf_len(&out); i++)
			printf("%02x", (unsigned char)buf_str(&out).p[i]);
		putchar('\n');
		buf_deinit(&in);
		buf_deinit(&out);
	}
	return 0;
}

/* What the edges read besides XMPP, from any bytes. The first byte (of '0' to '3') chooses:
 *
 *   0  the names in a certificate (DER): they are read and compared without harm, and only a name that stands there is found.
 *   1  records of the DNS (SRV, TLSA): what is taken is a name of a host, and one that can be asked for again; the order is a
 *      permutation by priority.
 *   2  the packets between the edges and keyd: every decoder is total, and what it takes is written again the same.
 *   3  the server's side of a handshake of TLS, in pieces that the next byte chooses: it ends or waits, within what a handshake
 *      may read. There is no certificate, so keyd is never asked. */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "dns/srv.h"
#include "tls/dane.h"
#include "tls/keywire.h"
#include "tls/names.h"
#include "tls/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- names ---- */

#define DOMAIN "chat.example.org"

/* What says DOMAIN, without regard to case. */
static bool
says_it(const struct cert_name *name)
{
	static const char *const forms[] = {
	    DOMAIN, "*.example.org", "_xmpp-server.chat.example.org"};

	for (size_t i = 0; i < COUNT(forms); i++)
		if (name->text.n == strlen(forms[i]) &&
		    strncasecmp(name->text.p, forms[i], name->text.n) == 0)
			return true;
	/* An address of XMPP is prepared first: full width, a dot at the end. */
	return name->kind == CERT_XMPP;
}

static void
any_names(struct str in)
{
	static const char umlaut[] = "b\xc3\xbc"
				     "cher.example";
	const char *const others[] = {umlaut, "192.0.2.1", "[2001:db8::1]", "localhost"};
	struct cert_names names;
	bool said = false;

	if (cert_names_read(&names, in, NULL) < 0)
		return;
	assert(names.n <= CERT_NAMES_MAX);
	for (size_t i = 0; i < names.n; i++)
		said = said || says_it(&names.v[i]);
	if (cert_names_have(&names, S(DOMAIN)))
		assert(said);
	for (size_t i = 0; i < COUNT(others); i++)
		(void)cert_names_have(&names, str_z(others[i]));
	cert_names_deinit(&names);
}

/* ---- records ---- */

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

static void
any_records(struct str in)
{
	struct srv s;

	state = (uint32_t)in.n;
	if (srv_parse(&s, in))
		check_srv(&s);
	check_list(in);
	check_tlsa(in);
}

/* ---- packets of keyd ---- */

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

static void
any_packet(struct str in)
{
	same_request(in);
	same_answer(in);
	same_push(in);
}

/* ---- TLS ---- */

static void
any_handshake(struct str data)
{
	static struct tls_context *context;
	struct buf in = {0}, out = {0};
	struct err err = {0};
	enum tls_state now = TLS_HANDSHAKE;

	if (data.n == 0)
		return;
	if (context == NULL) {
		assert(tls_global_init(&err) == 0);
		context = tls_context_new("xmpp-client");
	}
	size_t piece = 1 + (uint8_t)data.p[0] * 8u;
	data = str_from(data, 1);
	struct tls *s = tls_new(context, S("localhost"));
	while (now == TLS_HANDSHAKE && data.n > 0) {
		size_t n = data.n < piece ? data.n : piece;
		buf_add(&in, data.p, n);
		data = str_from(data, n);
		now = tls_handshake(s, &in, &out, &err);
	}
	assert(now == TLS_HANDSHAKE || now == TLS_FAILED);
	assert(tls_read(s, &in, &out, 100, &err) == now);
	tls_bye(s, &out);
	tls_free(&s);
	buf_deinit(&in);
	buf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct str in) = {
	    any_names, any_records, any_packet, any_handshake};

	if (size > 0)
		kinds[data[0] % COUNT(kinds)](str_of(data + 1, size - 1));
	return 0;
}

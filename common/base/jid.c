/* Addresses: taken apart (RFC 7622 §3.1), each part prepared, put together again in one string. Nearly all of
 * them are ASCII, which the fast paths here decide without tables; the rest is precis.c and idna.c. */
#include "base/jid.h"

#include <stdlib.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/precis.h"

enum quick {
	QUICK_NO,
	QUICK_YES,
	QUICK_UNSURE, /* not ASCII */
};

/* What RFC 7622 §3.3.1 takes out of the identifier class. */
static bool
is_local_delimiter(char c)
{
	return c == '"' || c == '&' || c == '\'' || c == '/' || c == ':' || c == '<' || c == '>' ||
	    c == '@';
}

static enum quick
quick_local(char *dst, struct str in)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		if (c >= 0x80)
			return QUICK_UNSURE;
		if (c <= 0x20 || c == 0x7F || is_local_delimiter((char)c))
			return QUICK_NO;
		dst[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : (char)c;
	}
	return QUICK_YES;
}

static enum quick
quick_opaque(struct str in)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		if (c >= 0x80)
			return QUICK_UNSURE;
		if (c < 0x20 || c == 0x7F)
			return QUICK_NO;
	}
	return QUICK_YES;
}

static bool
has_local_delimiter(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_local_delimiter(s.p[i]))
			return true;
	return false;
}

/* The three parts: dst has room for JID_PART_MAX bytes. */
static bool
part_local(char *dst, size_t *n_r, struct str in)
{
	if (in.n == 0)
		return false;
	if (in.n <= JID_PART_MAX) {
		enum quick q = quick_local(dst, in);
		*n_r = in.n;
		if (q != QUICK_UNSURE)
			return q == QUICK_YES;
	}
	return precis_username(dst, JID_PART_MAX, n_r, in) &&
	    !has_local_delimiter(str_of(dst, *n_r));
}

static bool
part_domain(char *dst, size_t *n_r, struct str in)
{
	return precis_domain(dst, JID_PART_MAX, n_r, in);
}

static bool
part_resource(char *dst, size_t *n_r, struct str in)
{
	enum quick q = in.n > 0 ? quick_opaque(in) : QUICK_NO;
	if (q == QUICK_UNSURE)
		return precis_opaque(dst, JID_PART_MAX, n_r, in);
	if (q == QUICK_NO || in.n > JID_PART_MAX)
		return false;
	memcpy(dst, in.p, in.n);
	*n_r = in.n;
	return true;
}

bool
jid_prepare(struct jid *out_r, struct jid_buf *buf, struct str in)
{
	struct str address, rest, resource;
	size_t n = 0, len;
	bool has_resource = str_split(in, '/', &address, &resource);
	bool has_local = str_split(address, '@', &address, &rest);
	if (has_local) {
		if (!part_local(buf->text, &n, address))
			return false;
		buf->text[n++] = '@';
	}
	if (!part_domain(buf->text + n, &len, has_local ? rest : address))
		return false;
	n += len;
	if (has_resource) {
		buf->text[n++] = '/';
		if (!part_resource(buf->text + n, &len, resource))
			return false;
		n += len;
	}
	buf->text[n] = '\0';
	*out_r = jid_split(str_of(buf->text, n));
	return true;
}

static bool
prepare_part(struct str *out_r, struct jid_buf *buf, struct str in,
    bool (*part)(char *, size_t *, struct str))
{
	size_t n;
	if (!part(buf->text, &n, in))
		return false;
	buf->text[n] = '\0';
	*out_r = str_of(buf->text, n);
	return true;
}

bool
jid_prepare_local(struct str *out_r, struct jid_buf *buf, struct str in)
{
	return prepare_part(out_r, buf, in, part_local);
}

bool
jid_prepare_domain(struct str *out_r, struct jid_buf *buf, struct str in)
{
	return prepare_part(out_r, buf, in, part_domain);
}

bool
jid_prepare_resource(struct str *out_r, struct jid_buf *buf, struct str in)
{
	return prepare_part(out_r, buf, in, part_resource);
}

char *
jid_prepare_password(struct str in, size_t *len_r)
{
	size_t cap = 4 * PRECIS_MAX, n = 0;
	if (in.n == 0 || in.n > PRECIS_MAX)
		return NULL;
	char *out = mem_new(cap + 1);
	enum quick q = quick_opaque(in);
	if (q == QUICK_YES)
		memcpy(out, in.p, n = in.n);
	if (q == QUICK_NO || (q == QUICK_UNSURE && !precis_opaque(out, cap, &n, in))) {
		secret_wipe(out, cap);
		free(out);
		return NULL;
	}
	*len_r = n;
	return out;
}

struct jid
jid_split(struct str prepared)
{
	struct jid j = {.full = prepared};
	struct str rest;
	str_split(prepared, '/', &j.bare, &j.resource);
	if (str_split(j.bare, '@', &j.local, &rest)) {
		j.domain = rest;
	} else {
		j.domain = j.bare;
		j.local = (struct str){0};
	}
	return j;
}

struct jid
jid_join(struct jid_buf *buf, struct str bare, struct str resource)
{
	if (bare.n + resource.n + 1 > JID_MAX)
		bug("jid: %zu + %zu bytes", bare.n, resource.n);
	memcpy(buf->text, bare.p, bare.n);
	size_t n = bare.n;
	buf->text[n++] = '/';
	memcpy(buf->text + n, resource.p, resource.n);
	n += resource.n;
	buf->text[n] = '\0';
	return jid_split(str_of(buf->text, n));
}

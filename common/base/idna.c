/* Domainparts (RFC 7622 §3.2): DNS names as U-labels by IDNA2008, IPv4 as it is, IPv6 in brackets in the one
 * spelling of inet_ntop. Names are prepared label by label, in lower case, without the root's dot; A-labels
 * become U-labels, so that a domain has one form. No TR46: what IDNA2008 disallows stays disallowed. Before
 * the lookup upper case and full width are mapped as RFC 5895 says. */
#include "base/precis.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>

#define LABEL_MAX 63

static bool
is_ldh(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* An ASCII label in lower case that is no A-label. */
static bool
label_ascii_ok(struct str l)
{
	if (l.n == 0 || l.n > LABEL_MAX || l.p[0] == '-' || l.p[l.n - 1] == '-' ||
	    str_starts(l, S("xn--")))
		return false;
	for (size_t i = 0; i < l.n; i++)
		if (!is_ldh(l.p[i]))
			return false;
	return true;
}

static bool
has_only_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* Does the U-label ul have a lookup form, and is that form's U-label ul again? *al_r: to be freed. */
static bool
label_round_trips(const char *ul, char **al_r)
{
	char *back = NULL;
	*al_r = NULL;
	if (idn2_lookup_u8((const uint8_t *)ul, (uint8_t **)al_r, IDN2_NO_TR46) != IDN2_OK)
		return false;
	bool same = idn2_to_unicode_8z8z(*al_r, &back, 0) == IDN2_OK && strcmp(back, ul) == 0;
	idn2_free(back);
	return same;
}

/* A-labels can encode what the mapping would have changed. */
static bool
is_mapped(const char *ul)
{
	struct precis_work w;
	char again[4 * LABEL_MAX + 1];
	size_t n;
	return precis_map(&w, str_z(ul), PRECIS_LOWER_IF_FOLDED) &&
	    precis_store(&w, again, sizeof(again), &n) && str_is(str_of(again, n), ul);
}

/* z: a U-label or A-label in lower case. Writes the U-label to ul. */
static bool
label_to_unicode(char *ul, size_t cap, const char *z)
{
	bool ascii = has_only_ascii(str_z(z));
	char *decoded = NULL, *al = NULL;
	if (ascii && idn2_to_unicode_8z8z(z, &decoded, 0) != IDN2_OK)
		return false;
	const char *u = ascii ? decoded : z;
	bool ok = !has_only_ascii(str_z(u)) && label_round_trips(u, &al) &&
	    (!ascii || (strcmp(al, z) == 0 && is_mapped(u))) && str_copy(ul, cap, str_z(u));
	idn2_free(decoded);
	idn2_free(al);
	return ok;
}

static bool
label_prepare(char *dst, size_t cap, size_t *n_r, struct str label)
{
	char z[4 * LABEL_MAX + 1], ul[4 * LABEL_MAX + 1];
	if (!label_ascii_ok(label)) {
		if (!str_copy(z, sizeof(z), label) || !label_to_unicode(ul, sizeof(ul), z))
			return false;
		label = str_z(ul);
	}
	if (label.n > cap)
		return false;
	memcpy(dst, label.p, label.n);
	*n_r = label.n;
	return true;
}

static bool
labels_prepare(char *dst, size_t cap, size_t *n_r, struct str in)
{
	struct str label;
	size_t n = 0, len;
	bool more = true;
	while (more) {
		more = str_split(in, '.', &label, &in);
		if (!label_prepare(dst + n, cap - n, &len, label))
			return false;
		n += len;
		if (more && in.n == 0)
			break; /* the root's dot */
		if (more && n == cap)
			return false;
		if (more)
			dst[n++] = '.';
	}
	*n_r = n;
	return true;
}

static bool
ipv6_prepare(char *dst, size_t cap, size_t *n_r, struct str in)
{
	char z[INET6_ADDRSTRLEN], out[INET6_ADDRSTRLEN];
	struct in6_addr a;
	if (in.n < 4 || in.p[in.n - 1] != ']' ||
	    !str_copy(z, sizeof(z), str_of(in.p + 1, in.n - 2)) || memchr(in.p, '\0', in.n) ||
	    inet_pton(AF_INET6, z, &a) != 1)
		return false;
	inet_ntop(AF_INET6, &a, out, sizeof(out));
	int n = snprintf(dst, cap, "[%s]", out);
	*n_r = (size_t)n;
	return n > 0 && (size_t)n < cap;
}

/* True when `in` is ASCII: in lower case in dst. */
static bool
lower_ascii(char *dst, size_t cap, struct str in)
{
	if (in.n > cap)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		if ((unsigned char)in.p[i] >= 0x80)
			return false;
		dst[i] = in.p[i] >= 'A' && in.p[i] <= 'Z' ? (char)(in.p[i] + 32) : in.p[i];
	}
	return true;
}

/* The usual name, in place: no A-label, no root's dot. False says nothing about other names. */
static bool
is_plain_name(struct str name)
{
	struct str label;
	bool more = true;
	while (more) {
		more = str_split(name, '.', &label, &name);
		if (!label_ascii_ok(label))
			return false;
	}
	return true;
}

/* Apart from precis_domain because its big frame would be cleared for plain names too. */
static __attribute__((noinline)) bool
name_prepare(char *dst, size_t cap, size_t *n_r, struct str in)
{
	char mapped[PRECIS_MAX];
	struct precis_work w;
	size_t n = in.n;
	if (!lower_ascii(mapped, sizeof(mapped), in) &&
	    !(precis_map(&w, in, PRECIS_LOWER_IF_FOLDED) &&
		precis_store(&w, mapped, sizeof(mapped), &n)))
		return false;
	return labels_prepare(dst, cap, n_r, str_of(mapped, n));
}

bool
precis_domain(char *dst, size_t cap, size_t *n_r, struct str in)
{
	if (in.n == 0 || in.n > PRECIS_MAX || memchr(in.p, '\0', in.n))
		return false;
	if (in.p[0] == '[')
		return ipv6_prepare(dst, cap, n_r, in);
	if (lower_ascii(dst, cap, in) && is_plain_name(str_of(dst, in.n))) {
		*n_r = in.n;
		return true;
	}
	return name_prepare(dst, cap, n_r, in);
}

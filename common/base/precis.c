/* The two PRECIS profiles that XMPP uses, by libunistring: UsernameCaseMapped for localparts and OpaqueString
 * for resources and passwords. Rules of a profile in the order of RFC 8264 §7: width, additional mapping,
 * case, normalisation, direction; then the class decides about each code point. */
#include "base/precis.h"

#include <stdlib.h>
#include <unicase.h>
#include <uniconv.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/id.h"

/* Mapping is a fixed point after one round for all assigned characters known; more rounds are a guard. */
#define PRECIS_ROUNDS 4

static bool
precis_load(struct precis_work *w, struct str in)
{
	size_t n = PRECIS_MAX;
	if (in.n == 0 || in.n > PRECIS_MAX || !str_is_utf8(in))
		return false;
	uint32_t *p = u8_to_u32((const uint8_t *)in.p, in.n, w->cp, &n);
	if (p && p != w->cp)
		free(p);
	w->n = n;
	return p == w->cp;
}

bool
precis_store(const struct precis_work *w, char *dst, size_t cap, size_t *n_r)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++) {
		uint8_t utf8[6];
		int len = u8_uctomb(utf8, w->cp[i], sizeof(utf8));
		if (len < 0 || (size_t)len > cap - n)
			return false;
		memcpy(dst + n, utf8, (size_t)len);
		n += (size_t)len;
	}
	*n_r = n;
	return n > 0;
}

static bool
precis_nfc(struct precis_work *w)
{
	struct precis_work out;
	size_t n = PRECIS_MAX;
	uint32_t *p = u32_normalize(UNINORM_NFC, w->cp, w->n, out.cp, &n);
	if (p == out.cp) {
		memcpy(w->cp, p, n * sizeof(*p));
		w->n = n;
	} else {
		free(p);
	}
	secret_wipe(&out, sizeof(out));
	return p == out.cp;
}

static uint32_t
precis_map_width(uint32_t c)
{
	ucs4_t to[UC_DECOMPOSITION_MAX_LENGTH];
	int tag;
	int n = uc_decomposition(c, &tag, to);
	return n == 1 && (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW) ? to[0] : c;
}

/* Lower case of each code point by itself: RFC 7622 §3.5 keeps final sigma apart, so its context rule is
 * left out. U+0130 is the one character whose full lower case has two code points. */
static bool
precis_map_chars(struct precis_work *w, enum precis_case which)
{
	struct precis_work in = *w;
	w->n = 0;
	for (size_t i = 0; i < in.n; i++) {
		uint32_t c = precis_map_width(in.cp[i]);
		if (w->n + 2 > PRECIS_MAX)
			return false;
		if (c == 0x130) {
			w->cp[w->n++] = 'i';
			w->cp[w->n++] = 0x307;
		} else if (which == PRECIS_LOWER || uc_is_property_changes_when_casefolded(c)) {
			w->cp[w->n++] = uc_tolower(c);
		} else {
			w->cp[w->n++] = c;
		}
	}
	return true;
}

bool
precis_map(struct precis_work *w, struct str in, enum precis_case which)
{
	struct precis_work before;
	if (!precis_load(w, in))
		return false;
	for (int i = 0; i < PRECIS_ROUNDS; i++) {
		before.n = w->n;
		memcpy(before.cp, w->cp, w->n * sizeof(w->cp[0]));
		if (!precis_map_chars(w, which) || !precis_nfc(w))
			return false;
		if (w->n == before.n && memcmp(w->cp, before.cp, w->n * sizeof(w->cp[0])) == 0)
			return true;
	}
	return false;
}

bool
precis_username(char *dst, size_t cap, size_t *n_r, struct str in)
{
	struct precis_work w;
	return precis_map(&w, in, PRECIS_LOWER) && precis_bidi_ok(&w) &&
	    precis_in_class(&w, PRECIS_IDENTIFIER) && precis_store(&w, dst, cap, n_r);
}

static void
precis_map_spaces(struct precis_work *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (uc_is_general_category(w->cp[i], UC_SPACE_SEPARATOR))
			w->cp[i] = ' ';
}

bool
precis_opaque(char *dst, size_t cap, size_t *n_r, struct str in)
{
	struct precis_work w;
	bool ok = precis_load(&w, in);
	if (ok) {
		precis_map_spaces(&w);
		ok = precis_nfc(&w) && precis_in_class(&w, PRECIS_FREEFORM) &&
		    precis_store(&w, dst, cap, n_r);
	}
	secret_wipe(&w, sizeof(w));
	return ok;
}

/* Which code points a PRECIS string class allows (RFC 8264 §8, §9; contextual rules: RFC 5892 appendix A)
 * and the bidi rule. The order of the tests in class_of is the RFC's and matters. */
#include "base/precis.h"

#include <stdlib.h>
#include <unictype.h>
#include <uninorm.h>

#include "base/mem.h"

enum verdict {
	DISALLOWED,
	VALID,
	FREEFORM_ONLY,
	CONTEXT_J,
	CONTEXT_O,
};

static const struct {
	uint32_t first, last;
	enum verdict verdict;
} exceptions[] = {
    {0x00B7, 0x00B7, CONTEXT_O},
    {0x00DF, 0x00DF, VALID},
    {0x0375, 0x0375, CONTEXT_O},
    {0x03C2, 0x03C2, VALID},
    {0x05F3, 0x05F4, CONTEXT_O},
    {0x0640, 0x0640, DISALLOWED},
    {0x0660, 0x0669, CONTEXT_O},
    {0x06F0, 0x06F9, CONTEXT_O},
    {0x06FD, 0x06FE, VALID},
    {0x07FA, 0x07FA, DISALLOWED},
    {0x0F0B, 0x0F0B, VALID},
    {0x302E, 0x302F, DISALLOWED},
    {0x3007, 0x3007, VALID},
    {0x3031, 0x3035, DISALLOWED},
    {0x303B, 0x303B, DISALLOWED},
    {0x30FB, 0x30FB, CONTEXT_O},
};

static bool
is_old_hangul_jamo(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x11FF) || (c >= 0xA960 && c <= 0xA97C) ||
	    (c >= 0xD7B0 && c <= 0xD7FB);
}

static bool
has_compat(uint32_t c)
{
	uint32_t to[32];
	size_t n = COUNT(to);
	uint32_t *p = u32_normalize(UNINORM_NFKC, &c, 1, to, &n);
	bool same = p && n == 1 && p[0] == c;
	if (p != to)
		free(p);
	return !same;
}

static bool
is_letter_or_digit(uint32_t c)
{
	return uc_is_general_category_withtable(c,
	    UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Lo | UC_CATEGORY_MASK_Nd |
		UC_CATEGORY_MASK_Lm | UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Mc);
}

static bool
is_free_form(uint32_t c)
{
	return uc_is_general_category_withtable(c,
	    UC_CATEGORY_MASK_Lt | UC_CATEGORY_MASK_Nl | UC_CATEGORY_MASK_No | UC_CATEGORY_MASK_Me |
		UC_CATEGORY_MASK_Zs | UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_P);
}

static enum verdict
class_of(uint32_t c)
{
	for (size_t i = 0; i < COUNT(exceptions); i++)
		if (c >= exceptions[i].first && c <= exceptions[i].last)
			return exceptions[i].verdict;
	if (uc_is_general_category(c, UC_UNASSIGNED))
		return DISALLOWED;
	if (c >= 0x21 && c <= 0x7E)
		return VALID;
	if (c == 0x200C || c == 0x200D)
		return CONTEXT_J;
	if (is_old_hangul_jamo(c) || uc_is_property_default_ignorable_code_point(c) ||
	    uc_is_property_not_a_character(c) || uc_is_general_category(c, UC_CONTROL))
		return DISALLOWED;
	if (has_compat(c))
		return FREEFORM_ONLY;
	if (is_letter_or_digit(c))
		return VALID;
	return is_free_form(c) ? FREEFORM_ONLY : DISALLOWED;
}

static bool
is_script(uint32_t c, const char *name)
{
	const uc_script_t *s = uc_script(c);
	return s && strcmp(s->name, name) == 0;
}

/* RFC 5892 A.1: a letter that joins to the right before the character at i, one that joins to the left
 * behind it, transparent ones between. */
static bool
is_between_joining(const struct precis_work *w, size_t i)
{
	size_t a = i, b = i + 1;
	while (a > 0 && uc_joining_type(w->cp[a - 1]) == UC_JOINING_TYPE_T)
		a--;
	while (b < w->n && uc_joining_type(w->cp[b]) == UC_JOINING_TYPE_T)
		b++;
	if (a == 0 || b == w->n)
		return false;
	int before = uc_joining_type(w->cp[a - 1]), after = uc_joining_type(w->cp[b]);
	return (before == UC_JOINING_TYPE_L || before == UC_JOINING_TYPE_D) &&
	    (after == UC_JOINING_TYPE_R || after == UC_JOINING_TYPE_D);
}

static bool
context_j_ok(const struct precis_work *w, size_t i)
{
	if (i > 0 && uc_combining_class(w->cp[i - 1]) == UC_CCC_VR)
		return true;
	return w->cp[i] == 0x200C && is_between_joining(w, i);
}

static bool
has_between(const struct precis_work *w, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->cp[i] >= first && w->cp[i] <= last)
			return true;
	return false;
}

static bool
has_japanese(const struct precis_work *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (is_script(w->cp[i], "Hiragana") || is_script(w->cp[i], "Katakana") ||
		    is_script(w->cp[i], "Han"))
			return true;
	return false;
}

/* RFC 5892 A.3 to A.9. */
static bool
context_o_ok(const struct precis_work *w, size_t i)
{
	uint32_t c = w->cp[i];
	if (c == 0x00B7)
		return i > 0 && i + 1 < w->n && w->cp[i - 1] == 'l' && w->cp[i + 1] == 'l';
	if (c == 0x0375)
		return i + 1 < w->n && is_script(w->cp[i + 1], "Greek");
	if (c == 0x05F3 || c == 0x05F4)
		return i > 0 && is_script(w->cp[i - 1], "Hebrew");
	if (c == 0x30FB)
		return has_japanese(w);
	if (c >= 0x0660 && c <= 0x0669)
		return !has_between(w, 0x06F0, 0x06F9);
	return !has_between(w, 0x0660, 0x0669);
}

bool
precis_in_class(const struct precis_work *w, enum precis_class which)
{
	for (size_t i = 0; i < w->n; i++) {
		enum verdict v = class_of(w->cp[i]);
		if (v == DISALLOWED || (v == FREEFORM_ONLY && which == PRECIS_IDENTIFIER))
			return false;
		if ((v == CONTEXT_J && !context_j_ok(w, i)) ||
		    (v == CONTEXT_O && !context_o_ok(w, i)))
			return false;
	}
	return true;
}

#define BIDI(type) (1u << UC_BIDI_##type)
#define BIDI_RTL (BIDI(R) | BIDI(AL) | BIDI(AN))
#define BIDI_ANYWHERE (BIDI(EN) | BIDI(ES) | BIDI(CS) | BIDI(ET) | BIDI(ON) | BIDI(BN) | BIDI(NSM))

static bool
bidi_all_in(const struct precis_work *w, unsigned allowed, unsigned *seen_r)
{
	unsigned seen = 0;
	for (size_t i = 0; i < w->n; i++)
		seen |= 1u << uc_bidi_category(w->cp[i]);
	*seen_r = seen;
	return (seen & ~allowed) == 0;
}

/* RFC 5893 §2, rules 1 to 6: the first character fixes the direction. */
bool
precis_bidi_ok(const struct precis_work *w)
{
	unsigned seen;
	bidi_all_in(w, 0, &seen);
	if (!(seen & BIDI_RTL))
		return true;
	size_t last = w->n;
	while (last > 1 && uc_bidi_category(w->cp[last - 1]) == UC_BIDI_NSM)
		last--;
	unsigned begins = 1u << uc_bidi_category(w->cp[0]),
		 ends = 1u << uc_bidi_category(w->cp[last - 1]);
	if (begins & (BIDI(R) | BIDI(AL)))
		return bidi_all_in(w, BIDI_RTL | BIDI_ANYWHERE, &seen) &&
		    (ends & (BIDI_RTL | BIDI(EN))) && !((seen & BIDI(EN)) && (seen & BIDI(AN)));
	return (begins & BIDI(L)) && bidi_all_in(w, BIDI(L) | BIDI_ANYWHERE, &seen) &&
	    (ends & (BIDI(L) | BIDI(EN)));
}

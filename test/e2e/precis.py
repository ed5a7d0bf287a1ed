"""PRECIS written again from the RFCs, slowly, with Python's tables: the reference that common/base/precis.c is compared with. Only for
characters that Unicode 3.2 had already, so that both sides' versions of Unicode agree on them."""

import unicodedata as ud

OLD = ud.ucd_3_2_0
PVALID, CONTEXTJ, CONTEXTO, DISALLOWED, FREE = "PVALID", "CONTEXTJ", "CONTEXTO", "DISALLOWED", "FREE_PVAL"

# RFC 5892 §2.6
EXCEPTIONS = {
    **dict.fromkeys((0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007), PVALID),
    **dict.fromkeys((0xB7, 0x375, 0x5F3, 0x5F4, 0x30FB, *range(0x660, 0x66A), *range(0x6F0, 0x6FA)), CONTEXTO),
    **dict.fromkeys((0x640, 0x7FA, 0x302E, 0x302F, *range(0x3031, 0x3036), 0x303B), DISALLOWED),
}
# DerivedCoreProperties: Default_Ignorable_Code_Point, as far as Unicode 3.2 has them
IGNORABLE = {0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x180F), *range(0x200B, 0x2010), *range(0x202A, 0x202F),
             *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0, *range(0xFFF0, 0xFFF9),
             *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)}


def is_known(c):
    return OLD.category(c) != "Cn"


def derived(c):
    """RFC 8264 §8."""
    cp, category = ord(c), ud.category(c)
    if cp in EXCEPTIONS:
        return EXCEPTIONS[cp]
    if 0x21 <= cp <= 0x7E:
        return PVALID
    if cp in (0x200C, 0x200D):
        return CONTEXTJ
    if 0x1100 <= cp <= 0x11FF or 0xA960 <= cp <= 0xA97F or 0xD7B0 <= cp <= 0xD7FF:
        return DISALLOWED
    if cp in IGNORABLE or cp & 0xFFFE == 0xFFFE or 0xFDD0 <= cp <= 0xFDEF or category == "Cc":
        return DISALLOWED
    if ud.normalize("NFKC", c) != c:
        return FREE
    if category in ("Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"):
        return PVALID
    return FREE if category in ("Lt", "Nl", "No", "Me", "Zs", "Sm", "Sc", "Sk", "So") or category[0] == "P" else DISALLOWED


# ---- contextual rules, RFC 5892 appendix A ----

HAN = "\u3005\u3007" + "".join(map(chr, (*range(0x3021, 0x302A), *range(0x3038, 0x303C))))
KANA = "".join(map(chr, (*range(0x3300, 0x3358), *range(0x2E80, 0x2FD6))))  # SQUARE …, and radicals


def script(c):
    return ud.name(c, "").split(" ")[0]


def joins(text, i):
    """A.1, without the regular expression: only a virama before it counts for this reference."""
    return i > 0 and ud.combining(text[i - 1]) == 9


def context_ok(text, i):
    c, before, after = text[i], text[i - 1:i] if i else "", text[i + 1:i + 2]
    if c in "\u200c\u200d":
        return joins(text, i)
    if c == "\u00b7":
        return before == after == "l"
    if c == "\u0375":
        return bool(after) and script(after) == "GREEK"
    if c in "\u05f3\u05f4":
        return bool(before) and script(before) == "HEBREW"
    if c == "\u30fb":
        return any({"HIRAGANA", "KATAKANA", "CJK"} & set(ud.name(x, "").split(" ")) or x in HAN + KANA for x in text if x != c)
    if "\u0660" <= c <= "\u0669":
        return not any("\u06f0" <= x <= "\u06f9" for x in text)
    return not any("\u0660" <= x <= "\u0669" for x in text)


def in_class(text, allowed):
    return all(derived(c) in allowed or derived(c) in (CONTEXTJ, CONTEXTO) and context_ok(text, i) for i, c in enumerate(text))


# ---- direction, RFC 5893 §2 ----

def direction_ok(text):
    kinds = [ud.bidirectional(c) for c in text]
    if not any(k in ("R", "AL", "AN") for k in kinds):
        return True
    body = [k for k in kinds]
    while body and body[-1] == "NSM":
        body.pop()
    if kinds[0] in ("R", "AL"):
        return (all(k in ("R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM") for k in kinds)
                and bool(body) and body[-1] in ("R", "AL", "EN", "AN") and not ("EN" in kinds and "AN" in kinds))
    return (kinds[0] == "L" and all(k in ("L", "EN", "ES", "CS", "ET", "ON", "BN", "NSM") for k in kinds)
            and bool(body) and body[-1] in ("L", "EN"))


# ---- profiles ----

def width(c):
    kind, *mapped = ud.decomposition(c).split() or [""]
    return "".join(chr(int(m, 16)) for m in mapped) if kind in ("<wide>", "<narrow>") else c


def lower(text):
    """Character by character: a final sigma stays what it would be elsewhere, or a name would depend on what stands behind it."""
    return "".join(c.lower() for c in text)


def username(text):
    """UsernameCaseMapped (RFC 8265 §3.3) and what RFC 7622 §3.3.1 leaves out; None: refused."""
    for _ in range(4):
        mapped = ud.normalize("NFC", lower("".join(map(width, text))))
        if mapped == text:
            break
        text = mapped
    if not text or not direction_ok(text) or not in_class(text, (PVALID,)) or any(c in "\"&'/:<>@" for c in text):
        return None
    return text if len(text.encode()) <= 1023 else None


def opaque(text):
    """OpaqueString (RFC 8265 §4.2)."""
    text = ud.normalize("NFC", "".join(" " if ud.category(c) == "Zs" else c for c in text))
    if not text or not in_class(text, (PVALID, FREE)):
        return None
    return text if len(text.encode()) <= 1023 else None

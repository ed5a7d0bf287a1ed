"""RFC 7622 addresses against a slow reference (precis.py): every character by itself, and random strings; and the RFCs' examples."""

import os
import random
import subprocess

import pytest

from precis import is_known, opaque, username
from suite import BUILD

SEED = int(os.environ.get("PRECIS_SEED") or 7622)  # another one draws other strings


def prepared(kind, texts):
    """What the C code makes of each; None: refused."""
    lines = "".join(f"{kind} {t.encode().hex()}\n" for t in texts)
    done = subprocess.run([str(BUILD / "test" / "tool" / "prepare")], input=lines, capture_output=True, text=True, check=True, timeout=120)
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == len(texts)
    return [None if a == "-" else bytes.fromhex(a).decode() for a in answers]


def compare(kind, reference, texts):
    wrong = [(t, got, reference(t)) for t, got in zip(texts, prepared(kind, texts)) if got != reference(t)]
    shown = [f"{ascii(t)}: {ascii(got)}, by the reference {ascii(want)}" for t, got, want in wrong[:20]]
    assert not wrong, f"{len(wrong)} differ (PRECIS_SEED={SEED}):\n" + "\n".join(shown)


KNOWN = [chr(cp) for cp in range(0x21, 0x30000) if not 0xD800 <= cp <= 0xDFFF and is_known(chr(cp)) and not 0xE000 <= cp <= 0xF8FF]


def test_each_character_in_a_localpart():
    compare("local", username, [f"a{c}b" for c in KNOWN])


def test_each_character_in_a_resource():
    compare("resource", opaque, [f"a{c}b" for c in KNOWN])


def strings(n):
    """Mostly from one or two blocks, as people write; some from anywhere."""
    dice = random.Random(SEED)
    interesting = "aBzß ſ.\u00b7l\u0375\u05f3\u05d0\u0627\u0661\u06f1\u0300\u0301\u094d\u200d\u30fb\u30a2\uff21\uff71\u1e9e\u0130"
    for _ in range(n):
        start = dice.randrange(len(KNOWN))
        block = KNOWN[start:start + 60]
        yield "".join(dice.choice(dice.choice((block, interesting, KNOWN))) for _ in range(dice.randrange(1, 9)))


@pytest.mark.parametrize("kind,reference", [("local", username), ("resource", opaque)])
def test_random_strings(kind, reference):
    compare(kind, reference, list(strings(20000)))


@pytest.mark.parametrize("kind,reference", [("local", username), ("resource", opaque), ("password", opaque)])
def test_twice_is_once(kind, reference):
    once = [t for t in prepared(kind, list(strings(5000))) if t is not None]
    assert prepared(kind, once) == once


# RFC 8265 §3.5 and §4.3, RFC 7622 §3.5
USERNAMES = [("juliet@example.com", None), ("fussball", "fussball"), ("fußball", "fußball"), ("π", "π"), ("Σ", "σ"), ("ς", "ς"),
             ("foo bar", None), ("henry\u2163", None), ("∞", None), ("\u265a", None), ("", None), ("juliet", "juliet"),
             ("foo\\20bar", "foo\\20bar"), ('"juliet"', None), ("king♚", None)]
PASSWORDS = [("correct horse battery staple", "correct horse battery staple"), ("Correct Horse Battery Staple", "Correct Horse Battery Staple"),
             ("πßå", "πßå"), ("Jack of \u2666s", "Jack of \u2666s"), ("foo\u1680bar", "foo bar"), ("", None), ("my cat is a \u0009by", None)]


def test_examples_of_usernames():
    texts = [t for t, _ in USERNAMES if t]
    assert prepared("local", texts) == [want for t, want in USERNAMES if t]


@pytest.mark.parametrize("kind", ["password", "resource"])
def test_examples_of_passwords(kind):
    texts = [t for t, _ in PASSWORDS if t]
    assert prepared(kind, texts) == [want for t, want in PASSWORDS if t]

"""The traps of XML (SECURITY.md §1.3) over the wire, before and after authentication: what RFC 6120 §11 forbids, what libxml2 would
let through, what it would keep for ever (INV-1, INV-2, INV-4). Whatever somebody sends, others chat on, and c2sd is as big as before."""

import os
import time

import pytest

from suite import PATIENCE, SANITIZED, Suite
from wire import ASKED, AUTHENTICATED, CLEAR, CLIENT, LIMITS, SASL, SECURE, SESSION, Ended, Wire, header

# The sanitizers keep freed memory and take their time.
MEASURED = not SANITIZED

HEADERS = pytest.mark.parametrize("stage", [CLEAR, SECURE, AUTHENTICATED])
CONTENT = pytest.mark.parametrize("stage", [CLEAR, SECURE, SESSION])

pytestmark = pytest.mark.usefixtures("nobody_else_notices")


@pytest.fixture(scope="module")
def suite():
    # Without an archive, which puts its stanza-id into what it delivers: here payloads are compared to the byte.
    with Suite(settings={"sessiond": 'archive = "off"\n'}) as s:
        s.add_users("alice", "bob", "carol")
        yield s


def memory(suite):
    """Resident bytes of c2sd."""
    with open(f"/proc/{suite.pid('c2sd')}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def cpu(suite):
    """Seconds that c2sd has worked."""
    with open(f"/proc/{suite.pid('c2sd')}/stat", encoding="ascii") as stat:
        return sum(int(n) for n in stat.read().rsplit(")", 1)[1].split()[11:13]) / 100


# ---- in front of the header ----

DTD = "<!DOCTYPE stream [<!ENTITY a 'x'>]>"
LAUGHS = "<!DOCTYPE s [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"
BARE = header(declaration="")
RESTRICTED, MALFORMED, ENCODING = "restricted-xml", "not-well-formed", "unsupported-encoding"

BEFORE_HEADER = {
    "inv_01 DTD": (DTD + BARE, RESTRICTED),
    "inv_01 DTD behind the declaration": ("<?xml version='1.0'?>" + DTD + BARE, RESTRICTED),
    "inv_01 DTD in a file": ("<!DOCTYPE stream SYSTEM 'file:///etc/passwd'>" + BARE, RESTRICTED),
    "inv_01 DTD in the net": ("<!DOCTYPE stream PUBLIC 'a' 'http://127.0.0.1:9/'>" + BARE, RESTRICTED),
    "inv_01 parameter entity": ("<!DOCTYPE s [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>" + BARE, RESTRICTED),
    "inv_01 billion laughs": (LAUGHS + BARE.replace("localhost", "&a9;"), RESTRICTED),
    "inv_01 comment": ("<!-- x -->" + BARE, RESTRICTED),
    "inv_01 comment behind the declaration": ("<?xml version='1.0'?><!-- x -->" + BARE, RESTRICTED),
    "inv_01 instruction": ("<?x y?>" + BARE, RESTRICTED),
    "inv_01 stylesheet": ("<?xml version='1.0'?><?xml-stylesheet href='x'?>" + BARE, RESTRICTED),
    "inv_01 entity in the header": (header("&host;"), f"{RESTRICTED} {MALFORMED}"),
    "inv_04 ISO-8859-1": (header(declaration="<?xml version='1.0' encoding='ISO-8859-1'?>"), ENCODING),
    "inv_04 UTF-7": (header(declaration="<?xml version='1.0' encoding='UTF-7'?>"), ENCODING),
    "inv_04 UTF-16 that is none": (header(declaration="<?xml version='1.0' encoding='UTF-16'?>"), ENCODING),
    "inv_04 US-ASCII": (header(declaration="<?xml version='1.0' encoding='US-ASCII'?>"), ENCODING),
    "inv_04 UTF-16 with its mark": (header().encode("utf-16"), f"{ENCODING} {MALFORMED}"),
    "inv_04 UTF-16 without": (header().encode("utf-16-le"), f"{ENCODING} {MALFORMED}"),
    "inv_04 UTF-16 the other way": (b"\xfe\xff" + header().encode("utf-16-be"), f"{ENCODING} {MALFORMED}"),
    "inv_04 UTF-32": (header().encode("utf-32"), f"{ENCODING} {MALFORMED}"),
    "inv_04 a mark in UTF-8": (b"\xef\xbb\xbf" + header().encode(), f"{ENCODING} {MALFORMED}"),
    "inv_04 version 1.1": (header(declaration="<?xml version='1.1'?>"), f"{MALFORMED} unsupported-version"),
    "inv_04 version 2.0": (header(declaration="<?xml version='2.0'?>"), f"{MALFORMED} unsupported-version"),
    "inv_04 two declarations": ("<?xml version='1.0'?>" + header(), f"{MALFORMED} {RESTRICTED}"),
    "inv_04 no prefix behind the colon": (BARE.replace("xmlns:stream=", "xmlns:p='' xmlns:stream="), MALFORMED),
    "inv_04 xml is bound already": (BARE.replace("xmlns:stream=", "xmlns:xml='urn:x' xmlns:stream="),
                                    MALFORMED),
    "inv_04 an attribute with two colons": (BARE.replace(" to=", " a:b:c='' to="), MALFORMED),
    "inv_04 an unbound attribute": (BARE.replace(" to=", " a:b='' to="), MALFORMED),
    "inv_04 invalid UTF-8": (BARE.encode().replace(b"localhost", b"local\xffhost"), f"{MALFORMED} {ENCODING}"),
    "inv_02 an endless declaration": ("<?xml " + " " * 20000, f"{MALFORMED} policy-violation"),
    "inv_02 an endless header": ("<stream:stream " + " " * 20000, "policy-violation"),
    "inv_02 an endless name": ("<" + "x" * 20000, f"policy-violation {MALFORMED}"),
    "inv_02 an endless attribute": ("<stream:stream to='" + "x" * 20000, "policy-violation"),
    "inv_02 many attributes": (BARE.replace(" to=", "".join(f" a{n}=''" for n in range(200)) + " to="), "policy-violation"),
    "inv_02 many namespaces": (BARE.replace(" to=", "".join(f" xmlns:a{n}='urn:{n}'" for n in range(200)) + " to="), "policy-violation"),
}


@HEADERS
@pytest.mark.parametrize("name", BEFORE_HEADER)
def test_inv_01_02_04_before_the_header(suite, name, stage):
    data, errors = BEFORE_HEADER[name]
    if stage == AUTHENTICATED and name.startswith("inv_02 an endless"):
        data += "x" * 300000
    with Wire.before_header(suite, stage) as wire:
        wire.send_all_it_takes(data)
        assert wire.ending() in errors.split()


@HEADERS
@pytest.mark.parametrize("name", ["inv_01 DTD", "inv_01 comment behind the declaration", "inv_04 UTF-7", "inv_04 UTF-16 with its mark"])
def test_inv_01_04_before_the_header_in_drops(suite, name, stage):
    data, errors = BEFORE_HEADER[name]
    with Wire.before_header(suite, stage) as wire:
        wire.drip(data)
        assert wire.ending() in errors.split()


# ---- in a stream: M is a stanza of the stage ----

STANZA = {
    CLEAR: "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'ATTRIBUTES>CONTENT</starttls>",
    SECURE: f"<auth xmlns='{SASL}' mechanism='NONE'ATTRIBUTES>CONTENT</auth>",
    SESSION: "<message to='nobody@localhost' type='headline'ATTRIBUTES>CONTENT</message>",
}


def stanza(stage, content="", attributes=""):
    return STANZA[stage].replace("ATTRIBUTES", " " + attributes).replace("CONTENT", content)


PREFIX = "not-well-formed"  # RFC 6120 §11.3
IN_CONTENT = {
    "inv_01 entity": ("&foo;", f"{RESTRICTED} {MALFORMED}"),
    "inv_01 entity of HTML": ("&nbsp;", f"{RESTRICTED} {MALFORMED}"),
    "inv_01 entity in an attribute": ("<x a='&foo;'/>", f"{RESTRICTED} {MALFORMED}"),
    "inv_01 entity in a namespace": ("<x xmlns='&foo;'/>", f"{RESTRICTED} {MALFORMED}"),
    "inv_01 comment": ("a<!-- x -->b", RESTRICTED),
    "inv_01 instruction": ("<?x y?>", RESTRICTED),
    "inv_01 declaration": ("<?xml version='1.0'?>", f"{RESTRICTED} {MALFORMED}"),
    "inv_01 DTD": ("<!DOCTYPE x>", f"{RESTRICTED} {MALFORMED}"),
    "inv_04 an unbound prefix": ("<p:x/>", PREFIX),
    "inv_04 a prefix bound beside": ("<x xmlns:p='urn:p'/><p:x/>", PREFIX),
    "inv_04 an unbound attribute": ("<x p:a=''/>", PREFIX),
    "inv_04 a prefix without namespace": ("<x xmlns:p=''/>", PREFIX),
    "inv_04 two colons": ("<a:b:c/>", PREFIX),
    "inv_04 two colons, bound": ("<stream:b:c/>", PREFIX),
    "inv_04 an attribute with two colons": ("<x a:b:c=''/>", PREFIX),
    "inv_04 a colon in front": ("<:x/>", PREFIX),
    "inv_04 a colon behind": ("<x:/>", PREFIX),
    "inv_04 xml bound elsewhere": ("<x xmlns:xml='urn:x'/>", PREFIX),
    "inv_04 xml's namespace": ("<x xmlns:p='http://www.w3.org/XML/1998/namespace'/>", PREFIX),
    "inv_04 xmlns as prefix": ("<x xmlns:xmlns='urn:x'/>", PREFIX),
    "inv_04 an element of xml": ("<xml:x/>", PREFIX),
    "inv_04 the same attribute by two prefixes": ("<x xmlns:a='urn:a' xmlns:b='urn:a' a:c='' b:c=''/>", PREFIX),
    "inv_04 an attribute twice": ("<x a='' a=''/>", MALFORMED),
    "inv_04 an attribute without value": ("<x a/>", MALFORMED),
    "inv_04 an attribute without quotes": ("<x a=b/>", MALFORMED),
    "inv_04 < in an attribute": ("<x a='<'/>", MALFORMED),
    "inv_04 a naked &": ("a & b", MALFORMED),
    "inv_04 ]]>": ("a ]]> b", MALFORMED),
    "inv_04 &#0;": ("&#0;", MALFORMED),
    "inv_04 &#8;": ("&#8;", MALFORMED),
    "inv_04 &#xD800;": ("&#xD800;", MALFORMED),
    "inv_04 &#xFFFE;": ("&#xFFFE;", MALFORMED),
    "inv_04 &#x110000;": ("&#x110000;", MALFORMED),
    "inv_04 &#4294967361;": ("&#4294967361;", MALFORMED),  # 65 in 32 bits
    "inv_04 a null byte": (b"\0", MALFORMED),
    "inv_04 a control character": (b"\x08", MALFORMED),
    "inv_04 overlong <": (b"\xc0\xbc", MALFORMED),
    "inv_04 half a surrogate": (b"\xed\xa0\x80", MALFORMED),
    "inv_04 a surrogate pair": (b"\xed\xa0\x80\xed\xb0\x80", MALFORMED),
    "inv_04 over U+10FFFF": (b"\xf4\x90\x80\x80", MALFORMED),
    "inv_04 U+FFFE": (b"\xef\xbf\xbe", MALFORMED),
    "inv_04 Latin-1": (b"\xfc", MALFORMED),
    "inv_04 half a character": (b"\xe2\x82<x/>", MALFORMED),
    "inv_04 the wrong end tag": ("<a><b></a></b>", MALFORMED),
    "inv_04 an end too many": ("</x>", MALFORMED),
}


def as_bytes(data):
    return data if isinstance(data, bytes) else data.encode()


@CONTENT
@pytest.mark.parametrize("name", IN_CONTENT)
def test_inv_01_04_in_a_stream(suite, name, stage):
    data, errors = IN_CONTENT[name]
    with Wire.at(suite, stage) as wire:
        wire.send(stanza(stage, "CONTENT").encode().replace(b"CONTENT", as_bytes(data)))
        assert wire.ending() in errors.split()


@CONTENT
@pytest.mark.parametrize("name", ["inv_01 entity", "inv_01 comment", "inv_01 instruction", "inv_01 DTD"])
def test_inv_01_between_elements(suite, name, stage):
    data, errors = IN_CONTENT[name]
    with Wire.at(suite, stage) as wire:
        wire.send(data.removeprefix("a"))
        assert wire.ending() in errors.split() + [MALFORMED, "bad-format"]


@pytest.mark.parametrize("data", ["+ADw-x/+AD4-", "<![CDATA[<x/>]]>", "&lt;x/&gt;", "&#60;x/&#62;", "&#x3c;x/&#x3E;"])
def test_inv_04_what_is_no_markup_stays_text(suite, witnesses, data):
    with Wire.at(suite, SESSION) as wire:
        wire.send(f"<message to='{witnesses.one.jid}'><body>{data}</body></message>")
    message = witnesses.one.element()
    body = message.find(f"{{{CLIENT}}}body")
    assert len(message) == 1 and len(body) == 0
    assert body.text == (data if data[0] == "+" else "<x/>")


# ---- budgets (INV-2) ----

# stage: (bytes, elements, depth, attributes), SECURITY.md §4.3
BUDGETS = {CLEAR: (10240, 32, 8, 32), SECURE: (10240, 32, 8, 32), SESSION: (262144, 4096, 64, 128)}


# Where libxml2 has a limit of its own, which is lower for a session.
OWN_LIMITS = ("a name", "the name of an attribute", "an end tag")


def over_budget(stage):
    """Names → one element that passes one budget and ends nowhere."""
    size, elements, depth, attributes = BUDGETS[stage]
    begin, end = stanza(stage, "CONTENT").split("CONTENT")
    return {
        "text": begin + "x" * size,
        "white space": begin + " " * size,
        "CDATA": begin + "<![CDATA[" + "x" * size,
        "a name": begin + "<" + "x" * size,
        "an attribute": begin + "<x a='" + "x" * size,
        "the name of an attribute": begin + "<x " + "x" * size,
        "white space in a tag": begin + "<x" + " " * size,
        "an end tag": begin + "<x></x" + " " * size,
        "references": begin + "&#32;" * (size // 5),
        "empty elements": begin + "<x/>" * (elements + 1),
        "elements side by side": begin + "<x>y</x>" * (elements + 1),
        "depth": begin + "<x>" * (depth + 1),
        "attributes": begin + "<x" + "".join(f" a{n}=''" for n in range(attributes + 1)) + "/>",
        "namespaces": begin + "<x" + "".join(f" xmlns:a{n}='u'" for n in range(attributes + 1)) + "/>",
        "an element of its own": f"<x xmlns='urn:x'>{'x' * size}",
        "the whole": begin + "x" * (size - 10) + end,
    }


@CONTENT
@pytest.mark.parametrize("name", over_budget(CLEAR))
def test_inv_02_a_budget_is_kept_while_it_is_passed(suite, name, stage):
    """No end of the element is waited for."""
    with Wire.at(suite, stage) as wire:
        wire.send_all_it_takes(over_budget(stage)[name])
        assert wire.ending() in ("policy-violation", MALFORMED if name in OWN_LIMITS else None)


@pytest.mark.parametrize("stage", [CLEAR, SECURE])
@pytest.mark.parametrize("name", ["text", "a name", "an attribute", "white space in a tag", "empty elements", "depth"])
def test_inv_02_a_budget_is_kept_in_drops(suite, name, stage):
    with Wire.at(suite, stage) as wire:
        wire.drip(over_budget(stage)[name])
        assert wire.ending() in ("policy-violation", MALFORMED if name in OWN_LIMITS else None)


def test_inv_02_the_limit_told_is_the_limit(suite, witnesses):
    """XEP-0478: a stanza of just so many bytes arrives; one byte more does not."""
    for more in (0, 1):
        with Wire.at(suite, SESSION) as wire:
            limit = int(wire.features.findtext(f"{{{LIMITS}}}limits/{{{LIMITS}}}max-bytes"))
            begin, end = f"<message to='{witnesses.one.jid}'><body>", "</body></message>"
            text = "x" * (limit - len(begin) - len(end) + more)
            wire.send_all_it_takes(begin + text + end)
            if more:
                assert wire.ending() == "policy-violation"
            else:
                assert witnesses.one.hear() == text


def test_inv_02_up_to_the_other_limits_all_arrives(suite, witnesses):
    _, elements, depth, attributes = BUDGETS[SESSION]
    payloads = {
        "elements": ("<x xmlns='urn:x'>" + "<y/>" * (elements - 10) + "</x>", lambda x: len(x) == elements - 10),
        "depth": ("<x xmlns='urn:x'>" + "<y>" * (depth - 5) + "</y>" * (depth - 5) + "</x>", lambda x: len(list(x.iter())) == depth - 4),
        "attributes": ("<x xmlns='urn:x'" + "".join(f" a{n}='{n}'" for n in range(attributes - 5)) + "/>",
                       lambda x: len(x.attrib) == attributes - 5),
    }
    with Wire.at(suite, SESSION) as wire:
        for payload, arrived in payloads.values():
            wire.send(f"<message to='{witnesses.one.jid}'><body>b</body>{payload}</message>")
            assert arrived(witnesses.one.element().find("{urn:x}x"))


def test_inv_02_a_stanza_in_drops_arrives(suite, witnesses):
    with Wire.at(suite, SESSION) as wire:
        wire.drip(f"<message to='{witnesses.one.jid}' type='chat'><body>drop by drop &amp; ünïcödé</body></message>")
    assert witnesses.one.hear() == "drop by drop & ünïcödé"


@pytest.mark.parametrize("kind", ["elements", "attributes", "namespaces"])
def test_inv_02_a_flood_of_names_is_cut(suite, kind):
    """No two are the same: libxml2 would keep them all. At the latest after 1 MiB that is over."""
    def piece(n):
        name = f"{n:x}" + "n" * 60
        return {"elements": f"<a{name}/>", "attributes": f"<x a{name}=''/>", "namespaces": f"<x xmlns='{name}'/>"}[kind]
    with Wire.at(suite, SESSION) as wire:
        sent, n = 0, 0
        try:
            while sent < 1 << 20:
                content = "".join(piece(i) for i in range(n, n + 2500))
                n += 2500
                data = stanza(SESSION, content)
                wire.send(data)
                sent += len(data)
        except (ConnectionError, OSError):
            pass
        assert wire.ending() == "policy-violation"


def test_inv_02_few_names_never_end_a_stream(suite, witnesses):
    """An honest client says the same names again and again."""
    with Wire.at(suite, SESSION) as wire:
        payload = "".join(f"<element{n} xmlns='urn:name:{n}' attribute{n}=''/>" for n in range(100))
        for _ in range(100):
            wire.send(stanza(SESSION, payload * 5))
        wire.say(witnesses.one.jid, "still here")
        assert witnesses.one.hear() == "still here"


def test_inv_01_02_no_trap_costs_much(suite):
    """1 MiB of memory and 5 ms of work for each (SECURITY.md §1.1, INV-1)."""
    def spring(data, stage):
        with Wire.before_header(suite, stage) as wire:
            wire.send_all_it_takes(data)
            try:
                wire.until(lambda: wire.is_over)
            except Ended:
                pass
    traps = [data for data, _ in BEFORE_HEADER.values()]
    for data in traps:
        spring(data, CLEAR)
    size, work = memory(suite), cpu(suite)
    for data in traps * 5:
        spring(data, CLEAR)
    if MEASURED:
        assert memory(suite) - size < 1 << 20
        assert cpu(suite) - work < 0.005 * 5 * len(traps) + 0.02


@pytest.mark.parametrize("content", ["x" * 250000, " " * 250000, f"<x{' ' * 250000}/>", "<x></x" + " " * 250000 + ">",
                                     "<y xmlns='urn:y'/>" * 4000, "&#32;" * 50000, "<![CDATA[" + "]" * 250000 + "x]]>"],
                         ids=["text", "white space", "in a tag", "in an end tag", "elements", "references", "brackets"])
def test_inv_23_no_content_makes_c2sd_busy(suite, content):
    """A loop turn lasts at most 50 ms (SECURITY.md §4.3): so a stanza of the largest size costs no more."""
    with Wire.at(suite, SESSION) as wire:
        before = cpu(suite)
        for _ in range(8):
            wire.send_all_it_takes(stanza(SESSION, content))
        wire.send("</stream:stream>")
        wire.until(lambda: wire.is_closed, 60)
        if MEASURED:
            assert (cpu(suite) - before) / 8 < 0.05


# ---- whoever goes, goes altogether (INV-24) ----

def test_inv_24_nothing_is_left_of_those_who_went(suite):
    stages = [CLEAR, SECURE, ASKED, AUTHENTICATED, SESSION]
    fd_folder = f"/proc/{suite.pid('c2sd')}/fd"

    def come_and_go():
        for stage in stages:
            Wire.at(suite, stage).close()
        for port in (5222, 5223):
            for data in (b"", header().encode()[:30], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
                with Wire.connect(suite, port) as wire:
                    wire.send(data)

    def descriptors():
        return len(os.listdir(fd_folder))

    for _ in range(10):
        come_and_go()
    time.sleep(0.5)
    # Each handshake worker connects to keyd when it first needs a signature.
    fds, size = descriptors() + min(os.cpu_count(), 8), memory(suite)
    for _ in range(40):
        come_and_go()
    end = time.monotonic() + 15 * PATIENCE
    while descriptors() > fds and time.monotonic() < end:
        time.sleep(0.1)
    assert descriptors() <= fds
    if MEASURED:
        assert memory(suite) - size < 2 << 20

"""Binding (RFC 6120 §7) and stanzas on the wire (§8): who says so, to whom, what is wrong with them, and that what arrives is what was
said (INV-4)."""

import re
import xml.etree.ElementTree as ET

import pytest

from suite import Suite
from wire import AUTHENTICATED, BIND, CLIENT, LANG, SESSION, STANZAS, STREAMS, Ended, Wire, header, refused, stanza_error

PING = "<ping xmlns='urn:xmpp:ping'/>"

pytestmark = pytest.mark.usefixtures("nobody_else_notices")


@pytest.fixture(scope="module")
def suite():
    # Without an archive, which puts its stanza-id into what it delivers: here payloads are compared to the byte.
    with Suite(settings={"sessiond": 'archive = "off"\n'}) as s:
        s.add_users("alice", "bob", "carol")
        yield s


@pytest.fixture
def alice(suite):
    with Wire.at(suite, SESSION, resource="here") as wire:
        yield wire


@pytest.fixture
def bound(suite):
    """Authenticated, without a resource."""
    with Wire.at(suite, AUTHENTICATED) as wire:
        yield wire


# ---- binding ----

@pytest.mark.parametrize("resource, bound_as", [
    ("here", "here"), ("Here", "Here"), (" with space ", " with space "), ("a/b@c", "a/b@c"), ("\u30c6\u30b9\u30c8", "\u30c6\u30b9\u30c8"),
    ("e\u0301", "\u00e9"), ("no\u00a0break", "no break"), ("&lt;&amp;&gt;", "<&>"), ("x" * 1023, "x" * 1023),
])
def test_a_resource_that_is_wished(bound, resource, bound_as):
    assert bound.bind(resource).get("type") == "result"
    assert bound.jid == f"alice@localhost/{bound_as}"


@pytest.mark.parametrize("payload", [f"<bind xmlns='{BIND}'/>", f"<bind xmlns='{BIND}'><resource/></bind>"])
def test_a_resource_of_our_choice(suite, payload):
    """RFC 6120 §7.6; hard to guess, and another one each time."""
    jids = set()
    for _ in range(3):
        with Wire.at(suite, AUTHENTICATED) as wire:
            jids.add(wire.ask(payload, "set").findtext(f"{{{BIND}}}bind/{{{BIND}}}jid"))
    assert len(jids) == 3
    assert all(re.fullmatch(r"alice@localhost/.{8,}", jid) for jid in jids)


@pytest.mark.parametrize("resource", ["\u0085", "a\tb", "\u202ex\u0085", "x" * 1024, "\u30c6" * 342, "\ufdd0", "\u00ad"])
def test_a_resource_that_cannot_be(bound, resource):
    """RFC 6120 §7.7.2.1: bad-request, and the client may wish again."""
    assert refused(bound.bind(resource)) in ("bad-request", "jid-malformed")
    assert bound.bind("better").get("type") == "result"


@pytest.mark.parametrize("payload", [
    f"<bind xmlns='{BIND}'><resource>one</resource><resource>two</resource></bind>",
    f"<bind xmlns='{BIND}'><resource>one</resource></bind><bind xmlns='{BIND}'><resource>two</resource></bind>",
    f"<bind xmlns='{BIND}'><resource><x/></resource></bind>",
])
def test_a_bind_that_is_odd(bound, payload):
    """Refused, or one clear resource: never something in between."""
    answer = bound.ask(payload, "set")
    if answer.get("type") == "result":
        assert re.fullmatch("alice@localhost/[^<>]+", answer.findtext(f"{{{BIND}}}bind/{{{BIND}}}jid"))
    else:
        assert refused(answer) == "bad-request"


@pytest.mark.parametrize("iq", [f"<iq type='set'><bind xmlns='{BIND}'/></iq>", f"<iq type='set' id=''><bind xmlns='{BIND}'/></iq>"])
def test_a_bind_without_id(bound, iq):
    bound.send(iq)
    try:
        assert refused(bound.element()) == "bad-request"
    except Ended as e:
        assert str(e) in ("not-authorized", "policy-violation")


def test_the_newer_one_gets_the_resource(suite):
    """RFC 6120 §7.7.2.2: the old stream ends with conflict."""
    with Wire.at(suite, SESSION, resource="one") as old, Wire.at(suite, SESSION, resource="one") as new:
        assert old.ending() == "conflict"
        assert old.jid == new.jid
        new.say(new.jid, "me")
        assert new.hear() == "me"


def test_another_resource_is_no_conflict(suite):
    with Wire.at(suite, SESSION, resource="one") as one, Wire.at(suite, SESSION, resource="two") as two:
        one.say(two.jid, "from one")
        assert two.hear() == "from one"


def test_the_resource_of_somebody_else_is_no_conflict(suite, witnesses):
    with Wire.at(suite, SESSION, resource="witness") as wire:
        wire.say(witnesses.one.jid, "same resource")
        assert witnesses.one.hear() == "same resource"


def test_one_resource_for_one_stream(alice):
    """A second one would be RFC 6120bis's business; the first stays."""
    stanza_error(alice.ask(f"<bind xmlns='{BIND}'><resource>second</resource></bind>", "set"))
    alice.say("alice@localhost/here", "me")
    assert alice.hear() == "me"


def test_two_binds_at_once(suite):
    with Wire.at(suite, AUTHENTICATED) as wire:
        for name in ("first", "second"):
            wire.send(f"<iq type='set' id='{name}'><bind xmlns='{BIND}'><resource>{name}</resource></bind></iq>")
        assert wire.element().findtext(f"{{{BIND}}}bind/{{{BIND}}}jid") == "alice@localhost/first"
        assert wire.element().get("type") == "error"


def test_stanzas_right_behind_the_bind(suite, witnesses):
    """A client need not wait for the answer (and many do not)."""
    with Wire.at(suite, AUTHENTICATED) as wire:
        wire.send(f"<iq type='set' id='bind'><bind xmlns='{BIND}'><resource>quick</resource></bind></iq>"
                  f"<message to='{witnesses.one.jid}'><body>quick</body></message><iq type='get' id='p'>{PING}</iq>")
        assert [wire.element().get("id") for _ in range(2)] == ["bind", "p"]
    assert witnesses.one.hear() == "quick"


def test_the_old_session_iq(alice):
    """RFC 3921 §3, for clients that still send it."""
    answer = alice.ask("<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>", "set")
    assert answer.get("type") == "result" and len(answer) == 0


# ---- from ----

@pytest.mark.parametrize("sender", [
    "bob@localhost", "bob@localhost/witness", "localhost", "alice@elsewhere.example", "alice@localhost/there", "@", "alice@localhost/"])
@pytest.mark.parametrize("kind", ["message", "iq", "presence"])
def test_from_is_ones_own(suite, witnesses, kind, sender):
    """RFC 6120 §8.1.2.1"""
    with Wire.at(suite, SESSION, resource="here") as wire:
        more = "type='get'" if kind == "iq" else ""
        wire.send(f"<{kind} {more} id='1' to='{witnesses.one.jid}' from='{sender}'>{PING}</{kind}>")
        assert wire.ending() == "invalid-from"
    witnesses.one.silence(0.02)


@pytest.mark.parametrize("sender", ["", "from='alice@localhost'", "from='alice@localhost/here'", "from='ALICE@localhost/here'"])
def test_from_is_the_full_address_for_others(alice, witnesses, sender):
    alice.send(f"<message to='{witnesses.one.jid}' {sender}><body>who?</body></message>")
    assert witnesses.one.element().get("from") == "alice@localhost/here"


def test_to_arrives_as_it_is(alice, witnesses):
    alice.say("BOB@LOCALHOST/witness", "prepared")
    assert witnesses.one.element().get("to") == "bob@localhost/witness"


# ---- errors of stanzas (RFC 6120 §8.3) ----

@pytest.mark.parametrize("to", ["@", "a@", "@b", "/x", "bob@localhost/", "b ob@localhost", "bob@local host", "bob@@localhost",
                                "x" * 1024 + "@localhost", "bob@localhost/" + "x" * 1024, "bob@" + "x" * 1024, "bob&lt;@localhost"])
@pytest.mark.parametrize("kind", ["message", "iq", "presence"])
def test_to_is_no_address(alice, kind, to):
    more = "type='get'" if kind == "iq" else "type='subscribe'" if kind == "presence" else ""
    alice.send(f"<{kind} {more} id='1' to='{to}'>{PING}</{kind}>")
    answer = alice.element()
    assert answer.tag == f"{{{CLIENT}}}{kind}" and answer.get("id") == "1"
    assert stanza_error(answer) == ("modify", "jid-malformed")


@pytest.mark.parametrize("iq", [
    f"<iq type='get'>{PING}</iq>",
    f"<iq type='get' id=''>{PING}</iq>",
    f"<iq id='1'>{PING}</iq>",
    f"<iq type='' id='1'>{PING}</iq>",
    f"<iq type='fetch' id='1'>{PING}</iq>",
    f"<iq type='GET' id='1'>{PING}</iq>",
    "<iq type='get' id='1'/>",
    "<iq type='set' id='1'/>",
    "<iq type='get' id='1'>text</iq>",
    f"<iq type='get' id='1'>{PING}{PING}</iq>",
    f"<iq type='set' id='1'>{PING}<x xmlns='urn:x'/></iq>",
])
@pytest.mark.parametrize("to", ["", "to='localhost'", "to='bob@localhost/witness'", "to='nobody@localhost'"])
def test_an_iq_that_is_malformed(alice, witnesses, iq, to):
    """RFC 6120 §8.2.3; §8.3.1: the id is the question's, empty if there was none."""
    alice.send(iq.replace("<iq", f"<iq {to}", 1))
    answer = alice.element()
    assert stanza_error(answer) == ("modify", "bad-request")
    assert answer.get("id") == ("1" if "id='1'" in iq else "")
    witnesses.one.silence(0.02)


@pytest.mark.parametrize("iq", ["<iq type='result' id='1'/>", "<iq type='error' id='1'/>", "<iq type='result' id='1'><x xmlns='urn:x'/></iq>",
                                f"<iq type='error' id='1'><error type='cancel'><gone xmlns='{STANZAS}'/></error></iq>",
                                "<iq type='result' id='1' to='nobody@localhost/x'/>"])
def test_no_answer_to_an_answer(alice, iq):
    alice.send(iq)
    alice.silence(0.1)
    assert alice.ask(PING).get("type") == "result"


@pytest.mark.parametrize("message", ["<message type='error' to='nobody@localhost'/>", "<message type='error' to='@'/>",
                                     "<presence type='error' to='nobody@localhost'/>", "<presence type='error' to='@'/>",
                                     "<iq type='error' id='1' to='@'/>", "<iq type='result' id='1' to='@'/>"])
def test_no_error_for_an_error(alice, message):
    """RFC 6120 §8.3.1"""
    alice.send(message)
    alice.silence(0.1)


def test_a_question_that_nobody_understands(alice):
    assert stanza_error(alice.ask("<query xmlns='urn:nobody:knows'/>")) == ("cancel", "service-unavailable")
    assert refused(alice.ask("<query xmlns='urn:nobody:knows'/>", to="localhost")) in ("service-unavailable", "feature-not-implemented")


def test_an_error_has_the_addresses_turned_round(alice):
    alice.send(f"<iq type='get' id='1' to='nobody@localhost/x'>{PING}</iq>")
    answer = alice.element()
    assert (answer.get("from"), answer.get("id")) == ("nobody@localhost/x", "1")
    assert answer.get("to") in (None, alice.jid)
    assert refused(answer) == "service-unavailable"


def test_an_account_that_is_none_looks_like_one_that_is_away(suite, alice):
    """RFC 6121 §8.5.1, INV-13"""
    suite.add_user("away@localhost")
    answers = []
    for name in ("away", "nobody"):
        alice.send(f"<iq type='get' id='1' to='{name}@localhost/x'>{PING}</iq>")
        answers.append(ET.tostring(alice.element()).decode().replace(name, "NAME"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("kind", ["", "type='normal'", "type='nonsense'", "type='CHAT'", "type=''"])
def test_a_type_that_is_unknown_is_normal(alice, witnesses, kind):
    """RFC 6121 §5.2.2"""
    alice.send(f"<message {kind} to='{witnesses.one.jid}'><body>typed</body></message>")
    message = witnesses.one.element()
    assert message.get("type") in (None, "normal")
    assert message.findtext(f"{{{CLIENT}}}body") == "typed"


def test_a_presence_of_an_unknown_type(alice):
    alice.send("<presence type='nonsense' id='1' to='bob@localhost'/>")
    assert refused(alice.element()) == "bad-request"


@pytest.mark.parametrize("to", ["alice@localhost/here", "ALICE@localhost/here"])
def test_a_message_to_oneself(alice, to):
    alice.say(to, "note")
    message = alice.element()
    assert (message.get("from"), message.get("to")) == (alice.jid, alice.jid)


def test_an_answer_of_somebody_else_is_passed_on(alice, witnesses):
    """Who shows his presence may be asked (RFC 6121 §8.5.3.1)."""
    witnesses.one.send(f"<presence to='{alice.jid}'/>")
    assert alice.element().get("from") == witnesses.one.jid
    alice.send(f"<iq type='get' id='a&amp;&apos;b' to='{witnesses.one.jid}'><question xmlns='urn:q'/></iq>")
    question = witnesses.one.element()
    assert (question.get("id"), question.get("from")) == ("a&'b", alice.jid)
    witnesses.one.send(f"<iq type='result' id='a&amp;&apos;b' to='{alice.jid}'><answer xmlns='urn:q'/></iq>")
    answer = alice.element()
    assert (answer.get("id"), answer.get("from"), answer[0].tag) == ("a&'b", witnesses.one.jid, "{urn:q}answer")


# ---- what arrives is what was said (INV-4) ----

PAYLOADS = {
    "text": "<body>plain</body>",
    "references": "<body>&lt;&gt;&amp;&apos;&quot; &#65;&#x42; &#10;&#13;&#9; &#xa0;&#x1F600;</body>",
    "line ends": "<body>a\r\nb\rc\nd\te</body>",
    "line ends in attributes": "<x xmlns='urn:x' a='a\r\nb\tc' b='&#10;&#13;&#9;'/>",
    "quotes in attributes": "<x xmlns='urn:x' a='\"' b=\"'\" c='&apos;&quot;&lt;&gt;&amp;'/>",
    "CDATA": "<body><![CDATA[<x a='1'>&amp;</x>]]></body>",
    "CDATA in pieces": "<body>a<![CDATA[]]]]><![CDATA[>]]>b</body>",
    "brackets": "<body>]]&gt; ]] ]&gt;</body>",
    "markup as text": "<body>&lt;/body>&lt;/message>&lt;message></body>",
    "all planes": "<body>\u00e4\u0416\u30c6\ufffd\ufdd0\U0001F600\U0010FFFD\x7f\u0085\u2028\ufeff</body>",
    "white space": "<body> \n\t </body><x xmlns='urn:x'> <y> </y>\n</x>",
    "mixed": "<x xmlns='urn:x'>a<y>b</y>c<y/>d</x>",
    "empty": "<x xmlns='urn:x'></x><y xmlns='urn:y'/>",
    "no namespace": "<x xmlns=''><y/></x>",
    "no namespace in one": "<x xmlns='urn:x'><y xmlns=''><z xmlns='urn:x'/></y></x>",
    "default and prefix": "<x xmlns='urn:x' xmlns:p='urn:p'><p:y/><y/></x>",
    "prefix on itself": "<p:x xmlns:p='urn:p'><p:y><q:z xmlns:q='urn:q'/></p:y></p:x>",
    "a prefix with two meanings": "<p:x xmlns:p='urn:a'><p:x xmlns:p='urn:b'><p:x xmlns:p='urn:c'/></p:x><p:x/></p:x>",
    "two prefixes with one meaning": "<a:x xmlns:a='urn:x' xmlns:b='urn:x'><b:x><x xmlns='urn:x'/></b:x></a:x>",
    "jabber:client below another": "<x xmlns='urn:x'><message xmlns='jabber:client'><body>b</body></message></x>",
    "jabber:client by a prefix": "<c:body xmlns:c='jabber:client'>c</c:body><x xmlns='urn:x' xmlns:c='jabber:client'><c:body/></x>",
    "jabber:client below nothing": "<x xmlns=''><body xmlns='jabber:client'/><body/></x>",
    "jabber:server": "<message xmlns='jabber:server'><body>s</body></message>",
    "a stream below": f"<s:stream xmlns:s='{STREAMS}' to='x'><s:error/></s:stream>",
    "a prefix of the stream": "<stream:x/><x xmlns='urn:x'><stream:y stream:a=''/></x>",
    "prefixes of the stream's header": "<one:x two:a='1' a='2'><two:y/></one:x>",
    "the stream's prefix with another meaning": "<one:x xmlns:one='urn:other'/><one:x/>",
    "attributes with namespaces": "<x xmlns='urn:x' xmlns:p='urn:p' xmlns:q='urn:q' p:a='1' q:a='2' a='3' xml:lang='de' xml:space='preserve'/>",
    "attributes whose namespace is the element's": "<p:x xmlns:p='urn:p' p:a='1' a='2'><y p:a='3'/></p:x>",
    "prefixes that look like ours": "<ns1:x xmlns:ns1='urn:1' xmlns:ns2='urn:2' ns2:a='' ns1:a=''><x ns1:b='' ns2:b=''/></ns1:x>",
    "a namespace with everything": "<x xmlns='urn:&amp;&lt;&apos;&quot;>\u00e4'><y/></x>",
    "languages": "<body xml:lang='de'>d</body><body xml:lang='en'>e</body>",
    "names of letters": "<\u00e4\u0416 xmlns='urn:x' \u30c6='\u30c6'/><a.b-c_d xmlns='urn:x'/>",
    "deep": "<x xmlns='urn:x'>" + "<y>" * 50 + "</y>" * 50 + "</x>",
    "wide": "<x xmlns='urn:x'>" + "<y a='1'/>t" * 1000 + "</x>",
    "large": "<body>" + "0123456789" * 25000 + "</body>",
}


def tree(element):
    return (element.tag, sorted(element.attrib.items()), element.text or "", [(tree(e), e.tail or "") for e in element])


def as_sent(payload):
    """What a client of Expat makes of it."""
    return tree(ET.fromstring(f"<message xmlns='{CLIENT}' xmlns:stream='{STREAMS}' xmlns:one='urn:one' xmlns:two='urn:two'>"
                              f"{payload}</message>"))


@pytest.fixture(scope="module")
def speaker(suite):
    """alice, in whose stream header prefixes are bound."""
    with Wire.at(suite, "secure") as wire:
        assert wire.scram("SCRAM-SHA-256", "alice", suite.passwords["alice@localhost"]) == "success"
        wire.open(**{"xmlns:one": "urn:one", "xmlns:two": "urn:two"})
        wire.bind("speaker")
        yield wire


@pytest.mark.parametrize("name", PAYLOADS)
def test_inv_04_what_arrives_is_what_was_said(speaker, witnesses, name):
    speaker.send(f"<message to='{witnesses.one.jid}'>{PAYLOADS[name]}</message>")
    expected, got = as_sent(PAYLOADS[name]), tree(witnesses.one.element())
    assert got[2:] == expected[2:]


@pytest.mark.parametrize("name", PAYLOADS)
def test_inv_04_what_arrives_arrives_again(speaker, witnesses, name):
    """Said once more in the words in which it arrived, it is the same to the byte."""
    def pass_on(payload):
        start = len(witnesses.one.raw)
        speaker.send(f"<message to='{witnesses.one.jid}'>{payload}</message>")
        witnesses.one.element()
        return re.fullmatch(rb"\s*<message[^>]*?(?:/>|>(.*)</message>)\s*", witnesses.one.raw[start:], re.S)[1]
    once = pass_on(PAYLOADS[name])
    assert pass_on(once.decode()) == once


def test_inv_04_one_stanza_is_one_stanza(speaker, witnesses):
    """Many in one segment, and one in many, stay what they are."""
    stanzas = [f"<message to='{witnesses.one.jid}'><body>{n}</body></message>" for n in range(100)]
    speaker.send(" ".join(stanzas))
    for cut in (1, 7, 61):
        text = "".join(stanzas)
        for at in range(0, len(text), len(text) // cut + 1):
            speaker.send(text[at:at + len(text) // cut + 1])
    assert [witnesses.one.hear() for _ in range(400)] == [str(n) for n in range(100)] * 4


def test_a_prefixed_stanza_is_a_stanza(suite, witnesses):
    """jabber:client may be bound to a prefix (RFC 6120 §4.8.2)."""
    with Wire.at(suite, SESSION) as wire:
        wire.send(f"<c:message xmlns:c='jabber:client' to='{witnesses.one.jid}'><c:body>prefixed</c:body></c:message>")
        assert witnesses.one.hear() == "prefixed"


def test_the_language_of_the_stream_is_that_of_the_stanza(suite, witnesses):
    """RFC 6120 §8.1.5: a stanza without one of its own gets that of its stream's header."""
    with Wire.at(suite, "secure") as wire:
        assert wire.scram("SCRAM-SHA-256", "alice", suite.passwords["alice@localhost"]) == "success"
        wire.send(header(**{"xml:lang": "fr"}))
        wire.restart()
        wire.element()
        wire.bind()
        wire.say(witnesses.one.jid, "bonjour")
        assert witnesses.one.element().get(LANG) == "fr"
        wire.send(f"<message to='{witnesses.one.jid}' xml:lang='de'><body>hallo</body></message>")
        assert witnesses.one.element().get(LANG) == "de"

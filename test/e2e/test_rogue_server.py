"""A rogue server says every dialback and stream element at every wrong moment, from both sides: as one that connects, as the
authoritative server that is asked, as one that is connected to. It gets the right error each time and never speaks for anybody it is not
(INV-5, INV-8, INV-9, INV-23, INV-31)."""

import contextlib

import pytest

from peers import Jackdaw
from rogue import OTHER, ROGUE, US, connect, message, opening, proved, result, verify
from suite import PATIENCE, wait_for
from wire import SASL, STANZAS, STREAMS, TLS, Ended, Wire, condition

pytestmark = pytest.mark.usefixtures("fresh")

STRICT = "strict.test"
QUIET = 1.0


@pytest.fixture(scope="module")
def suite(authority):
    more = (f'remote "{ROGUE}" {{ policy = optional }}\nremote "{OTHER}" {{ policy = optional }}\n'
            f'remote "denied.test" {{ incoming = false }}\n')
    with Jackdaw(US, more=more) as s:
        s.routes = {name: authority.server_port for name in (ROGUE, OTHER, STRICT)}
        s.begin("alice")
        yield s


def hears_nothing(alice):
    with contextlib.suppress(TimeoutError):
        heard = alice.wait_for(lambda e: e.tag.endswith("message"), QUIET)
        raise AssertionError(heard.findtext("{jabber:client}body"))


# ---- as one that connects ----

@pytest.mark.parametrize("element", [
    result("valid"), result("invalid"), result("error"), verify("valid"), verify("invalid"), verify("error"),
    result("valid", US, ROGUE), verify("valid", US, ROGUE), result("nonsense")])
def test_inv_05_answers_that_nobody_asked_for(suite, alice, element):
    for wire in (connect(suite), proved(suite)):
        with wire:
            wire.send(element + message(f"mallory@{OTHER}"))
            assert wire.ending() == "policy-violation"
    hears_nothing(alice)


@pytest.mark.parametrize("element, error", [
    (message(), "not-authorized"),
    (message(f"alice@{US}", f"alice@{US}"), "not-authorized"),
    ("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "improper-addressing"),
    ("<message xmlns='jabber:client' from='a@rogue.test' to='alice@north.test'/>", "invalid-namespace"),
    (f"<success xmlns='{SASL}'/>", "not-authorized"),
    (f"<proceed xmlns='{TLS}'/>", "not-authorized"),
    ("<stream:features/>", "not-authorized"),
    (result(whence=US, to=US), "invalid-from"),
    ("<db:result to='north.test'>x</db:result>", "improper-addressing"),
    ("<db:result from='rogue.test' to='north.test'><key/></db:result>", "bad-format"),
    (result(key="x" * 1000), "bad-format"),
    ("<enabled xmlns='urn:xmpp:sm:3'/>", "not-authorized"),
    ("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "not-authorized"),
])
def test_inv_05_a_stranger_says_what_is_not_its_to_say(suite, alice, element, error):
    with connect(suite) as wire:
        wire.send(element)
        assert wire.ending() == error
    hears_nothing(alice)


@pytest.mark.parametrize("whence, to, error", [
    (ROGUE, "elsewhere.test", "item-not-found"),
    ("denied.test", US, "not-allowed"),
    (STRICT, US, "policy-violation"),
])
def test_inv_05_a_key_that_is_refused_proves_nothing(suite, authority, whence, to, error):
    with connect(suite) as wire:
        wire.send(result(whence=whence, to=to))
        answer = wire.element()
        assert (answer.get("type"), answer.get("from"), answer.get("to")) == ("error", to, whence)
        assert answer[0].find(f"{{{STANZAS}}}{error}") is not None
        assert not authority.asked
        wire.send(message(f"a@{whence}"))
        assert wire.ending() == "not-authorized"


def test_inv_23_who_is_refused_too_often_is_gone(suite):
    with connect(suite) as wire:
        wire.send(result(to="elsewhere.test") * 10)
        assert wire.ending() == "policy-violation"


@pytest.mark.parametrize("whence, to, error", [
    (f"mallory@{OTHER}", f"alice@{US}", "invalid-from"),
    (f"alice@{US}", f"alice@{US}", "invalid-from"),
    (US, f"alice@{US}", "invalid-from"),
    (f"mallory@sub.{ROGUE}", f"alice@{US}", "invalid-from"),
    (f"mallory@{ROGUE}", "alice@elsewhere.test", "host-unknown"),
    ("", f"alice@{US}", "improper-addressing"),
    (f"mallory@{ROGUE}", "", "improper-addressing"),
    ("@", f"alice@{US}", "improper-addressing"),
])
def test_inv_31_one_that_is_proved_speaks_for_itself_only(suite, alice, whence, to, error):
    with proved(suite) as wire:
        wire.send(message(text="mine"))
        heard = alice.wait_for(lambda e: e.tag.endswith("message"))
        assert (heard.get("from"), heard.findtext("{jabber:client}body")) == (f"mallory@{ROGUE}", "mine")
        wire.send(message(whence, to))
        assert wire.ending() == error
    hears_nothing(alice)


def test_several_domains_on_one_stream(suite, alice):
    with proved(suite) as wire:
        wire.send(result(whence=OTHER))
        assert wire.element().get("type") == "valid"
        for domain in (OTHER, ROGUE):
            wire.send(message(f"a@{domain}", text=domain))
            heard = alice.wait_for(lambda e: e.tag.endswith("message"))
            assert heard.get("from") == f"a@{domain}"


def test_several_streams_of_one_domain(suite, alice):
    with proved(suite) as one, proved(suite) as two:
        for wire, text in ((one, "one"), (two, "two"), (one, "three")):
            wire.send(message(text=text))
            assert alice.wait_for(lambda e: e.tag.endswith("message")).findtext("{jabber:client}body") == text


def test_inv_05_a_second_key_before_the_first_is_judged(suite, authority):
    authority.answer = lambda _asked, _send: None
    with connect(suite) as wire:
        wire.send(result() + result(key="another"))
        assert wire.ending() == "policy-violation"


def test_inv_09_nothing_stands_behind_starttls(suite, alice):
    with connect(suite) as wire:
        wire.send(f"<starttls xmlns='{TLS}'/>" + message())
        assert wire.ending() == "policy-violation"
    hears_nothing(alice)


def test_inv_08_nothing_is_proved_before_tls(suite):
    with connect(suite, STRICT) as wire:
        names = {child.tag.split("}")[1] for child in wire.features}
        assert names == {"starttls", "limits"} and wire.features[0].find(f"{{{TLS}}}required") is not None
        wire.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
        assert wire.element().tag == f"{{{SASL}}}failure"


def test_external_without_a_certificate_is_refused(suite):
    with connect(suite) as wire:
        wire.send(f"<starttls xmlns='{TLS}'/>")
        assert wire.element().tag == f"{{{TLS}}}proceed"
        wire.handshake(US)
        wire.restart()
        wire.send(opening())
        assert wire.element().find(f"{{{SASL}}}mechanisms") is None
        wire.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
        assert condition(wire.element()) == "not-authorized"


@pytest.mark.parametrize("to, whence, error", [
    ("elsewhere.test", ROGUE, "host-unknown"), (None, ROGUE, "improper-addressing"), (US, US, "invalid-from"),
    (US, "denied.test", "policy-violation"), (US, "a@b@c", "invalid-from")])
def test_headers_that_are_refused(suite, to, whence, error):
    with Wire.connect(suite, 5269) as wire:
        wire.send(opening(to, whence))
        assert wire.ending() == error


def test_m_05_questions_about_keys(suite):
    with connect(suite) as wire:
        wire.send(verify())
        answer = wire.element()
        assert (answer.get("type"), answer.get("id"), answer.get("from")) == ("invalid", "1", US)
        wire.send(verify(to="elsewhere.test"))
        assert wire.element().get("type") == "error"


# ---- as the one that is asked ----

@pytest.mark.parametrize("answer", [
    lambda a, send: send(verify("valid", a.get("to"), a.get("from"), "another")),
    lambda a, send: send(verify("valid", OTHER, a.get("from"), a.get("id"))),
    lambda a, send: send(verify("valid", a.get("to"), "elsewhere.test", a.get("id"))),
    lambda a, send: send(verify(None, a.get("to"), a.get("from"), a.get("id"))),
    lambda a, send: send(result("valid", a.get("to"), a.get("from"))),
    lambda a, send: send("</stream:stream>"),
    lambda a, send: send(message()),
    lambda a, send: send(verify("error", a.get("to"), a.get("from"), a.get("id"))),
], ids=["id", "from", "to", "question", "result", "end", "stanza", "error"])
def test_inv_05_the_authority_says_something_else(suite, authority, alice, answer):
    authority.answer = answer
    with connect(suite) as wire:
        wire.send(result())
        verdict = wire.element()
        assert verdict.get("type") == "error", verdict.attrib
        wire.send(message())
        assert wire.ending() == "not-authorized"
    hears_nothing(alice)


def test_inv_05_a_key_that_is_not_the_authoritys(suite, authority):
    authority.answer = lambda a, send: send(verify("invalid", a.get("to"), a.get("from"), a.get("id")))
    with connect(suite) as wire:
        wire.send(result())
        assert wire.element().get("type") == "invalid"
        assert wire.ending() == "closed"
    # Where another pair is proved the stream stays, and the pair is not.
    authority.answer = authority.valid
    with proved(suite) as wire:
        authority.answer = lambda a, send: send(verify("invalid", a.get("to"), a.get("from"), a.get("id")))
        wire.send(result(whence=OTHER))
        answer = wire.element()
        assert answer.get("type") == "error" and answer[0].find(f"{{{STANZAS}}}forbidden") is not None
        wire.send(message(f"a@{OTHER}"))
        assert wire.ending() == "invalid-from"


def test_inv_23_an_authority_that_is_silent(suite, authority):
    authority.answer = lambda _asked, _send: None
    with connect(suite) as wire:
        wire.send(result())
        answer = wire.element(20 * PATIENCE)
        assert answer.get("type") == "error" and answer[0].find(f"{{{STANZAS}}}remote-server-timeout") is not None


# ---- as one that is connected to ----

@pytest.mark.parametrize("says", [
    result("valid", ROGUE, US), verify("valid", ROGUE, US), message(), f"<success xmlns='{SASL}'/>",
    f"<proceed xmlns='{TLS}'/>", "<stream:features/>", f"<stream:error><host-unknown xmlns='{STREAMS}'/></stream:error>",
    "</stream:stream>", "<!DOCTYPE x>", "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>"
    + message(), "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>"
    + result("valid", OTHER, US)])
def test_inv_05_a_server_that_we_connect_to_says_it_too_early(suite, authority, alice, says):
    authority.on_open = lambda send: send(says)
    alice.send(f"<message to='bob@{ROGUE}' id='m'><body>secret</body></message>")
    answer = alice.wait_for(lambda e: e.tag.endswith("message"), 20 * PATIENCE)
    assert (answer.get("type"), answer.get("from"), answer.get("id")) == ("error", f"bob@{ROGUE}", "m")
    assert not any(e.tag.endswith("message") for _, e in authority.results)
    hears_nothing(alice)


@pytest.mark.parametrize("last_words", [
    f"<stream:error><system-shutdown xmlns='{STREAMS}'/></stream:error></stream:stream>", None], ids=["says so", "is gone"])
def test_a_server_that_is_just_being_restarted_is_tried_again(suite, authority, alice, last_words):
    authority.on_element = authority.takes_all
    def stops(send):
        authority.on_open = None
        if last_words:
            send(last_words)
        else:
            authority.wires[-1].sock.shutdown(2)
    authority.on_open = stops
    alice.say(f"bob@{ROGUE}", "patience")
    wait_for(lambda: authority.heard("message"), 20, "the message")
    assert len(authority.wires) == 2
    authority.wires[-1].send("</stream:stream>")
    wait_for(lambda: authority.wires[-1].is_over, 10, "the end of the stream")


def test_inv_23_a_server_that_always_stops_is_given_up(suite, authority, alice):
    authority.on_open = lambda send: send(f"<stream:error><system-shutdown xmlns='{STREAMS}'/></stream:error></stream:stream>")
    alice.send(f"<message to='bob@{ROGUE}' id='m'><body>hello?</body></message>")
    answer = alice.wait_for(lambda e: e.get("id") == "m", 20 * PATIENCE)
    assert answer.get("type") == "error" and len(authority.wires) <= 5
    suite.ctl("s2s", "retry", ROGUE)  # forgets it


def test_inv_05_a_stream_of_ours_takes_no_stanzas(suite, authority, alice):
    """Only where it was made for both directions."""
    alice.send(f"<message to='bob@{ROGUE}'><body>hello</body></message>")
    wait_for(lambda: authority.results, 10, "our key")
    wire = authority.results[0][0]
    wire.send(result("valid", ROGUE, US))
    wait_for(lambda: any(e.tag.endswith("message") for _, e in authority.results), 10, "the message")
    wire.send(message())
    wait_for(lambda: wire.is_over or wire.is_closed, 10, "the end of the stream")
    hears_nothing(alice)


def test_f_36_errors_say_which_step_failed(suite, alice):
    for domain, error in (("nowhere.invalid", "remote-server-not-found"),):
        alice.send(f"<iq to='a@{domain}' id='q' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
        answer = alice.wait_for(lambda e: e.get("id") == "q", 20 * PATIENCE)
        assert answer.get("from") == f"a@{domain}"
        assert answer.find(f".//{{{STANZAS}}}{error}") is not None
        assert answer.find(f".//{{{STANZAS}}}text").text


def test_inv_03_the_stream_is_what_it_was(suite):
    with pytest.raises(Ended), proved(suite) as wire:
        wire.send(opening())
        wire.element()

"""Who is talked with, in which direction, and what must be proved first: the settings, on the wire (M-03, N-06, N-22, F-06)."""

import contextlib
import secrets

import pytest

from peers import Authority as Certifier
from peers import Jackdaw, linked
from rogue import OTHER, ROGUE, US, connect, message, opening, result, verify
from suite import PATIENCE, wait_for
from wire import SASL, STANZAS, TLS, Wire, refused, stanza_error

CLOSED, DEAF, MUTE, ONE_WAY = "closed.test", "deaf.test", "mute.test", "oneway.test"
DENIED, GUEST, VERIFIED = "bad.friends.test", "good.friends.test", "verified.test"

SETTINGS = f"""policy = optional
allow = {{"{ROGUE}", "{ONE_WAY}", "*.friends.test", "{VERIFIED}"}}
deny = {{"{DENIED}"}}
local "{CLOSED}" {{
	incoming = false
	outgoing = false
}}
local "{DEAF}" {{ incoming = false }}
local "#xmpp#{MUTE}" {{ outgoing = false }}
remote "{ONE_WAY}" {{ outgoing = false }}
remote "{VERIFIED}" {{ policy = required-verified }}
"""


@pytest.fixture(scope="module")
def suite(authority):
    with Jackdaw(US, more=SETTINGS, domains=(CLOSED, DEAF, MUTE)) as s:
        s.routes = {name: authority.server_port for name in (ROGUE, ONE_WAY, DENIED, GUEST, VERIFIED, OTHER)}
        s.begin("alice")
        for domain in (CLOSED, DEAF, MUTE):
            s.add_user(f"alice@{domain}")
        yield s


@pytest.fixture(autouse=True)
def fresh(authority):
    authority.reset()
    authority.on_element = authority.takes_all


@contextlib.contextmanager
def alice(suite, domain=US):
    with Wire.at(suite, "session", f"alice@{domain}") as wire:
        wire.appear()
        yield wire


def comes_out(suite, authority, whence, to):
    """None, or the error."""
    text = secrets.token_hex(4)
    with alice(suite, whence) as wire:
        wire.send(f"<message to='bob@{to}' id='{text}'><body>{text}</body></message>"
                  f"<iq type='get' id='behind' to='{whence}'><ping xmlns='urn:xmpp:ping'/></iq>")
        here = lambda: [e for e in authority.heard("message") if e.findtext("{jabber:server}body") == text]
        wire.wait_for(lambda e: e.get("id") == "behind")
        def bounced():
            with contextlib.suppress(TimeoutError):
                wire.receive(0.05)
            return wire.elements
        wait_for(lambda: here() or bounced(), 20, "the message, or its error")
        if here():
            return None
        return refused(wire.wait_for(lambda e: e.get("id") == text))


def comes_in(suite, whence, to):
    """None, or how it is refused: a stream error, or the error of the key."""
    with Wire.connect(suite, 5269) as wire:
        wire.send(opening(to, whence))
        wire.until(lambda: wire.elements or wire.is_over)
        if wire.elements and wire.elements[0].tag.endswith("}error"):
            return wire.ending()
        wire.element()
        wire.send(result(whence=whence, to=to))
        answer = wire.element()
        if answer.get("type") != "valid":
            return answer[0][0].tag.split("}")[1]
        with alice(suite, to) as hearer:
            wire.send(message(f"mallory@{whence}", f"alice@{to}", "hello"))
            assert hearer.hear() == "hello"
    return None


@pytest.mark.parametrize("whence, to, error", [
    (US, ROGUE, None),
    (US, GUEST, None),
    (US, DENIED, "not-allowed"),
    (US, OTHER, "not-allowed"),
    (US, ONE_WAY, "not-allowed"),
    (DEAF, ROGUE, None),
    (MUTE, ROGUE, "not-allowed"),
    (CLOSED, ROGUE, "not-allowed"),
])
def test_m_03_what_goes_out(suite, authority, whence, to, error):
    assert comes_out(suite, authority, whence, to) == error


@pytest.mark.parametrize("whence, to, error", [
    (ROGUE, US, None),
    (GUEST, US, None),
    (DENIED, US, "policy-violation"),
    (OTHER, US, "policy-violation"),
    (ONE_WAY, US, None),
    (ROGUE, DEAF, "host-unknown"),
    (ROGUE, MUTE, None),
    (ROGUE, CLOSED, "host-unknown"),
])
def test_m_03_what_comes_in(suite, whence, to, error):
    assert comes_in(suite, whence, to) == error


def test_n_06_a_key_for_a_domain_that_does_not_federate(suite):
    """On a stream that is open for another one."""
    with connect(suite) as wire:
        wire.send(result(to=CLOSED))
        answer = wire.element()
        assert answer.get("type") == "error" and answer[0].find(f"{{{STANZAS}}}item-not-found") is not None


def secured(wire, suite, whence, to=US):
    wire.send(f"<starttls xmlns='{TLS}'/>")
    assert wire.element().tag == f"{{{TLS}}}proceed"
    return secret(wire, whence, to)


def secret(wire, whence, to=US):
    wire.handshake(to, alpn="xmpp-server")
    wire.restart()
    wire.send(opening(to, whence))
    return wire


def test_required_verified_takes_no_dialback(suite, authority):
    """Neither in, where it says so at once, nor out."""
    with connect(suite, VERIFIED) as wire:
        assert wire.features.find(f"{{{TLS}}}starttls/{{{TLS}}}required") is not None
        assert secured(wire, suite, VERIFIED).ending() == "policy-violation"
    with connect(suite) as wire:
        secured(wire, suite, ROGUE).element()
        wire.send(result(whence=VERIFIED))
        answer = wire.element()
        assert answer.get("type") == "error" and answer[0].find(f"{{{STANZAS}}}not-authorized") is not None
    assert not authority.asked
    assert comes_out(suite, authority, US, VERIFIED) == "remote-server-timeout"
    assert not authority.results


def certified(suite, whence, certifier):
    """An incoming stream of who has proved itself by its certificate."""
    wire = connect(suite, whence)
    wire.send(f"<starttls xmlns='{TLS}'/>")
    assert wire.element().tag == f"{{{TLS}}}proceed"
    key, certificate = certifier.files(whence)
    wire.handshake(US, own=(certificate, key))
    wire.restart()
    wire.send(opening(US, whence))
    wire.element()
    wire.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
    assert wire.element().tag == f"{{{SASL}}}success"
    wire.restart()
    wire.send(opening(US, whence))
    wire.element()
    return wire


def test_a_certificate_that_ends_ends_its_streams():
    """RFC 6120 §13.7.2.3: it is revoked by a list that a reload brings; it expires."""
    certifier = Certifier()
    try:
        certifier.issue(ROGUE)
        certifier.issue(OTHER)
        certifier.issue(GUEST)
        certifier.shorten(OTHER, 10 * PATIENCE)
        certifier.revoke()
        with Jackdaw(US, certifier, more=f'crl_file = "{certifier.crl}"\n') as suite:
            suite.begin("alice")
            with alice(suite) as user, certified(suite, OTHER, certifier) as brief, certified(suite, ROGUE, certifier) as lost, \
                    certified(suite, GUEST, certifier) as other:
                assert brief.ending(20 * PATIENCE) == "reset"
                certifier.revoke(ROGUE)
                suite.ctl("reload", "s2sd")
                assert lost.ending() == "reset"
                other.send(message(f"guest@{GUEST}"))
                assert user.hear() == "believe me"
    finally:
        certifier.close()


def test_a_stream_of_ours_ends_with_their_certificate():
    """RFC 6120 §13.7.2.3, of who was connected to. What is said next finds another stream, to which dialback leads."""
    certifier = Certifier()
    ours, theirs = Jackdaw(US, certifier), Jackdaw("south.test", certifier)
    try:
        with linked(ours, theirs):
            ours.begin("alice")
            theirs.begin("bob")
            certifier.shorten(theirs.domain, 10 * PATIENCE)
            theirs.ctl("cert", "import", theirs.domain, *map(str, certifier.files(theirs.domain)))
            wait_for(lambda: theirs.logs()["s2sd.log"].count("certificates from keyd are in force") == 2, 10, "the new certificate")
            with alice(ours) as one, Wire.at(theirs, "session", f"bob@{theirs.domain}") as two:
                two.send("<presence/>")
                two.wait_for(lambda e: e.tag.endswith("presence"))
                one.say(two.jid, "one")
                assert two.hear() == "one"
                ours.logged("s2sd", "its certificate is not taken any more", 20)
                one.say(two.jid, "two")
                assert two.hear() == "two"
    finally:
        certifier.close()


def test_optional_offers_tls_and_does_without(suite):
    with connect(suite) as wire:
        starttls = wire.features.find(f"{{{TLS}}}starttls")
        assert starttls is not None and starttls.find(f"{{{TLS}}}required") is None
        secured(wire, suite, ROGUE).element()
        wire.send(result())
        assert wire.element().get("type") == "valid"
    assert comes_in(suite, ROGUE, US) is None


def test_tls_from_the_first_byte(suite):
    with Wire.connect(suite, 5270) as wire, alice(suite) as hearer:
        features = secret(wire, ROGUE).element()
        assert features.find(f"{{{TLS}}}starttls") is None
        assert wire.sock.selected_alpn_protocol() == "xmpp-server"
        wire.send(result())
        assert wire.element().get("type") == "valid"
        wire.send(message(text="secret"))
        assert hearer.hear() == "secret"


# ---- between suites ----

def test_optional_has_tls_where_both_have_it():
    ours, theirs = Jackdaw(US, more="policy = optional\n"), Jackdaw("south.test", more="policy = optional\n")
    with linked(ours, theirs):
        ours.begin("alice")
        theirs.begin("bob")
        with alice(ours) as one, Wire.at(theirs, "session", "bob@south.test") as two:
            two.appear()
            one.say("bob@south.test", "hello")
            assert two.hear() == "hello"
        rows = ours.s2s("list")[1:]
        assert rows and all(row[4] == "tls" for row in rows)


def test_required_verified_between_those_that_are_and_one_that_is_not():
    certifier = Certifier()
    strict = "policy = required-verified\n"
    try:
        ours, theirs = Jackdaw(US, certifier, more=strict), Jackdaw("south.test", certifier, more=strict)
        nobody = Jackdaw("nobody.test")  # its certificate is its own
        with linked(ours, theirs, nobody):
            ours.begin("alice")
            theirs.begin("bob")
            nobody.begin("eve")
            with alice(ours) as one, Wire.at(theirs, "session", "bob@south.test") as two:
                two.appear()
                one.say("bob@south.test", "hello")
                assert two.hear() == "hello"
                one.say("eve@nobody.test", "hello", id="m")
                error = one.wait_for(lambda e: e.get("id") == "m", 20 * PATIENCE)
                assert stanza_error(error)[1] == "remote-server-timeout"
                assert "certificate" in error.findtext(f".//{{{STANZAS}}}text")
            with Wire.at(nobody, "session", "eve@nobody.test") as eve:
                eve.say(f"alice@{US}", "let me in", id="m")
                assert refused(eve.wait_for(lambda e: e.get("id") == "m", 20 * PATIENCE)) == "remote-server-timeout"
    finally:
        certifier.close()


def test_m_05_all_processes_have_the_same_secret(authority):
    """Whichever of them is asked knows the key that another one has made; each answers for itself, so many are asked."""
    secret_text = secrets.token_hex(16)
    ours = Jackdaw(US, more=f'policy = optional\ndialback_secret = "{secret_text}"\n')
    ours.settings["jackdaw"] = "\ns2sd = 3\n"
    with ours as suite:
        suite.routes = {ROGUE: authority.server_port}
        suite.begin("alice")
        with alice(suite) as wire:
            wire.say(f"bob@{ROGUE}", "hello")
            wait_for(lambda: authority.heard("message"), 20, "the message")
        key = next(e for e in authority.heard("result")).text
        for _ in range(24):
            with connect(suite) as asking:
                asking.send(verify(id="theirs", key=key) + verify(id="theirs", key="f" * 64))
                assert [asking.element().get("type") for _ in range(2)] == ["valid", "invalid"]


# ---- reload ----

def test_a_domain_that_is_denied_by_reload_is_cut_off(authority):
    with Jackdaw(US, more="policy = optional\nsetup_ms = 60000\n") as suite:
        suite.routes = {ROGUE: authority.server_port, OTHER: authority.server_port}
        suite.begin("alice")
        conf = suite.dir / "etc" / "s2sd.conf"
        with alice(suite) as wire, connect(suite) as theirs:
            theirs.send(result())
            assert theirs.element().get("type") == "valid"
            wire.say(f"bob@{ROGUE}", "hello")
            wait_for(lambda: authority.heard("message"), 20, "the message")
            authority.on_element = lambda _wire, _element: None  # so that the next one's waits
            wire.say(f"bob@{OTHER}", "hello", id="waits")
            wait_for(lambda: len(authority.heard("result")) == 2, 10, "our second key")
            conf.write_text(conf.read_text() + f'\ndeny = {{"{ROGUE}", "{OTHER}"}}\n')
            suite.ctl("reload", "s2sd")
            assert theirs.ending() == "policy-violation"
            assert refused(wire.wait_for(lambda e: e.get("id") == "waits")) == "not-allowed"
            assert not suite.s2s("list")[1:]
            wire.say(f"bob@{ROGUE}", "hello", id="m")
            assert refused(wire.wait_for(lambda e: e.get("id") == "m")) == "not-allowed"
            assert comes_in(suite, ROGUE, US) == "policy-violation"

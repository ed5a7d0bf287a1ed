"""Streams on the wire (RFC 6120 §4, §5): headers, errors and the end."""

import contextlib
import signal

import pytest

from elements import IQ
from suite import Suite, wait_for
from wire import (ASKED, AUTHENTICATED, BIND, CLEAR, CLIENT, ERRORS, LANG, SECURE, SESSION, STREAMS, Ended, Wire, header,
                  stanza_error)

pytestmark = pytest.mark.usefixtures("nobody_else_notices")


@pytest.fixture(scope="module")
def suite():
    """Two domains."""
    with Suite(domains=("localhost", "example.org")) as s:
        for jid in ("alice@localhost", "bob@localhost", "carol@localhost", "alice@example.org"):
            s.add_user(jid)
        yield s


@pytest.fixture(scope="module")
def french():
    with Suite(settings={"c2sd": "language = fr\n"}) as s:
        s.add_user("alice@localhost")
        yield s


# ---- headers ----

def test_our_header(suite):
    with Wire.connect(suite) as wire:
        wire.open()
        assert wire.header.get("from") == "localhost"
        assert wire.header.get("to") is None


def test_our_header_names_the_client_that_named_itself(suite):
    """RFC 6120 §4.7.2: if there was a `from`, our header has it as its `to`, without a resource."""
    with Wire.connect(suite) as wire:
        wire.open(**{"from": "alice@localhost/here"})
        assert wire.header.get("to") == "alice@localhost"


@pytest.mark.parametrize("to, error", [("elsewhere.example", "host-unknown"), (None, "improper-addressing")])
def test_our_header_names_the_client_also_where_it_is_refused(suite, to, error):
    """RFC 6120 §4.9.1.3"""
    with Wire.connect(suite) as wire:
        wire.send(header(to, **{"from": "alice@localhost/here"}))
        assert wire.ending() == error
        assert (wire.header.get("from"), wire.header.get("to")) == ("localhost", "alice@localhost")


def test_a_domain_that_was_served_is_gone():
    """RFC 6120 §4.9.3.5: as long as c2sd remembers it; and it may come back."""
    with Suite(domains=("localhost", "example.org")) as changing:
        changing.ctl("domain", "del", "example.org")
        for domain, error in (("example.org", "host-gone"), ("elsewhere.example", "host-unknown")):
            with Wire.connect(changing) as wire:
                wire.send(header(domain))
                assert wire.ending() == error
        changing.ctl("domain", "add", "example.org")
        with Wire.connect(changing) as wire:
            wire.open("example.org")


def test_stream_ids_are_new_each_time(suite):
    ids = []
    for _ in range(3):
        with Wire.connect(suite) as wire:
            for step in (wire.open, wire.ask_starttls, wire.handshake, wire.open):
                step()
                if step == wire.open:
                    ids.append(wire.header.get("id"))
            wire.log_in("alice@localhost")
            ids.append(wire.header.get("id"))
    assert len(set(ids)) == len(ids) == 9


@pytest.mark.parametrize("attributes", [
    {"to": "LOCALHOST"},
    {"version": "1.1"},
    {"version": "1.10"},
    {"version": "01.0"},
    {"xml:lang": "de"},
    {"from": "alice@localhost"},
    {"id": "theirs"},
    {"declaration": ""},
    {"declaration": "<?xml version='1.0' encoding='UTF-8'?>"},
    {"declaration": "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\" ?>\n"},
    {"xmlns:other": "urn:other"},
], ids=str)
def test_headers_that_are_good(suite, attributes):
    with Wire.connect(suite) as wire:
        wire.open(**attributes)
        assert wire.header.get("id") != "theirs"


def test_a_header_in_pieces(suite):
    with Wire.connect(suite) as wire:
        assert wire.drip(header()) is False
        assert wire.element().tag == f"{{{STREAMS}}}features"


# Bytes of a header → the stream error of RFC 6120 §4.9.3; where it leaves a choice, all that are right.
BAD_HEADERS = {
    "no such host": (header("elsewhere.example"), "host-unknown"),
    "a host that is no domain": (header("a b"), "host-unknown improper-addressing"),
    "an account as host": (header("alice@localhost"), "host-unknown improper-addressing"),
    "no to": (header(None), "host-unknown improper-addressing"),
    "empty to": (header(""), "host-unknown improper-addressing"),
    "stream namespace": (header(**{"xmlns:stream": "http://etherx.jabber.org/stream"}), "invalid-namespace"),
    "content namespace of servers": (header(xmlns="jabber:server"), "invalid-namespace"),
    "content namespace of nobody": (header(xmlns="urn:nobody"), "invalid-namespace"),
    "root in no namespace": ("<stream to='localhost' version='1.0'>", "invalid-namespace bad-format"),
    "another root": (f"<stream:flood xmlns:stream='{STREAMS}' xmlns='{CLIENT}' to='localhost' version='1.0'>", "bad-format"),
    "a stanza as root": (f"<message xmlns='{CLIENT}' to='localhost' version='1.0'>", "bad-format invalid-namespace"),
    "unbound prefix": ("<stream:stream xmlns='jabber:client' to='localhost' version='1.0'>", "not-well-formed"),
    "no version": (header(version=None), "unsupported-version"),
    "version 0.9": (header(version="0.9"), "unsupported-version"),
    "version is no number": (header(version="one"), "unsupported-version"),
    "version is empty": (header(version=""), "unsupported-version"),
    "from is no address": (header(**{"from": "@"}), "invalid-from"),
    "tag in tag": ("<?xml version='1.0'?><stream:stream <x>>", "not-well-formed"),
    "attribute twice": (header().replace("to=", "to='localhost' to="), "not-well-formed"),
    "attribute without quotes": ("<stream:stream to=localhost>", "not-well-formed"),
    "text": ("hello", "not-well-formed bad-format"),
    "HTTP": ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "not-well-formed bad-format"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), "not-well-formed bad-format"),
    "an end tag": ("</stream:stream>", "not-well-formed"),
}


@pytest.mark.parametrize("stage", [CLEAR, SECURE, AUTHENTICATED])
@pytest.mark.parametrize("name", BAD_HEADERS)
def test_headers_that_are_bad(suite, name, stage):
    data, errors = BAD_HEADERS[name]
    with Wire.before_header(suite, stage) as wire:
        wire.send(data)
        assert wire.ending(version=None if name == "no version" else "1.0") in errors.split()


@pytest.mark.parametrize("stage", [SECURE, AUTHENTICATED])
def test_inv_07_a_restart_stays_in_its_domain(suite, stage):
    with Wire.before_header(suite, stage) as wire:
        wire.send(header("example.org"))
        assert wire.ending() in ("policy-violation", "host-unknown", "not-authorized", "invalid-from", "conflict")


def test_inv_07_a_restart_stays_with_its_account(suite):
    with Wire.before_header(suite, AUTHENTICATED) as wire:
        wire.send(header(**{"from": "bob@localhost"}))
        assert wire.ending() == "invalid-from"


def test_who_knows_no_version_is_told_none(suite):
    """RFC 6120 §4.7.5"""
    with Wire.connect(suite) as wire:
        wire.send(header(version=None))
        assert wire.ending(version=None) == "unsupported-version"


@pytest.mark.parametrize("asked, told", [("de", "de"), ("de-CH-1996", "de"), ("FR", "fr"), ("en-GB", "en"), ("tlh", "fr"), (None, "fr")])
def test_what_is_said_in_words_is_in_the_language_of_the_stream(french, asked, told):
    """RFC 6120 §4.7.4, by the lookup of RFC 4647 §3.4; the default is the operator's."""
    said = {"de": "zuerst muss eine Ressource gebunden werden", "fr": "il faut d'abord lier une ressource", "en": "bind first"}
    with Wire.at(french, SECURE) as wire:
        assert wire.scram("SCRAM-SHA-256", "alice", french.passwords["alice@localhost"]) == "success"
        wire.open(**{"xml:lang": asked})
        assert wire.header.get(LANG) == told
        wire.send(IQ)
        assert wire.ending() == "not-authorized"
        text = wire.elements[-1].find(f"{{{ERRORS}}}text")
        assert (text.get(LANG), text.text) == (told, said[told])


def test_a_byte_order_mark_is_none(suite):
    """RFC 6120 §11.6: it is a character, and what stands before the root is not well-formed."""
    with Wire.connect(suite) as wire:
        wire.send(b"\xef\xbb\xbf" + header(declaration="").encode())
        assert wire.ending() == "not-well-formed"


# ---- the end ----

@pytest.mark.parametrize("stage", [CLEAR, SECURE, ASKED, AUTHENTICATED, SESSION])
def test_a_stream_that_is_closed_is_closed_by_us_too(suite, stage):
    with Wire.at(suite, stage) as wire:
        wire.send("</stream:stream>")
        assert wire.ending() == "closed"


def test_what_was_said_before_the_end_is_heard(suite, witnesses):
    with Wire.at(suite, SESSION) as wire:
        wire.send(f"<message to='{witnesses.one.jid}'><body>last words</body></message></stream:stream>")
        assert wire.ending() == "closed"
    assert witnesses.one.hear() == "last words"


@pytest.mark.parametrize("stage", [SECURE, SESSION])
def test_tls_is_closed_before_tcp(suite, stage):
    """RFC 6120 §5.3.5: close_notify, so that a cut connection is not taken for a closed one."""
    with Wire.at(suite, stage) as wire:
        wire.sock.suppress_ragged_eofs = False
        wire.send("</stream:stream>")
        with pytest.raises(Ended):
            wire.until(lambda: False)
        assert wire.is_closed
        assert wire.sock.recv(1) == b""


def test_whoever_is_connected_is_told_of_a_shutdown(own_suite):
    """RFC 6120 §4.9.3.20"""
    wires = [Wire.at(own_suite, stage) for stage in (CLEAR, SECURE, ASKED, AUTHENTICATED, SESSION)]
    own_suite.kill("c2sd", signal.SIGTERM)
    assert [wire.ending() for wire in wires] == ["system-shutdown"] * len(wires)


def test_one_session_too_many_replaces_the_oldest():
    """REQUIREMENTS N-62"""
    with Suite(settings={"sessiond": "sessions_per_account = 2\n"}) as crowded:
        crowded.add_user("alice@localhost")
        with contextlib.ExitStack() as stack:
            one, two, three = (stack.enter_context(Wire.at(crowded, SESSION, resource=r)) for r in ("one", "two", "three"))
            assert one.ending() == "conflict"
            for wire in (two, three):
                assert wire.ask("<ping xmlns='urn:xmpp:ping'/>").get("type") == "result"
            assert "alice@localhost/one" not in crowded.ctl("session", "list").stdout


def test_no_more_sessions_than_an_account_may_have():
    """RFC 6120 §7.6.2.1, where the operator wants it: resource-constraint, and the stream may wish again when another one has gone."""
    with Suite(settings={"sessiond": "sessions_per_account = 1\nreplace_oldest_session = false\n"}) as crowded:
        crowded.add_user("alice@localhost")
        with Wire.at(crowded, SESSION, resource="one") as one, Wire.at(crowded, AUTHENTICATED) as two:
            assert stanza_error(two.bind("two")) == ("wait", "resource-constraint")
            one.send("</stream:stream>")
            assert one.ending() == "closed"
            wait_for(lambda: two.bind("two").get("type") == "result", 10, "the room is free")


def test_ten_wishes_for_a_resource(suite):
    """RFC 6120 §7.7.3: so often a client may be wrong."""
    with Wire.at(suite, AUTHENTICATED) as wire:
        for _ in range(9):
            assert stanza_error(wire.bind("x" * 1024)) == ("modify", "bad-request")
        assert wire.bind("right").get("type") == "result"
    with Wire.at(suite, AUTHENTICATED) as wire:
        for _ in range(9):
            wire.bind("x" * 1024)
        wire.send(f"<iq type='set' id='bind'><bind xmlns='{BIND}'><resource>{'x' * 1024}</resource></bind></iq>")
        assert wire.ending() == "policy-violation"


def test_binding_is_between_a_client_and_its_server(suite):
    """RFC 6120 §7.1: nothing goes to anybody else before it."""
    for to, ending in (("localhost", None), ("alice@localhost", None), ("bob@localhost", "not-authorized"), ("@", "not-authorized")):
        with Wire.at(suite, AUTHENTICATED) as wire:
            wire.send(f"<iq type='set' id='b' to='{to}'><bind xmlns='{BIND}'/></iq>")
            if ending:
                assert wire.ending() == ending
            else:
                assert wire.element().get("type") == "result"


def test_an_empty_resource_is_one_of_ours(suite):
    """RFC 6120 §7.7.2.1: it is made right rather than refused."""
    with Wire.at(suite, AUTHENTICATED) as wire:
        assert wire.bind("").get("type") == "result"
        assert len(wire.jid.split("/")[1]) >= 16


def test_two_domains_are_served(suite):
    for jid in ("alice@localhost", "alice@example.org"):
        with Wire.at(suite, SESSION, jid, "here") as wire:
            assert wire.header.get("from") == jid.split("@")[1]
            assert wire.jid == f"{jid}/here"


def test_languages_are_kept(suite, witnesses):
    with Wire.at(suite, SESSION) as wire:
        wire.send(f"<message to='{witnesses.one.jid}' xml:lang='de'><body>Guten Tag</body></message>")
    message = witnesses.one.element()
    assert message.get(LANG) == "de"
    assert message.get("from") == wire.jid


def test_an_error_of_a_session_leaves_no_session(suite):
    with Wire.at(suite, SESSION, resource="gone") as wire:
        assert wire.jid in suite.ctl("session", "list").stdout
        wire.send("<surprise/>")
        wire.until(lambda: wire.is_over)
    wait_for(lambda: wire.jid not in suite.ctl("session", "list").stdout, 10, "the session ended")

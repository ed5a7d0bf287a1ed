"""componentd, as components see it: XEP-0114 with what REQUIREMENTS 3.1 and 3.2 say of it (the numbers F-…)."""

import asyncio
import contextlib
import socket
import xml.etree.ElementTree as ET

import pytest

from chat import clients
from component import COMPONENT, PORT, Component, Echo, client_error, error_of, header, settings
from component_suite import ALL, BELOW, DEFAULT, ECHO, FREE, OTHER, SECRETS, alice, echo, other, suite, until_free
from suite import Suite, wait_for
from wire import CLIENT, WAIT, Ended


# ---- a real component ----

def test_a_component_made_with_slixmpp(suite):
    """F-38, F-74: it answers for itself, for any local part and resource of its name."""
    async def story():
        echo = Echo(suite, ECHO, SECRETS[ECHO])
        echo.connect()
        await asyncio.wait_for(echo.ready.wait(), WAIT)
        try:
            async with clients(suite, "alice@localhost/a") as alice:
                for to in (f"any.body@{ECHO}/at all", f"room@{ECHO}", ECHO):
                    alice.say(to, f"hello {to}")
                    answer = await alice.hear()
                    assert answer["body"] == f"hello {to}" and answer["from"] == to
                alice.register_plugin("xep_0030")
                info = await alice["xep_0030"].get_info(jid=ECHO, timeout=WAIT)
                assert ("client", "bot", None, "Echo") in info["disco_info"]["identities"]
                alice.register_plugin("xep_0199")
                assert await alice["xep_0199"].ping(ECHO, timeout=WAIT) > 0
        finally:
            await echo.stop()
    until_free(suite, ECHO)
    asyncio.run(story())


# ---- the stream ----

@pytest.mark.parametrize("name, secret, change, verdict", [
    (ECHO, "secret", lambda t: t, "handshake"),
    (ECHO, "secret", str.upper, "handshake"),
    (ECHO, "secret", lambda t: f"\n {t}\t", "handshake"),
    (ECHO, "Secret", lambda t: t, "not-authorized"),
    (ECHO, "tell-nobody", lambda t: t, "not-authorized"),
    (ECHO, ALL, lambda t: t, "not-authorized"),
    (OTHER, "secret", lambda t: t, "not-authorized"),
    (ECHO, "secret", lambda t: t[:-1], "not-authorized"),
    (ECHO, "secret", lambda t: t + "0", "not-authorized"),
    (ECHO, "secret", lambda t: "", "not-authorized"),
    (ECHO, "secret", lambda t: "<x/>" + t, "not-authorized"),
    (DEFAULT, ALL, lambda t: t, "handshake"),
    (DEFAULT, "", lambda t: t, "not-authorized"),
])
def test_a_component_proves_itself(suite, name, secret, change, verdict):
    """F-01, F-20, F-21, F-22. That nothing but the header comes before, `begin` has seen."""
    until_free(suite, name)
    with Component.connect(suite, PORT) as component:
        component.begin(name, more=" allowMultiple='true'")
        assert component.prove(secret, change) == verdict
        if verdict != "handshake":
            component.until(lambda: component.is_over)
            assert component.is_closed


@pytest.mark.parametrize("text, expected", [
    (header(None), "improper-addressing"),
    (header(""), "improper-addressing"),
    (header("not@an.address/x y"), "improper-addressing"),
    (header("unknown.example.net"), "host-unknown"),
    (header("localhost"), "host-unknown"),
    (header(ECHO, ns=CLIENT), "invalid-namespace"),
    (header(ECHO, ns="jabber:component:connect"), "invalid-namespace"),
    (header(ECHO) + "<handshake", None),
    (header(ECHO) + "</iq>", "not-well-formed"),
    (header(ECHO) + "<!-- -->", "restricted-xml"),
    (header(ECHO) + "<iq type='get' id='1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", "not-authorized"),
    (header(ECHO) + f"<handshake>{'0' * 20000}</handshake>", "policy-violation"),
    (f"<stream xmlns='{COMPONENT}' to='{ECHO}'>", "invalid-namespace"),
    ("GET / HTTP/1.0\r\n\r\n", "not-well-formed"),
])
def test_streams_that_are_refused(suite, text, expected):
    """F-28; who says half of it has a deadline."""
    until_free(suite, ECHO)
    with Component.connect(suite, PORT) as component:
        component.send(text)
        assert component.ending() == (expected or "connection-timeout")


def test_a_closed_stream_is_closed_altogether(echo):
    """F-26: the library that does not look notices when it writes."""
    echo.send("</stream:stream>")
    assert echo.ending() == "closed"
    def write_fails():
        try:
            echo.send(" ")
            return False
        except ConnectionError:
            return True
    wait_for(write_fails, 10, "a write is reset")


def test_blanks_keep_the_connection(suite, echo, alice):
    """F-23, F-24: both sides may be silent but for blanks; we send them too."""
    before = len(echo.raw)
    for _ in range(3):
        echo.send(" ")
        echo.silence(1.2)
    assert set(echo.raw[before:]) == set(b" ")
    alice.say(ECHO, "still there?")
    assert echo.stanza().findtext(f"{{{COMPONENT}}}body") == "still there?"


def test_tls_from_the_first_byte(suite):
    until_free(suite, ECHO)
    with Component.connect(suite, 5348) as component:
        component.handshake(ECHO)
        component.begin(ECHO)
        assert component.prove("secret") == "handshake"
        answer = component.ask("localhost", "<ping xmlns='urn:xmpp:ping'/>")
        assert answer.get("type") == "result"


def test_a_listener_allows_networks(suite):
    """F-07"""
    until_free(suite, ECHO)
    with Component.connect(suite, 5275) as component, pytest.raises((Ended, ConnectionError)):
        component.begin(ECHO)
    with Component.connect(suite, 5275, source="127.0.0.2") as component:
        component.begin(ECHO)
        assert component.prove("secret") == "handshake"


def test_where_it_listens():
    """F-02: this machine alone, both families; not from outside."""
    with Suite(settings=settings({ECHO: "secret"})) as s:
        for host in ("127.0.0.1", "::1"):
            with Component.at(s, ECHO, host=host):
                pass
            until_free(s, ECHO)
        own = socket.gethostbyname_ex(socket.gethostname())[2]
        for address in (a for a in own if not a.startswith("127.")):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, PORT + s.offset), WAIT)


# ---- who may say what ----

@pytest.mark.parametrize("sender", [
    OTHER, f"any@{OTHER}", "localhost", "alice@localhost", "alice@localhost/a", f"alice@localhost/{ECHO}",
    f"localhost/{ECHO}", f"{ECHO}@localhost", f"{ECHO}@localhost/{ECHO}", f"{OTHER}/{ECHO}", f"{ECHO}@{OTHER}",
    f"below.{ECHO}", ECHO.split(".", 1)[1], "somebody@remote.example", f"x@remote.example/{ECHO}", BELOW,
    f"@{ECHO}", f"{ECHO}/", "&#9;", f"a@b@{ECHO}",
])
@pytest.mark.parametrize("stanza", [
    "<message{0} to='alice@localhost'><body>forged</body></message>",
    "<presence{0} to='alice@localhost'/>",
    "<iq{0} to='alice@localhost/a' type='set' id='1'><query xmlns='jabber:iq:roster'/></iq>",
])
def test_inv_31_a_component_speaks_for_itself_alone(suite, echo, alice, sender, stanza):
    echo.send(stanza.format(f" from='{sender}'"))
    assert echo.ending() == "invalid-from"
    with contextlib.suppress(TimeoutError):  # her own presence may still come
        alice.until(lambda: any(e.get("from") != alice.jid for e in alice.elements), 0.05)
        raise AssertionError(alice.elements)


@pytest.mark.parametrize("sender, is_taken", [
    (FREE, True), (ECHO, True), (f"any@{OTHER}/thing", True), ("alice@localhost", False), ("localhost", False),
    (f"alice@localhost/{FREE}", False), ("x@remote.example", False), (f"below.{ECHO}", False),
])
def test_inv_31_without_validation_it_speaks_for_components_alone(suite, alice, sender, is_taken):
    """F-28: the switch that Prosody calls validate_from_addresses."""
    until_free(suite, FREE)
    with Component.at(suite, FREE, ALL) as free:
        free.send(f"<message from='{sender}' to='alice@localhost/a'><body>hello</body></message>")
        if is_taken:
            assert alice.wait_for(lambda e: e.find(f"{{{CLIENT}}}body") is not None).get("from") == sender
        else:
            assert free.ending() == "invalid-from"


@pytest.mark.parametrize("sender, seen", [
    (None, ECHO), (ECHO, ECHO), (f"anybody@{ECHO}", f"anybody@{ECHO}"), (f"{ECHO}/thing", f"{ECHO}/thing"),
    (f"ANY@{ECHO.upper()}/Thing", f"any@{ECHO}/Thing"), (f"{ECHO}.", ECHO),
])
def test_own_addresses(echo, alice, sender, seen):
    """F-74"""
    given = f" from='{sender}'" if sender else ""
    echo.send(f"<message to='alice@localhost/a'{given}><body>hello</body></message>")
    message = alice.wait_for(lambda e: e.find(f"{{{CLIENT}}}body") is not None)
    assert message.get("from") == seen


def test_forged_stamps_of_ours_are_removed(echo, alice):
    echo.send(f"<message from='{ECHO}' to='alice@localhost/a'><body>x</body>"
              "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='2001-01-01T00:00:00Z'/></message>")
    message = alice.wait_for(lambda e: e.find(f"{{{CLIENT}}}body") is not None)
    assert message.find("{urn:xmpp:delay}delay") is None


# ---- stanzas that are wrong ----

@pytest.mark.parametrize("stanza, expected", [
    ("<message id='1' type='chat'><body>x</body></message>", ("modify", "bad-request")),
    ("<presence id='1'/>", ("modify", "bad-request")),
    ("<iq id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>", ("modify", "bad-request")),
    ("<iq id='1' type='get' to='localhost'/>", ("modify", "bad-request")),
    ("<iq id='1' type='fetch' to='localhost'><x/></iq>", ("modify", "bad-request")),
    ("<message id='1' to='a@b@c'><body>x</body></message>", ("modify", "jid-malformed")),
])
def test_wrong_stanzas_are_answered(echo, stanza, expected):
    """F-29: and the stream goes on."""
    echo.send(stanza)
    answer = echo.stanza()
    assert answer.get("id") == "1" and error_of(answer) == expected
    assert echo.ask("localhost", "<ping xmlns='urn:xmpp:ping'/>").get("type") == "result"


@pytest.mark.parametrize("text, expected", [
    ("<handshake/>", "unsupported-stanza-type"), (f"<iq xmlns='{CLIENT}'/>", "invalid-namespace"),
    ("<r xmlns='urn:xmpp:sm:3'/>", "invalid-namespace"), ("<message", None), ("</message>", "not-well-formed"),
    (f"<message to='localhost' id='{'x' * 2000}'/>", "policy-violation"),
])
def test_what_ends_a_stream(echo, text, expected):
    if expected is None:
        echo.send(text + "><body>&lol;</body>")
        assert echo.ending() in ("not-well-formed", "restricted-xml")
        return
    echo.send(text)
    assert echo.ending() == expected


def test_the_size_of_a_stanza(echo, alice):
    """F-31"""
    body = "x" * (500 * 1024)
    echo.send(f"<message from='{ECHO}' to='alice@localhost/a'><body>{body}</body></message>")
    assert alice.hear() == body
    echo.send_all_it_takes(f"<message from='{ECHO}' to='alice@localhost/a'><body>{'x' * (513 * 1024)}</body></message>")
    with pytest.raises(Ended, match="policy-violation|b''"):
        echo.element()


# ---- namespaces ----

PAYLOADS = [
    "<query><set><max>2</max></set></query>",
    "<query xmlns='remoteGetUserQuota'><a xmlns='no URI at all'/><b xmlns='x'/></query>",
    "<query xmlns='http://fogbowcloud.org/rendezvous/whoisalive'><set><max>2</max></set></query>",
    "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='{own}'><body>x</body></message></forwarded>",
    "<a xmlns='urn:a' xmlns:p='urn:p' p:x='1'><p:b><c xmlns='{own}'><d/></c></p:b></a>",
]


def shape(element, own):
    """Names and content, the stream's own namespace as `own`."""
    tag = element.tag.replace(f"{{{own}}}", "{own}")
    return (tag, sorted(element.attrib.items()), (element.text or "").strip(), [shape(child, own) for child in element])


def parsed(text, own):
    return shape(ET.fromstring(f"<top xmlns='{own}'>{text}</top>")[0], own)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_namespaces_at_every_depth(echo, other, alice, payload):
    """F-32, F-33: what is in the stream's namespace is in that of the other stream; below a foreign element everybody's stanzas are
    those of clients, and other namespaces are left alone."""
    def of(own):
        return payload.replace("{own}", own)
    wanted = parsed(of(CLIENT), CLIENT)
    elsewhere = parsed(of(CLIENT), COMPONENT)
    alice.send(f"<presence to='{ECHO}'/>")  # who does not see her may not ask her
    echo.wait_for(lambda e: e.get("from") == "alice@localhost/a" and e.get("type") is None)
    echo.send(f"<iq type='set' id='c' from='{ECHO}' to='alice@localhost/a'>{of(COMPONENT)}</iq>")
    request = alice.wait_for(lambda e: e.get("id") == "c")
    assert shape(request[0], CLIENT) == wanted
    assert COMPONENT.encode() not in alice.raw
    alice.send(f"<iq type='set' id='d' to='{ECHO}'>{of(CLIENT)}</iq>")
    assert shape(echo.wait_for(lambda e: e.get("id") == "d")[0], COMPONENT) == elsewhere
    echo.send(f"<iq type='set' id='e' from='{ECHO}' to='{OTHER}'>{of(COMPONENT)}</iq>")
    assert shape(other.stanza()[0], COMPONENT) == elsewhere


@pytest.mark.parametrize("payload", [
    "<query xmlns='http://jabber.org/protocol/disco#info'/>", "<query xmlns='http://jabber.org/protocol/disco#items'/>",
    "<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='jabber:iq:last'/>", "<time xmlns='urn:xmpp:time'/>",
    "<query xmlns='jabber:iq:version'/>",
])
def test_it_answers_for_itself(echo, alice, payload):
    """F-38: what the server answers for itself and its users reaches a component untouched."""
    alice.send(f"<iq type='get' id='s' to='{ECHO}'>{payload}</iq>")
    request = echo.wait_for(lambda e: e.get("id") == "s")
    assert request.get("to") == ECHO and shape(request[0], COMPONENT) == parsed(payload, COMPONENT)
    echo.answer(request, "<mine xmlns='urn:mine'/>")
    answer = alice.wait_for(lambda e: e.get("id") == "s")
    assert answer.get("type") == "result" and answer.get("from") == ECHO and answer[0].tag == "{urn:mine}mine"


# ---- who is not there ----

def test_a_component_that_is_not_there(suite, alice, echo):
    """F-30, F-35: an error of type wait from whom it was for; errors and results are dropped."""
    until_free(suite, OTHER)
    to = f"any@{OTHER}/thing"
    answer = alice.ask("<query xmlns='urn:x'/>", to=to, id="late")
    assert client_error(answer) == ("wait", "remote-server-timeout") and answer.get("from") == to
    answer = echo.ask(to, "<query xmlns='urn:x'/>")
    assert error_of(answer) == ("wait", "remote-server-timeout") and answer.get("from") == to
    alice.send(f"<iq type='result' id='1' to='{to}'/><iq type='error' id='2' to='{to}'><error type='cancel'/></iq>"
               f"<message type='error' to='{to}'><error type='cancel'/></message>")
    alice.send(f"<message to='{to}' id='m'><body>x</body></message>")
    answer = alice.wait_for(lambda e: e.get("type") == "error")
    assert answer.get("id") == "m" and client_error(answer) == ("wait", "remote-server-timeout")


def test_addresses_of_nobody(echo):
    answer = echo.ask("nobody@localhost", "<query xmlns='urn:x'/>")
    assert error_of(answer)[1] == "service-unavailable" and answer.get("from") == "nobody@localhost"


def test_a_component_that_has_just_gone_is_waited_for(suite, echo, alice):
    """What was sent meanwhile comes when it is back."""
    suite.ctl("component", "kick", ECHO)
    assert echo.ending() == "reset"
    alice.say(f"x@{ECHO}", "one")
    alice.say(f"x@{ECHO}", "two")
    with Component.at(suite, ECHO) as again:
        assert [again.stanza().findtext(f"{{{COMPONENT}}}body") for _ in range(2)] == ["one", "two"]

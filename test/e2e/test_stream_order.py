"""Streams on the wire: what may be said when (INV-3, INV-14)."""

import pytest

from elements import ELEMENTS
from wire import ASKED, AUTHENTICATED, CLEAR, SASL, SECURE, SESSION, Ended, Wire

pytestmark = pytest.mark.usefixtures("nobody_else_notices")


# What comes of it: "=tag" an answer, "failure X" one of SASL, "error" a stanza error, else the stream errors that are right.
REFUSED = "not-authorized policy-violation unsupported-stanza-type invalid-namespace bad-format"
MATRIX = {
    (CLEAR, "starttls"): "=proceed",
    # RFC 6120 §5.4.2.2: <failure/> where it was not offered, then the end of the stream
    **{(stage, "starttls"): "=failure" for stage in (SECURE, ASKED, AUTHENTICATED, SESSION)},
    (CLEAR, "auth"): "failure encryption-required",
    (SECURE, "auth"): "=success",
    (ASKED, "auth"): "=success",
    (ASKED, "response"): "failure malformed-request",
    (ASKED, "abort"): "failure aborted",
    (AUTHENTICATED, "bind"): "=iq result",
    (AUTHENTICATED, "auth"): "policy-violation not-authorized unsupported-stanza-type",
    (SESSION, "bind"): "error",
    (SESSION, "bind get"): "error",
    (SESSION, "session"): "=iq result",
    (SESSION, "old auth"): "error",
    (SESSION, "register"): "error",
    (SESSION, "iq"): "=iq result",
    (SESSION, "message"): "nothing",
    (SESSION, "presence"): "=presence",
    (SESSION, "unknown"): "unsupported-stanza-type",
    (SESSION, "unknown in jabber:client"): "unsupported-stanza-type",
    (SESSION, "message of servers"): "invalid-namespace unsupported-stanza-type",
    (SESSION, "message of nobody"): "invalid-namespace unsupported-stanza-type",
    **{(stage, name): "not-authorized" for stage in (CLEAR, SECURE, ASKED, AUTHENTICATED)
       for name in ("iq", "message", "presence", "session", "old auth", "register")},
    **{(stage, name): "not-authorized" for stage in (CLEAR, SECURE, ASKED) for name in ("bind", "bind get")},
    (AUTHENTICATED, "bind get"): "error not-authorized",
}


def outcome(wire):
    try:
        answer = wire.element(1)
    except Ended as e:
        return str(e)
    except TimeoutError:
        return "nothing"
    name = answer.tag.split("}")[1]
    if answer.tag == f"{{{SASL}}}failure":
        return "failure " + answer[0].tag.split("}")[1]
    if answer.get("type") == "error":
        return "error"
    return f"={name} {answer.get('type')}" if name == "iq" else f"={name}"


@pytest.mark.parametrize("stage", [CLEAR, SECURE, ASKED, AUTHENTICATED, SESSION])
@pytest.mark.parametrize("name", ELEMENTS)
def test_inv_03_what_may_be_said_when(suite, witnesses, name, stage):
    expected = MATRIX.get((stage, name), REFUSED)
    element = ELEMENTS[name]
    with Wire.at(suite, stage) as wire:
        wire.send(element(suite) if callable(element) else element)
        got = outcome(wire)
        assert got == expected or got in expected.split(), got
        if not got.startswith(("=", "failure", "error", "nothing")):
            wire.until(lambda: wire.is_over)
            assert wire.is_closed
    if (stage, name) == (SESSION, "message"):
        assert witnesses.one.hear() == "early"
    else:
        witnesses.one.silence(0.02)


@pytest.mark.parametrize("name", ["message", "iq", "presence", "unknown", "starttls"])
def test_inv_03_after_success_comes_a_header(suite, name):
    with Wire.before_header(suite, AUTHENTICATED) as wire:
        wire.send(ELEMENTS[name])
        assert wire.ending() in ("bad-format", "invalid-namespace", "not-authorized")


@pytest.mark.parametrize("stage", [CLEAR, SECURE, AUTHENTICATED, SESSION])
def test_text_between_elements(suite, stage):
    with Wire.at(suite, stage) as wire:
        wire.send("text")
        assert wire.ending() in ("not-well-formed", "bad-format", "invalid-xml")


@pytest.mark.parametrize("stage", [CLEAR, SECURE, AUTHENTICATED, SESSION])
def test_white_space_between_elements_is_nothing(suite, stage):
    with Wire.at(suite, stage) as wire:
        wire.send(" \n\t" * 10000)
        wire.silence()


def test_inv_14_strangers_get_no_service(suite):
    """No account for the asking, and nobody's post is carried: not before authentication, with the defaults."""
    with Wire.at(suite, SECURE) as wire:
        assert "register" not in str(wire.features)
    register = "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>eve</username><password>x</password></query></iq>"
    relay = "<message to='somebody@elsewhere.example'><body>from nobody</body></message>"
    for early in (register, register.replace("'set'", "'get'"), relay, relay.replace("message", "presence")):
        with Wire.at(suite, SECURE) as wire:
            wire.send(early)
            assert wire.ending() == "not-authorized"
    assert "eve@localhost" not in suite.ctl("user", "list").stdout

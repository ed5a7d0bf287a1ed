"""Streams on the wire: what is offered, STARTTLS and what stands behind it."""

import re

import pytest

from elements import ELEMENTS, IQ
from scram import plain
from suite import Suite
from wire import (AUTHENTICATED, BIND, CLEAR, LIMITS, OPTIONAL_LISTENERS, OPTIONAL_PORT, SASL, SECURE, TLS, Ended, Wire, encode,
                  header)

pytestmark = pytest.mark.usefixtures("nobody_else_notices")


@pytest.fixture(scope="module")
def suite():
    """With a listener where TLS is optional."""
    with Suite(settings={"c2sd": OPTIONAL_LISTENERS}) as s:
        s.add_users("alice", "bob", "carol")
        yield s


# ---- features (RFC 6120 §4.3.2) ----

def names(features):
    return {re.sub(r"^\{.*\}", "", e.tag) for e in features}


def test_features_in_clear(suite):
    with Wire.at(suite, CLEAR) as wire:
        assert names(wire.features) == {"starttls", "limits"}
        assert wire.features.find(f"{{{TLS}}}starttls/{{{TLS}}}required") is not None


def test_features_under_tls(suite):
    with Wire.at(suite, SECURE) as wire:
        assert wire.features.find(f"{{{TLS}}}starttls") is None
        assert {"mechanisms", "sasl-channel-binding", "limits"} <= names(wire.features)
        assert not {"bind", "session", "register"} & names(wire.features)


def test_features_of_the_authenticated(suite):
    with Wire.at(suite, AUTHENTICATED) as wire:
        assert wire.features.find(f"{{{BIND}}}bind") is not None
        assert not {"starttls", "mechanisms"} & names(wire.features)


def test_the_limits_are_told(suite):
    """XEP-0478"""
    told = []
    for stage in (SECURE, AUTHENTICATED):
        with Wire.at(suite, stage) as wire:
            told.append(int(wire.features.findtext(f"{{{LIMITS}}}limits/{{{LIMITS}}}max-bytes")))
            idle = wire.features.findtext(f"{{{LIMITS}}}limits/{{{LIMITS}}}idle-seconds")
            assert idle is None if stage == SECURE else int(idle) > 0
    assert told == [10240, 262144]


def test_no_compression_is_offered(suite):
    for stage in (CLEAR, SECURE, AUTHENTICATED):
        with Wire.at(suite, stage) as wire:
            assert "compression" not in names(wire.features)


# ---- TLS first (INV-8, INV-9) ----

@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "EXTERNAL", "ANONYMOUS"])
def test_inv_08_no_sasl_before_tls(suite, mechanism):
    with Wire.at(suite, CLEAR) as wire:
        assert not wire.mechanisms()
        assert wire.auth(mechanism, plain("alice", suite.passwords["alice@localhost"])).tag == f"{{{SASL}}}failure"
        wire.send(IQ)
        assert wire.ending() == "not-authorized"


def test_inv_08_tls_may_be_optional_but_plain_never_is(suite):
    with Wire.connect(suite, OPTIONAL_PORT) as wire:
        wire.open()
        starttls = wire.features.find(f"{{{TLS}}}starttls")
        assert starttls is not None and starttls.find(f"{{{TLS}}}required") is None
        assert set(wire.mechanisms()) == {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"}
        for mechanism in ("PLAIN", "SCRAM-SHA-256-PLUS"):
            answer = wire.auth(mechanism, plain("alice", suite.passwords["alice@localhost"]))
            assert answer[0].tag in (f"{{{SASL}}}invalid-mechanism", f"{{{SASL}}}encryption-required")
        wire.log_in("alice@localhost")
        assert wire.bind("lan").get("type") == "result"


def test_tls_on_the_optional_listener(suite):
    with Wire.connect(suite, OPTIONAL_PORT) as wire:
        wire.starttls().open()
        assert "PLAIN" in wire.mechanisms()
        assert wire.plain("alice", suite.passwords["alice@localhost"]) == "success"


BEHIND = {
    "a stanza": "<message to='bob@localhost/witness'><body>smuggled</body></message>",
    "authentication": ELEMENTS["auth"],
    "a header": header(),
    "half a tag": "<mess",
    "a letter": "x",
    "a null byte": b"\0",
}


@pytest.mark.parametrize("name", BEHIND)
@pytest.mark.parametrize("port", [5222, OPTIONAL_PORT])
def test_inv_09_nothing_stands_behind_starttls(suite, witnesses, port, name):
    """What came in clear in the same segment must not be taken for what came under TLS."""
    behind = BEHIND[name](suite) if callable(BEHIND[name]) else BEHIND[name]
    with Wire.connect(suite, port) as wire:
        wire.open()
        wire.send(ELEMENTS["starttls"].encode() + (behind if isinstance(behind, bytes) else behind.encode()))
        with pytest.raises(Ended):
            while wire.element().tag == f"{{{TLS}}}proceed":
                # Whoever goes on with the handshake has been refused nevertheless.
                wire.until(lambda: False)
    witnesses.one.silence(0.1)


def test_starttls_with_white_space_behind_it(suite):
    with Wire.connect(suite) as wire:
        wire.open()
        wire.send(ELEMENTS["starttls"] + "\n")
        assert wire.element().tag == f"{{{TLS}}}proceed"
        wire.handshake().open()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_inv_09_no_stanza_stands_behind_auth(suite, witnesses, mechanism):
    with Wire.at(suite, SECURE) as wire:
        initial = encode(plain("alice", suite.passwords["alice@localhost"])) if mechanism == "PLAIN" else encode(b"n,,n=alice,r=abc")
        wire.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{initial}</auth>" + BEHIND["a stanza"])
        wire.until(lambda: wire.is_closed or b"<stream:error" in wire.raw)
        wire.until(lambda: wire.is_over)
    witnesses.one.silence(0.1)

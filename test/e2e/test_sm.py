"""Stream management (XEP-0198) without resumption: what the server vouches for, and what becomes of what a client did not."""

import asyncio
import contextlib
import time

import pytest

from chat import Client, clients
from suite import PATIENCE
from wire import AUTHENTICATED, CLIENT, SESSION, STREAMS, WAIT, Ended, Wire

SM = "urn:xmpp:sm:3"
ENABLE, REQUEST = f"<enable xmlns='{SM}'/>", f"<r xmlns='{SM}'/>"


def tag(name):
    return f"{{{SM}}}{name}"


def enabled(suite, jid, resource="sm", presence=True):
    """A client with stream management, its own presence come back and acknowledged."""
    wire = Wire.at(suite, SESSION, jid, resource)
    wire.send(ENABLE)
    answer = wire.element()
    assert (answer.tag, answer.attrib) == (tag("enabled"), {})
    if presence:
        wire.send("<presence/>")
        wire.wait_for(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == wire.jid)
        acknowledge(wire, 1)
    return wire


def acknowledge(wire, h):
    wire.send(f"<a xmlns='{SM}' h='{h}'/>")


def handled(wire, expected):
    """Asks until that many are in custody; h never goes back."""
    last, end = 0, time.monotonic() + WAIT
    while time.monotonic() < end:
        wire.send(REQUEST)
        h = int(wire.wait_for(lambda e: e.tag == tag("a")).get("h"))
        assert last <= h <= expected
        if h == expected:
            return
        last = h
        time.sleep(0.01)
    raise AssertionError(f"{last} of {expected} are in custody")


def waiting_for(suite, jid, resource="later"):
    """What messages a new session is given; ends the session having taken them."""
    with Wire.at(suite, SESSION, jid, resource) as wire:
        wire.send("<presence/>")
        with contextlib.suppress(TimeoutError):
            wire.until(lambda: False, 1.5 * PATIENCE)
        bodies = [e.findtext(f"{{{CLIENT}}}body") for e in wire.elements if e.tag == f"{{{CLIENT}}}message"]
        wire.send("</stream:stream>")
        wire.until(lambda: wire.is_over)
        return bodies


# ---- counting ----

def test_it_is_offered_behind_authentication_only(suite):
    with Wire.at(suite, AUTHENTICATED) as wire:
        assert wire.features.find(tag("sm")) is not None
        wire.send(ENABLE)
        failed = wire.element()
        assert failed.tag == tag("failed")
        assert failed[0].tag == "{urn:ietf:params:xml:ns:xmpp-stanzas}unexpected-request"
        assert wire.bind().get("type") == "result"


def test_h_counts_from_enable_on(suite):
    with Wire.at(suite, SESSION, "alice@localhost") as alice:
        alice.say("bob@localhost", "before")
        alice.send(ENABLE + REQUEST)
        assert alice.element().tag == tag("enabled")
        assert alice.element().get("h") == "0"
        for n in range(10):
            alice.say("bob@localhost", str(n))
        alice.send("<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        handled(alice, 12)
    assert waiting_for(suite, "bob@localhost") == ["before", *map(str, range(10))]


def test_h_advances_without_being_asked_again(suite):
    with enabled(suite, "alice@localhost", presence=False) as alice:
        for n in range(50):
            alice.say("carol@localhost", str(n))
        alice.send(REQUEST)
        while int(alice.wait_for(lambda e: e.tag == tag("a")).get("h")) < 50:
            pass
    assert waiting_for(suite, "carol@localhost") == [str(n) for n in range(50)]


def test_inv_25_a_count_that_is_too_high_ends_the_stream(suite):
    with enabled(suite, "alice@localhost", presence=False) as alice:
        acknowledge(alice, 3)
        alice.until(lambda: alice.is_over)
        error = alice.elements[-1]
        assert error.tag == f"{{{STREAMS}}}error"
        assert error.find(tag("handled-count-too-high")).attrib == {"h": "3", "send-count": "0"}
        assert alice.ending() == "undefined-condition"


def test_a_second_enable_ends_the_stream(suite):
    with enabled(suite, "alice@localhost", presence=False) as alice:
        alice.send(ENABLE)
        assert alice.element().tag == tag("failed")
        assert alice.ending() == "policy-violation"


def test_the_server_asks(suite):
    with enabled(suite, "alice@localhost") as alice, Wire.at(suite, SESSION, "bob@localhost") as bob:
        bob.say(alice.jid, "one")
        assert alice.hear() == "one"
        assert alice.element().tag == tag("r")
        acknowledge(alice, 2)
        alice.silence(3)


# ---- what was not acknowledged ----

def test_what_the_client_did_not_acknowledge_comes_again(suite):
    with enabled(suite, "alice@localhost") as alice, Wire.at(suite, SESSION, "bob@localhost") as bob:
        for n in range(5):
            bob.say("alice@localhost", str(n))
        assert [alice.hear() for _ in range(5)] == [str(n) for n in range(5)]
        acknowledge(alice, 3)
        alice.ask("<ping xmlns='urn:xmpp:ping'/>", id="seen", to="localhost")
        alice.close()
    assert waiting_for(suite, "alice@localhost") == ["2", "3", "4"]
    assert waiting_for(suite, "alice@localhost") == []


def test_it_goes_to_another_session_that_is_there(suite):
    with enabled(suite, "alice@localhost", "one") as one, Wire.at(suite, SESSION, "bob@localhost") as bob:
        bob.say("alice@localhost", "hello")
        assert one.hear() == "hello"
        with Wire.at(suite, SESSION, "alice@localhost", "two") as two:
            two.send("<presence/>")
            two.ask("<ping xmlns='urn:xmpp:ping'/>", id="seen", to="localhost")
            one.close()
            assert two.hear() == "hello"


def test_offline_messages_stay_until_they_are_acknowledged(suite):
    with Wire.at(suite, SESSION, "bob@localhost") as bob:
        bob.say("alice@localhost", "later")
        bob.ask("<ping xmlns='urn:xmpp:ping'/>", to="localhost")
    with enabled(suite, "alice@localhost", presence=False) as alice:
        alice.send("<presence/>")
        assert alice.hear() == "later"
    assert waiting_for(suite, "alice@localhost") == ["later"]
    assert waiting_for(suite, "alice@localhost") == []


@pytest.mark.parametrize("daemon", ["c2sd", "router", "storaged"])
def test_acknowledged_is_not_lost_with_a_daemon(own_suite, daemon):
    """Who has seen h knows that so many will arrive."""
    sent = 0
    with contextlib.suppress(Ended, OSError, TimeoutError), enabled(own_suite, "alice@localhost", presence=False) as alice:
        for n in range(100):
            alice.say("bob@localhost", str(n))
            if n % 10 == 9:
                handled(alice, n + 1)
                sent = n + 1
            if n == 55:
                own_suite.kill(daemon)
    assert sent >= 50

    async def story():
        client = await Client(own_suite, "bob@localhost/late").login()
        try:
            heard = [(await client.hear())["body"] for _ in range(sent)]
        finally:
            await client.logout()
        assert heard == [str(n) for n in range(sent)]
    own_suite.wait_linked()
    asyncio.run(story())


# ---- a client of another make ----

def test_slixmpp_talks_with_it(suite):
    async def story():
        async with clients(suite, "bob@localhost/two") as bob:
            alice = Client(suite, "alice@localhost/one")
            alice.register_plugin("xep_0198")
            on = asyncio.Event()
            alice.add_event_handler("sm_enabled", lambda _: on.set())
            await alice.login()
            try:
                await asyncio.wait_for(on.wait(), 10)
                for n in range(200):
                    alice.say("bob@localhost/two", str(n))
                    bob.say("alice@localhost/one", f"r{n}")
                assert [(await bob.hear())["body"] for _ in range(200)] == [str(n) for n in range(200)]
                assert [(await alice.hear())["body"] for _ in range(200)] == [f"r{n}" for n in range(200)]
                assert not alice.ended.is_set()
            finally:
                await alice.logout()
        async with clients(suite, "alice@localhost/again") as alice:
            await alice.nothing()
    asyncio.run(story())

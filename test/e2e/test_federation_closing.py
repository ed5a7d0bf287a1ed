"""How streams between servers end (RFC 6120 §4.4): whoever closes waits for the other side, which says first what it has, so that
nothing is sent twice to a server that acknowledges (XEP-0198)."""

import contextlib

import pytest

from peers import Jackdaw
from rogue import ROGUE, SM, US, message, proved
from suite import wait_for
from wire import Ended, Wire

BODY = "{jabber:server}body"
QUIET = 0.5


@pytest.fixture(scope="module")
def suite(authority):
    with Jackdaw(US, more=f'linger_seconds = 2\nremote "{ROGUE}" {{ policy = optional }}\n') as s:
        s.routes = {ROGUE: authority.server_port}
        s.begin("alice")
        yield s


@pytest.fixture(autouse=True)
def fresh(suite, authority):
    authority.reset()
    authority.features = f"<sm xmlns='{SM}'/>"
    authority.on_element = authority.takes_all
    yield
    # Nothing is left for the next test.
    authority.on_element = authority.acknowledges
    for wire in list(authority.wires):
        with contextlib.suppress(OSError):
            wire.send("</stream:stream>")
    wait_for(lambda: waiting(suite) == 0, 20, "an empty queue")
    suite.ctl("s2s", "close", ROGUE)
    wait_for(lambda: not suite.s2s("list")[1:], 20, "the end of all streams")


def bodies(authority):
    return [element.findtext(BODY) for element in authority.heard("message")]


def say(alice, authority, *texts):
    """Until they have come to the other side, which acknowledges nothing of its own accord."""
    for text in texts:
        alice.say(f"bob@{ROGUE}", text)
    wait_for(lambda: bodies(authority)[-len(texts):] == list(texts), 10, f"{texts} at the other side")


def waiting(suite):
    return sum(int(row[2]) for row in suite.s2s("queue")[1:])


def acknowledged(wire):
    """What it says of ours; nothing: nothing."""
    return [e.get("h") for e in wire.elements if e.tag == f"{{{SM}}}a"]


def close(suite, authority):
    """By the operator. The connection that our end came on."""
    wire = authority.wires[-1]
    assert "1 closed" in suite.ctl("s2s", "close", ROGUE).stdout
    wait_for(lambda: wire.is_closed, 10, "our end")
    return wire


def test_we_close_and_the_last_acknowledgement_is_taken(suite, authority, alice):
    say(alice, authority, "one", "two")
    assert waiting(suite) == 2
    wire = close(suite, authority)
    assert authority.results[-1][1].tag == f"{{{SM}}}r"
    assert [row[3] for row in suite.s2s("list")[1:]] == ["half-closed"]
    wire.send(f"<a xmlns='{SM}' h='2'/></stream:stream>")
    wait_for(lambda: wire.is_over, 10, "the end of the connection")
    assert waiting(suite) == 0
    say(alice, authority, "three")
    assert bodies(authority) == ["one", "two", "three"]


def test_what_the_last_acknowledgement_does_not_have_comes_again(suite, authority, alice):
    """In its order: what is said meanwhile waits."""
    say(alice, authority, "one", "two")
    wire = close(suite, authority)
    alice.say(f"bob@{ROGUE}", "three")
    wait_for(lambda: waiting(suite) == 3, 10, "the third in the queue")
    wire.send(f"<a xmlns='{SM}' h='1'/></stream:stream>")
    wait_for(lambda: len(bodies(authority)) == 4, 10, "all of them")
    assert bodies(authority) == ["one", "two", "two", "three"]


def test_a_peer_that_does_not_close_is_not_waited_for_for_ever(suite, authority, alice):
    say(alice, authority, "one")
    wire = close(suite, authority)
    wait_for(lambda: wire.is_over, 10, "the end of the connection")
    wait_for(lambda: bodies(authority) == ["one", "one"], 10, "the same again")


def test_a_peer_that_closes_first_gets_our_end(suite, authority, alice):
    say(alice, authority, "one")
    wire = authority.wires[-1]
    wire.send(f"<a xmlns='{SM}' h='1'/></stream:stream>")
    wait_for(lambda: wire.is_closed and wire.is_over, 10, "our end, and that of the connection")
    assert waiting(suite) == 0
    say(alice, authority, "two")
    assert bodies(authority) == ["one", "two"]


def test_an_idle_stream_is_closed_in_the_same_way(authority):
    more = f'idle_seconds = 1\nlinger_seconds = 60\nremote "{ROGUE}" {{ policy = optional }}\n'
    with Jackdaw(US, more=more) as suite:
        suite.routes = {ROGUE: authority.server_port}
        suite.begin("alice")
        with Wire.at(suite, "session", f"alice@{US}") as alice:
            say(alice, authority, "one")
            first = authority.wires[-1]
            # What is not acknowledged keeps it open.
            wait_for(lambda: authority.heard("r"), 10, "a question")
            first.send(f"<a xmlns='{SM}' h='1'/>")
            wait_for(lambda: first.is_closed, 10, "the end of an idle stream")
            assert not first.is_over
            # Another one is made at once.
            say(alice, authority, "two")
            second = authority.wires[-1]
            assert second is not first and not second.is_closed
            first.send("</stream:stream>")
            wait_for(lambda: first.is_over, 10, "the end of the connection")
            second.send(f"<a xmlns='{SM}' h='1'/>")
        assert bodies(authority) == ["one", "two"]


# ---- as the one that is sent to ----

def managed(suite):
    wire = proved(suite)
    wire.send(f"<enable xmlns='{SM}'/>")
    assert wire.element().tag == f"{{{SM}}}enabled"
    return wire


def hear(alice, text):
    assert alice.wait_for(lambda e: e.tag.endswith("message")).findtext("{jabber:client}body") == text


def hears_nothing(alice):
    with contextlib.suppress(TimeoutError):
        heard = alice.wait_for(lambda e: e.tag.endswith("message"), QUIET)
        raise AssertionError(heard.findtext("{jabber:client}body"))


def test_we_close_and_say_first_what_we_have(suite, alice):
    with managed(suite) as wire:
        wire.send(message(text="one") + message(text="two"))
        hear(alice, "one")
        hear(alice, "two")
        suite.ctl("s2s", "close", ROGUE)
        wire.until(lambda: wire.is_closed)
        assert acknowledged(wire)[-1] == "2" and not wire.is_over
        # This one we do not count any more: it comes again on another stream, and may not come twice.
        wire.send(message(text="three") + "</stream:stream>")
        wire.until(lambda: wire.is_over)
        hears_nothing(alice)


def test_what_is_not_counted_is_taken_up_to_the_end(suite, alice):
    with proved(suite) as wire:
        wire.send(message(text="one"))
        hear(alice, "one")
        suite.ctl("s2s", "close", ROGUE)
        wire.until(lambda: wire.is_closed)
        wire.send(message(text="two") + "</stream:stream>")
        hear(alice, "two")
        wire.until(lambda: wire.is_over)


def test_a_peer_that_closes_behind_its_stanzas_is_told_that_we_have_them(suite, alice):
    with managed(suite) as wire:
        wire.send(message(text="one") + "</stream:stream>")
        hear(alice, "one")
        wire.until(lambda: wire.is_over)
        assert wire.is_closed and acknowledged(wire) == ["1"]


def test_the_same_with_a_stream_error(suite, alice):
    with managed(suite) as wire:
        wire.send(message(text="one") + "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                  + "</stream:stream>")
        hear(alice, "one")
        wire.until(lambda: wire.is_over)
        assert wire.is_closed and acknowledged(wire) == ["1"]


def test_nothing_stands_behind_the_end(suite, alice):
    with managed(suite) as wire:
        wire.send("</stream:stream>" + message(text="one"))
        wire.until(lambda: wire.is_over)
        hears_nothing(alice)


def test_at_an_orderly_stop_all_are_told(suite, alice):
    with managed(suite) as wire:
        wire.send(message(text="one"))
        hear(alice, "one")
        suite.kill("s2sd", 15)
        with contextlib.suppress(Ended):
            wire.until(lambda: wire.is_closed)
        assert wire.elements[-1].tag.endswith("}error") and acknowledged(wire)[-1] == "1"
        wire.send("</stream:stream>")
        wire.until(lambda: wire.is_over)
    suite.wait_linked()


def test_what_is_refused_is_counted_too(suite):
    with managed(suite) as wire:
        wire.send(f"<iq type='get' id='1' from='mallory@{ROGUE}' to='alice@{US}'/><r xmlns='{SM}'/>")
        assert wire.wait_for(lambda e: e.tag == f"{{{SM}}}a").get("h") == "1"

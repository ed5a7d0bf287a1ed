"""Resumption (XEP-0198 §5): sessions that outlive their connections, whichever daemon is lost meanwhile."""

import contextlib
import time

import pytest

from suite import Suite, wait_for
from wire import AUTHENTICATED, CLIENT, ERRORS, SESSION, STANZAS, STREAMS, WAIT, Ended, Wire, condition

SM = "urn:xmpp:sm:3"


def tag(name):
    return f"{{{SM}}}{name}"


class Person:
    """A client as XEP-0198 wants it: counts what it gets, keeps what it has sent until the server has it, comes back."""

    def __init__(self, suite, jid, resource="phone", presence=True, enable="resume='true'"):
        self.suite, self.bare, self.resource = suite, jid, resource
        self.got, self.unacked, self.acked, self.bodies = 0, [], 0, []
        self.wire = Wire.at(suite, SESSION, jid, resource)
        self.jid = self.wire.jid
        self.wire.send(f"<enable xmlns='{SM}' {enable}/>")
        enabled = self.wire.element()
        assert enabled.tag == tag("enabled") and enabled.get("resume") == "true" and int(enabled.get("max")) > 0
        self.id, self.seconds = enabled.get("id"), int(enabled.get("max"))
        if presence:
            self.stanza("<presence/>")
            self.take(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == self.jid)

    def stanza(self, text):
        self.unacked.append(text)
        with contextlib.suppress(OSError):
            self.wire.send(text)

    def say(self, to, body):
        self.stanza(f"<message to='{to}' type='chat'><body>{body}</body></message>")

    def book(self, element):
        """What an element means for the counters."""
        if element.tag in (tag("a"), tag("resumed")):
            h = int(element.get("h"))
            assert h >= self.acked, "h went back"
            del self.unacked[:h - self.acked]
            self.acked = h
        elif element.tag == tag("r"):
            self.wire.send(f"<a xmlns='{SM}' h='{self.got}'/>")
        elif element.tag.startswith(f"{{{CLIENT}}}"):
            self.got += 1
            body = element.findtext(f"{{{CLIENT}}}body")
            if body is not None:
                self.bodies.append(body)

    def take(self, accepts, seconds=WAIT):
        """The next element that is accepted; all before it are booked too."""
        def booked(element):
            self.book(element)
            return accepts(element)
        return self.wire.wait_for(booked, seconds)

    def hear(self, n):
        """Until it has heard n messages in all."""
        while len(self.bodies) < n:
            self.take(lambda e: True)
        return self.bodies

    def hears_nothing_more(self, seconds=0.3):
        """No stanza comes for a while."""
        with contextlib.suppress(TimeoutError):
            element = self.take(lambda e: e.tag.startswith(f"{{{CLIENT}}}"), seconds)
            raise AssertionError(f"unexpected: {element.tag} {element.attrib}")

    def lose(self):
        """The connection breaks without a word."""
        self.wire.close()

    def resume(self, previd=None, h=None):
        """A new connection; the answer to <resume/>."""
        self.wire = Wire.at(self.suite, AUTHENTICATED, self.bare)
        self.wire.send(f"<resume xmlns='{SM}' previd='{previd or self.id}' h='{self.got if h is None else h}'/>")
        return self.take(lambda e: e.tag in (tag("resumed"), tag("failed")))

    def come_back(self):
        """As a client does: until a server lets it in, then sends again what the server had not got."""
        def back():
            with contextlib.suppress(OSError, Ended, TimeoutError, AssertionError):
                return self.resume().tag == tag("resumed")
            return False
        wait_for(back, 30, f"{self.bare} comes back")
        for text in self.unacked:
            self.wire.send(text)

    def settle(self):
        """Until the server has all."""
        while self.unacked:
            self.wire.send(f"<r xmlns='{SM}'/>")
            self.take(lambda e: e.tag == tag("a"))


@pytest.fixture
def two(suite):
    people = Person(suite, "alice@localhost"), Person(suite, "bob@localhost")
    yield people
    for person in people:
        with contextlib.suppress(OSError, TimeoutError, Ended):
            person.wire.send(f"<a xmlns='{SM}' h='{person.got}'/></stream:stream>")
            person.wire.until(lambda: person.wire.is_over, 2)
        person.wire.close()


# ---- one connection breaks ----

def test_it_goes_on_where_it_was(two):
    alice, bob = two
    bob.say(alice.jid, "one")
    assert alice.hear(1) == ["one"]
    alice.lose()
    bob.say(alice.jid, "two")
    bob.settle()
    answer = alice.resume()
    assert answer.tag == tag("resumed") and answer.get("previd") == alice.id
    assert alice.hear(2) == ["one", "two"]
    bob.say("alice@localhost", "three")
    assert alice.hear(3)[-1] == "three"
    alice.say(bob.jid, "four")
    assert bob.hear(1) == ["four"]


def test_what_was_not_acknowledged_comes_again(two):
    alice, bob = two
    for n in range(10):
        bob.say(alice.jid, str(n))
    alice.hear(10)
    alice.lose()
    alice.got -= 4
    del alice.bodies[6:]
    assert alice.resume().tag == tag("resumed")
    assert alice.hear(10) == [str(n) for n in range(10)]


def test_what_the_server_has_is_not_sent_again(two):
    alice, bob = two
    for n in range(20):
        alice.say(bob.jid, str(n))
    alice.lose()
    alice.come_back()
    assert bob.hear(20) == [str(n) for n in range(20)]
    alice.say(bob.jid, "end")
    assert bob.hear(21)[-1] == "end"


def test_nobody_sees_it_go(two, suite):
    alice, bob = two
    alice.stanza("<presence to='bob@localhost/phone'/>")
    bob.take(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == alice.jid)
    alice.lose()
    bob.hears_nothing_more(1)
    assert alice.resume().tag == tag("resumed")
    alice.wire.send("</stream:stream>")
    gone = bob.take(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == alice.jid)
    assert gone.get("type") == "unavailable"
    assert suite.ctl("session", "list").returncode == 0


def test_a_second_connection_takes_it_over(two):
    alice, bob = two
    first = alice.wire
    assert alice.resume().tag == tag("resumed")
    assert first.ending() == "conflict"
    bob.say(alice.jid, "here")
    assert alice.hear(1) == ["here"]


def test_it_can_be_resumed_again_and_again(two):
    alice, bob = two
    for n in range(10):
        alice.lose()
        bob.say("alice@localhost", str(n))
        alice.come_back()
    assert alice.hear(10) == [str(n) for n in range(10)]


def test_who_is_back_is_active(two):
    """XEP-0352 §5.2: the state of the client is not restored."""
    alice, bob = two
    bob.stanza(f"<presence to='{alice.jid}'/>")
    alice.take(lambda e: e.get("from") == bob.jid)
    alice.wire.send("<inactive xmlns='urn:xmpp:csi:0'/>")
    alice.lose()
    assert alice.resume().tag == tag("resumed")
    bob.stanza(f"<presence to='{alice.jid}'><show>away</show></presence>")
    alice.take(lambda e: e.get("from") == bob.jid and e.find(f"{{{CLIENT}}}show") is not None)


# ---- what cannot be resumed ----

def refused(answer):
    assert answer.tag == tag("failed")
    return condition(answer)


def test_inv_25_not_with_the_wrong_token(two):
    alice, bob = two
    bob.lose()
    assert refused(bob.resume(previd="0" * 32)) == "item-not-found"
    # XEP-0198 §5: it may bind instead
    assert bob.wire.bind().get("type") == "result"


def test_inv_25_not_somebody_elses(two):
    alice, bob = two
    alice.lose()
    bob.lose()
    assert refused(bob.resume(previd=alice.id)) == "item-not-found"
    assert alice.resume().tag == tag("resumed")


@pytest.mark.parametrize("previd", ["", "x", "<", "0" * 31, "0" * 33, "&apos;" * 32])
def test_malformed_tokens(two, previd):
    alice, _ = two
    alice.lose()
    alice.wire = Wire.at(alice.suite, AUTHENTICATED, alice.bare)
    alice.wire.send(f"<resume xmlns='{SM}' previd='{previd.replace('<', '&lt;')}' h='0'/>")
    assert refused(alice.wire.element()) == "item-not-found"


@pytest.mark.parametrize("attributes", ["", "h='0'", "previd='{id}'", "previd='{id}' h=''", "previd='{id}' h='-1'", "previd='{id}' h='4294967296'"])
def test_a_request_that_lacks_something(two, attributes):
    alice, _ = two
    alice.lose()
    alice.wire = Wire.at(alice.suite, AUTHENTICATED, alice.bare)
    alice.wire.send(f"<resume xmlns='{SM}' {attributes.format(id=alice.id)}/>")
    assert refused(alice.wire.element()) == "bad-request"
    assert alice.resume().tag == tag("resumed")


def too_high(wire):
    """What the stream error says: (h, send-count)."""
    assert wire.ending() == "undefined-condition"
    error = next(e for e in wire.elements if e.tag == f"{{{STREAMS}}}error")
    assert error[0].tag == f"{{{ERRORS}}}undefined-condition"
    count = error.find(tag("handled-count-too-high"))
    return int(count.get("h")), int(count.get("send-count"))


def test_inv_25_a_count_that_is_too_high_ends_the_stream(two):
    """XEP-0198 §6; the session is not touched."""
    alice, _ = two
    alice.lose()
    alice.wire = Wire.at(alice.suite, AUTHENTICATED, alice.bare)
    alice.wire.send(f"<resume xmlns='{SM}' previd='{alice.id}' h='1000'/>")
    assert too_high(alice.wire) == (1000, alice.got)
    assert alice.resume().tag == tag("resumed")


def test_not_with_a_count_that_goes_back(two):
    alice, bob = two
    bob.say(alice.jid, "one")
    alice.hear(1)
    alice.wire.send(f"<a xmlns='{SM}' h='{alice.got}'/>")
    alice.stanza("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    alice.take(lambda e: e.get("id") == "p")
    alice.lose()
    assert refused(alice.resume(h=0)) == "item-not-found"
    assert alice.resume().tag == tag("resumed")


def test_not_after_the_stream_was_closed(two):
    alice, _ = two
    alice.wire.send("</stream:stream>")
    alice.wire.until(lambda: alice.wire.is_over)
    assert refused(alice.resume()) == "item-not-found"


def test_not_within_a_session(two):
    alice, _ = two
    alice.wire.send(f"<resume xmlns='{SM}' previd='{alice.id}' h='0'/>")
    assert refused(alice.take(lambda e: e.tag == tag("failed"))) == "unexpected-request"


def test_not_after_a_new_password(own_suite):
    alice = Person(own_suite, "alice@localhost")
    alice.lose()
    own_suite.ctl("user", "passwd", "alice@localhost", input="another one\n")
    own_suite.passwords["alice@localhost"] = "another one"
    assert refused(alice.resume()) == "item-not-found"


@contextlib.contextmanager
def one_that_is_lost(**settings):
    """A suite where nobody may be away for longer than a second; alice, whom bob can see, goes."""
    text = "".join(f"\n{key} = {value}\n" for key, value in {"resume_seconds": 1, **settings}.items())
    with Suite(settings={"sessiond": text}) as suite:
        suite.add_users("alice", "bob")
        alice, bob = Person(suite, "alice@localhost"), Person(suite, "bob@localhost")
        alice.stanza("<presence to='bob@localhost/phone'/>")
        bob.take(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == alice.jid)
        alice.settle()
        alice.lose()
        yield suite, alice, bob


def sees_her_go(bob, alice):
    gone = bob.take(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == alice.jid)
    assert gone.get("type") == "unavailable"


def test_after_its_time_it_is_over_and_messages_are_kept():
    with one_that_is_lost() as (suite, alice, bob):
        bob.say(alice.jid, "late")
        sees_her_go(bob, alice)
        assert refused(alice.resume()) == "item-not-found"
        with Wire.at(suite, SESSION, "alice@localhost", "new") as new:
            new.send("<presence/>")
            assert new.hear() == "late"


def test_who_comes_too_late_is_told_how_far_it_had_come():
    """XEP-0198 §5: h in <failed/>, and only for the account itself; then the client may bind."""
    with one_that_is_lost() as (_suite, alice, bob):
        sees_her_go(bob, alice)
        answer = alice.resume()
        assert refused(answer) == "item-not-found" and answer.get("h") == str(alice.acked) == "2"
        assert alice.wire.bind().get("type") == "result"
        bob.lose()
        answer = bob.resume(previd=alice.id)
        assert refused(answer) == "item-not-found" and answer.get("h") is None


def test_a_question_to_who_does_not_come_back_is_answered():
    with one_that_is_lost() as (_suite, alice, bob):
        bob.stanza(f"<iq type='get' id='who' to='{alice.jid}'><query xmlns='jabber:iq:version'/></iq>")
        answer = bob.take(lambda e: e.get("id") == "who")
        assert answer.get("type") == "error"
        assert answer.find(f".//{{{STANZAS}}}service-unavailable") is not None


def test_where_nothing_can_be_resumed():
    """XEP-0198 §5: feature-not-implemented, and <enabled/> promises nothing."""
    with Suite(settings={"sessiond": "resume_seconds = 0\n"}) as suite:
        suite.add_user("alice@localhost")
        with Wire.at(suite, SESSION) as wire:
            wire.send(f"<enable xmlns='{SM}' resume='true'/>")
            answer = wire.element()
            assert (answer.tag, answer.attrib) == (tag("enabled"), {})
        with Wire.at(suite, AUTHENTICATED) as wire:
            wire.send(f"<resume xmlns='{SM}' previd='{'0' * 32}' h='0'/>")
            assert refused(wire.element()) == "feature-not-implemented"
            assert wire.bind().get("type") == "result"


@pytest.mark.parametrize("wish, seconds", [("1", 1), ("60", 60), ("100000", 600), ("0", 600), ("", 600), ("99999999999", 600)])
def test_a_client_may_want_less_time(suite, wish, seconds):
    """XEP-0198 §3: <enable max/>"""
    alice = Person(suite, "alice@localhost", enable=f"resume='1' max='{wish}'")
    assert alice.seconds == seconds
    alice.wire.send("</stream:stream>")
    alice.wire.until(lambda: alice.wire.is_over)


# ---- daemons are lost ----

def chat_through(suite, kill):
    """Numbered messages in both directions; kill(n) is called before each round."""
    alice, bob = Person(suite, "alice@localhost"), Person(suite, "bob@localhost")
    rounds, each = 6, 10
    for n in range(rounds):
        for i in range(each):
            alice.say(bob.jid, f"a{n * each + i}")
            bob.say(alice.jid, f"b{n * each + i}")
        kill(n)
        for person in (alice, bob):
            if person.wire.is_over or not alive(person):
                person.come_back()
    alice.settle()
    bob.settle()
    assert bob.hear(rounds * each) == [f"a{n}" for n in range(rounds * each)]
    assert alice.hear(rounds * each) == [f"b{n}" for n in range(rounds * each)]
    for person in (alice, bob):
        person.hears_nothing_more()


def alive(person):
    """Whether its connection still answers."""
    with contextlib.suppress(OSError, Ended, TimeoutError):
        person.wire.send(f"<r xmlns='{SM}'/>")
        person.take(lambda e: e.tag == tag("a"), 5)
        return True
    return False


@pytest.mark.parametrize("daemon", ["c2sd", "sessiond", "storaged", "router", "authd"])
def test_nothing_is_lost_or_doubled_with_a_daemon(own_suite, daemon):
    def kill(n):
        if n in (1, 3):
            own_suite.wait_linked()
            own_suite.kill(daemon)
    chat_through(own_suite, kill)


@pytest.mark.parametrize("daemon", ["c2sd", "sessiond", "storaged", "router"])
def test_nothing_is_lost_with_a_planned_restart(own_suite, daemon):
    def restart(n):
        if n in (1, 3):
            own_suite.wait_linked()
            own_suite.ctl("restart", daemon)
    chat_through(own_suite, restart)


def test_nothing_is_lost_with_one_after_the_other(own_suite):
    def kill(n):
        daemon = {1: "c2sd", 2: "sessiond", 3: "storaged", 4: "c2sd"}.get(n)
        if daemon:
            own_suite.wait_linked()
            own_suite.kill(daemon)
    chat_through(own_suite, kill)


def test_a_detached_session_survives_everything(own_suite):
    alice, bob = Person(own_suite, "alice@localhost"), Person(own_suite, "bob@localhost")
    for n in range(5):
        bob.say(alice.jid, str(n))
    alice.hear(5)
    alice.lose()
    alice.got -= 2
    del alice.bodies[3:]
    bob.settle()
    time.sleep(0.5)
    for daemon in ("c2sd", "sessiond", "storaged", "authd", "router"):
        own_suite.wait_linked()
        own_suite.kill(daemon)
    own_suite.wait_linked()
    bob.come_back()
    bob.say(alice.jid, "5")
    bob.settle()
    alice.come_back()
    assert alice.hear(6) == [str(n) for n in range(6)]

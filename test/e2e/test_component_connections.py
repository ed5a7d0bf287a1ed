"""componentd, as components see it: several connections of one, limits, and the operator."""

import socket
import stat
import threading
import time

import pytest

from component import COMPONENT, PORT, STANZAS, Component, client_error, header
from component_suite import (ALL, BELOW, DEFAULT, ECHO, KICKING, OTHER, SECRETS, SHARED, alice, echo, other, streams, suite,
                             until_free)
from suite import wait_for
from wire import SESSION, WAIT, Wire


# ---- several connections ----

def test_a_second_connection_is_refused(suite, echo):
    """F-27"""
    with Component.connect(suite, PORT) as second:
        second.begin(ECHO)
        assert second.prove("secret") == "conflict"
    assert echo.ask("localhost", "<ping xmlns='urn:xmpp:ping'/>").get("type") == "result"


def test_a_second_connection_takes_over(suite, alice):
    until_free(suite, KICKING)
    with Component.at(suite, KICKING, ALL) as first, Component.at(suite, KICKING, ALL) as second:
        assert first.ending() == "conflict"
        alice.say(KICKING, "to the second")
        assert second.stanza().findtext(f"{{{COMPONENT}}}body") == "to the second"


def test_nothing_comes_twice_when_a_connection_is_taken_over(suite, other):
    """What the old one has not taken is the new one's alone, although the old one begins to read just then."""
    until_free(suite, KICKING)
    with Component.at(suite, KICKING, ALL) as first:
        sent, body = [], "x" * 60000
        def refused():
            return [e.get("id") for e in other.elements if e.get("type") == "error"]
        def is_full():
            sent.append(f"m{len(sent)}")
            other.send(f"<message from='{OTHER}' to='{KICKING}' id='{sent[-1]}'><body>{body}</body></message>")
            other.listen(0.02)
            return len(refused()) >= 5
        wait_for(is_full, 60, "its queue is full")
        with Component.at(suite, KICKING, ALL) as second:
            first.until(lambda: first.is_over, 60)
            old = [e.get("id") for e in first.elements if e.tag in STANZAS]
            wanted = [id for id in sent if id not in refused()]
            second.until(lambda: len(second.elements) >= len(wanted) - len(old))
            second.listen(0.3)
            assert old and second.elements and old + [e.get("id") for e in second.elements] == wanted


def test_connections_that_share_a_name(suite):
    """Each sender's stanzas go to the same one, in order; when that goes, to another."""
    until_free(suite, SHARED)
    users = ("alice", "bob", "carol")
    with Component.at(suite, SHARED, ALL) as first, Component.at(suite, SHARED, ALL) as second, \
            Wire.at(suite, SESSION, "alice@localhost") as a, Wire.at(suite, SESSION, "bob@localhost") as b, \
            Wire.at(suite, SESSION, "carol@localhost") as c:
        for n in range(20):
            for wire in (a, b, c):
                wire.say(SHARED, str(n))
        heard = {}
        def take(component):
            while component.elements:
                message = component.stanza()
                sender = message.get("from").split("@")[0]
                heard.setdefault((sender, component), []).append(int(message.findtext(f"{{{COMPONENT}}}body")))
        end = time.monotonic() + WAIT
        while sum(map(len, heard.values())) < 60 and time.monotonic() < end:
            for component in (first, second):
                component.listen()
                take(component)
        assert sorted(sender for sender, _ in heard) == sorted(users)
        assert all(numbers == list(range(20)) for numbers in heard.values())
        first.close()
        wait_for(lambda: streams(suite, SHARED) == 1, 10, "one has gone")
        for wire in (a, b, c):
            wire.say(SHARED, "again")
        assert {second.stanza().get("from").split("@")[0] for _ in users} == set(users)


def test_25_requests_at_a_time(echo, other):
    """F-25: answered independently, in any order."""
    for n in range(25):
        echo.send(f"<iq type='get' id='r{n}' from='{ECHO}' to='{OTHER}'><query xmlns='urn:x'/></iq>")
    requests = [other.stanza() for _ in range(25)]
    for request in reversed(requests):
        other.answer(request)
    assert [echo.stanza().get("id") for _ in range(25)] == [f"r{n}" for n in reversed(range(25))]


def test_newcomers_are_answered_while_others_are_busy(suite, echo, other):
    """F-25: a header and a verdict do not wait until a flood between two others is over."""
    flooding, passed = threading.Event(), []
    flooding.set()
    def flood():
        while flooding.is_set():
            other.send(f"<message from='{OTHER}' to='{ECHO}'><body>{'x' * 100}</body></message>" * 100)
    def read():
        while flooding.is_set():
            echo.listen(0.2)
            passed.append(len(echo.elements))
            echo.elements.clear()
    threads = [threading.Thread(target=flood), threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            before = len(passed)
            with Component.connect(suite, PORT) as newcomer:
                newcomer.begin(DEFAULT)
                assert newcomer.prove("wrong") == "not-authorized"
            wait_for(lambda before=before: sum(passed[before + 1:]) > 0, 20, "the flood goes on")
    finally:
        flooding.clear()
        for thread in threads:
            thread.join()


# ---- limits ----

def test_inv_23_a_component_that_does_not_read(suite, echo, alice):
    """What does not fit into its queue is answered, and nobody else notices."""
    echo.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    body = "x" * 60000
    def refused():
        alice.say(ECHO, body, id="big")
        alice.until(lambda: alice.elements or True)
        try:
            answer = alice.element(0.05)
        except TimeoutError:
            return False
        return answer.get("type") == "error" and client_error(answer) == ("wait", "resource-constraint")
    wait_for(refused, 60, "resource-constraint")
    with Wire.at(suite, SESSION, "bob@localhost", "b") as bob:
        alice.say(bob.jid, "unaffected")
        assert bob.hear() == "unaffected"


def test_inv_23_a_component_that_sends_nonsense(echo):
    """And reads none of the answers."""
    echo.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    nonsense = f"<message from='{ECHO}' id='{'x' * 900}'/>" * 100
    def is_ended():
        try:
            echo.send(nonsense)
            return False
        except (ConnectionError, TimeoutError):
            return True
    echo.sock.settimeout(WAIT)
    wait_for(is_ended, 60, "the connection is ended")


# ---- the operator ----

def test_the_operator_adds_and_removes(suite):
    name, secret = "new.example.net", "it's a \"secret\" \\ ${HOME} $$"
    suite.ctl("component", "add", name, input=secret + "\n")
    assert name in suite.ctl("component", "list").stdout
    mode = (suite.dir / "etc" / "componentd.conf").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    # A certificate of its own, unless the domain above has one.
    assert suite.certificate(name).exists() and suite.certificate(ECHO).exists() and not suite.certificate(BELOW).exists()
    with Component.at(suite, name, secret) as component:
        assert component.ask("localhost", "<ping xmlns='urn:xmpp:ping'/>").get("type") == "result"
        suite.ctl("component", "add", name, input="x\n", check=False)
        assert component.ask("localhost", "<ping xmlns='urn:xmpp:ping'/>").get("type") == "result"
        suite.ctl("component", "kick", name)
        assert component.ending() == "reset"
    with Component.at(suite, name, secret) as component:
        suite.ctl("component", "del", name)
        assert component.ending() == "host-gone"
    with Component.connect(suite, PORT) as component:
        component.send(header(name))
        assert component.ending() == "host-unknown"
    assert name not in suite.ctl("component", "list").stdout
    everything = "".join(suite.logs().values())
    assert all(secret not in everything for secret in (secret, ALL, SECRETS[OTHER]))
    assert secret not in suite.ctl("check").stdout


@pytest.mark.parametrize("args, input", [
    (("add", "localhost"), "x\n"), (("add", "not a name"), "x\n"), (("add", ECHO), "x\n"), (("add", "empty.example"), "\n"),
    (("del", "unknown.example"), None), (("kick", "unknown.example"), None),
])
def test_the_operator_is_told(suite, args, input):
    done = suite.ctl("component", *args, input=input, check=False)
    assert done.returncode == 1 and done.stderr.startswith("jackdawctl: ")


def test_the_components_below_the_domain_are_listed(alice):
    """F-38"""
    answer = alice.ask("<query xmlns='http://jabber.org/protocol/disco#items'/>", to="localhost")
    assert [item.get("jid") for item in answer[0]] == [BELOW]

"""A sender that is faster than a link: while the other server takes what it gets, nothing is refused and nothing is lost."""

import contextlib
import threading

from peers import Jackdaw
from rogue import OTHER, ROGUE, SM, US, Authority, message, proved
from suite import PATIENCE, wait_for
from wire import Wire

BODY = "{jabber:server}body"
KILO = "x" * 1000
COMMON = "policy = optional\nqueue_seconds = 600\nack_seconds = 600\nstall_seconds = 600\nsetup_ms = 60000\n"


@contextlib.contextmanager
def federating(more):
    authority = Authority()
    with Jackdaw(US, more=COMMON + more) as suite:
        suite.routes = {ROGUE: authority.server_port, OTHER: authority.server_port}
        suite.begin("alice")
        with Wire.at(suite, "session", f"alice@{US}") as alice:
            alice.appear()
            authority.on_element = authority.takes_all
            yield suite, authority, alice
    authority.close()


def waiting(suite):
    """Stanzas and bytes."""
    rows = suite.s2s("queue")[1:]
    return sum(int(row[2]) for row in rows), sum(int(row[3]) for row in rows)


def bodies(authority):
    return [element.findtext(BODY).split()[0] for element in authority.heard("message")]


def assert_nothing_was_refused(alice):
    """What she gets next is what she sends to herself: no error is before it."""
    alice.say(f"alice@{US}", "the end")
    heard = alice.wait_for(lambda e: e.tag.endswith("}message"), 30 * PATIENCE)
    assert heard.get("type") != "error", heard.get("id")


def test_a_sender_waits_for_a_server_that_reads_slowly():
    """It reads nothing until the kernel takes no more, and what is then under way fills the session's share; live_ms is as short as it
    can be, so the queue's limit holds."""
    with federating("live_ms = 1\nqueue_bytes = 1048576\n") as (suite, authority, alice):
        reads, count = threading.Event(), 0
        alice.sock.settimeout(None)

        def takes_slowly(wire, element):
            authority.takes_all(wire, element)
            if element.tag.endswith("}message"):
                reads.wait()

        def send():
            nonlocal count
            more = 100
            while more:
                alice.say(f"bob@{ROGUE}", f"{count} {KILO * 8}", id=f"m{count}")
                count += 1
                more -= reads.is_set()
        authority.on_element = takes_slowly
        sender = threading.Thread(target=send)
        sender.start()
        try:
            wait_for(lambda: waiting(suite)[1] > 200000, 60, "what the kernel does not take")
        finally:
            reads.set()
            sender.join()
        wait_for(lambda: len(authority.heard("message")) == count, 60, "everything")
        assert bodies(authority) == [str(n) for n in range(count)]
        assert_nothing_was_refused(alice)


def test_a_live_link_may_have_more_waiting_than_a_queue_holds():
    """The server says nothing of what it has got; only so much is given to it until it does."""
    with federating("live_ms = 60000\nqueue_bytes = 65536\n") as (suite, authority, alice):
        authority.features = f"<sm xmlns='{SM}'/>"
        for n in range(150):
            alice.say(f"bob@{ROGUE}", f"{n} {KILO}", id=f"m{n}")
        wait_for(lambda: waiting(suite)[0] == 150 and authority.heard("r"), 20, "all of them")
        assert waiting(suite)[1] > 150000 and len(authority.heard("message")) < 70
        wire = authority.results[0][0]
        authority.on_element = authority.acknowledges
        authority.acknowledges(wire, authority.heard("r")[-1])
        wait_for(lambda: waiting(suite)[0] == 0, 20, "the last acknowledgement")
        assert bodies(authority) == [str(n) for n in range(150)]
        assert_nothing_was_refused(alice)


def test_a_server_that_is_not_there_holds_up_nobody_else():
    """What waits for it is acknowledged to nobody, nor is what was sent behind it; others get theirs, however much it is."""
    with federating("live_ms = 60000\n") as (suite, authority, alice):
        def silent_about_other(wire, element):
            if element.get("to") != OTHER:
                authority.takes_all(wire, element)
        authority.on_element = silent_about_other
        alice.say(f"bob@{OTHER}", "stays")
        wait_for(lambda: waiting(suite)[0] == 1, 20, "what is not taken")
        for n in range(100):
            alice.say(f"bob@{ROGUE}", f"{n} {KILO * 8}", id=f"m{n}")
        wait_for(lambda: len(authority.heard("message")) == 100, 30, "what is for another one")
        assert waiting(suite)[0] == 1
        assert_nothing_was_refused(alice)


def test_inv_23_a_fast_server_is_paced_and_nothing_is_lost():
    """rate_bytes: another one, which says little, is not behind it."""
    with federating("exempt = {}\nrate_bytes = 30000\nburst_bytes = 30000\n") as (suite, _authority, alice):
        with proved(suite) as fast, proved(suite, OTHER) as slow:
            fast.send("".join(message(text=f"{n} {KILO}") for n in range(200)))
            assert alice.hear().startswith("0 ")
            slow.send(message(f"a@{OTHER}", text="other"))
            heard = [alice.hear(60 * PATIENCE).split()[0] for _ in range(200)]
            assert heard.index("other") < 100
            heard.remove("other")
            assert heard == [str(n) for n in range(1, 200)]

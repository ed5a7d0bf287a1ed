"""What may wait for other servers, and what those may take up here: each limit is filled, and then the stream or the stanza is refused, and
everybody else goes on (INV-2, INV-23)."""

import contextlib
import re
import socket

import pytest

from peers import Jackdaw
from rogue import OTHER, ROGUE, SM, US, connect, message, proved, result, verify
from suite import PATIENCE, wait_for
from wire import STANZAS, Wire, refused

NAMES = [f"d{n}.test" for n in range(65)]  # one more than PROOFS_MAX
BODY = "{jabber:server}body"
KILO = "x" * 1000
QUEUE, QUEUES, OUT = 65536, 98304, 1114112
FENCE = "fence.test"

SETTINGS = f"""policy = optional
setup_ms = 60000
live_ms = 300
deny = {{"{FENCE}"}}
ack_seconds = 5
stall_seconds = 5
preauth_seconds = 5
queue_bytes = {QUEUE}
queues_bytes = {QUEUES}
out_bytes = {OUT}
stanza_bytes = 20000
"""


@pytest.fixture(scope="module")
def suite(authority):
    with Jackdaw(US, more=SETTINGS) as s:
        s.routes = {name: authority.server_port for name in (ROGUE, OTHER, *NAMES)}
        s.begin("alice")
        yield s


@pytest.fixture(autouse=True)
def fresh(suite, authority):
    authority.reset()
    yield
    authority.on_element = authority.acknowledges
    wait_for(lambda: waiting_without(authority, suite) == (0, 0), 30, "an empty queue")
    wait_for(lambda: waiting_without(authority, suite) == (0, 0) and not suite.s2s("list")[1:], 30, "the end of all streams")


def waiting_without(authority, suite):
    """What waits after each stream was cut, those too that were made meanwhile."""
    for wire in list(authority.wires):
        with contextlib.suppress(OSError):
            wire.sock.shutdown(socket.SHUT_RDWR)
    return waiting(suite)


@pytest.fixture
def alice(suite):
    with Wire.at(suite, "session", f"alice@{US}") as wire:
        wire.appear()
        yield wire
        # What she has sent last may still be on its way to s2sd, which would make a new stream for it: that has come when this has.
        wire.say(f"bob@{FENCE}", "?", id="fence")
        wire.wait_for(lambda e: e.get("id") == "fence", 60 * PATIENCE)


def waiting(suite, domain=None):
    """Stanzas and bytes."""
    rows = [row for row in suite.s2s("queue")[1:] if domain in (None, row[1])]
    return sum(int(row[2]) for row in rows), sum(int(row[3]) for row in rows)


def bodies(authority):
    return [element.findtext(BODY) for element in authority.heard("message")]


def fill(alice, domain, first, count):
    for n in range(first, first + count):
        alice.say(f"bob@{domain}", f"{n} {KILO}", id=f"m{n}")


def bounced(alice, count):
    """The ids of the next errors, and their conditions."""
    found = {}
    while len(found) < count:
        error = alice.wait_for(lambda e: e.get("type") == "error", 30 * PATIENCE)
        found[error.get("id")] = refused(error)
    return found


# ---- what waits ----

def test_inv_23_what_waits_for_a_domain_is_bounded(suite, authority, alice):
    """The key is not judged, so everything waits; what was refused is not sent later, and the rest comes in order."""
    fill(alice, ROGUE, 0, 100)
    wait_for(lambda: waiting(suite)[0] > 0 and authority.results, 10, "our key")
    wait_for(lambda: QUEUE - 2000 < waiting(suite)[1] <= QUEUE, 20, "the end of live_ms")
    kept = waiting(suite)[0]
    errors = bounced(alice, 100 - kept)
    assert set(errors.values()) == {"resource-constraint"}
    # Another domain is none the worse for it.
    authority.on_element = authority.takes_all
    alice.say(f"bob@{OTHER}", "short")
    wait_for(lambda: bodies(authority) == ["short"], 10, "the other domain's")
    authority.results[0][0].send(result("valid", ROGUE, US))
    wait_for(lambda: len(bodies(authority)) == kept + 1, 20, "what has waited")
    assert [text.split()[0] for text in bodies(authority)[1:]] == [str(n) for n in range(100) if f"m{n}" not in errors]


def test_inv_23_what_waits_for_all_domains_is_bounded(suite, authority, alice):
    fill(alice, ROGUE, 0, 50)
    fill(alice, OTHER, 50, 100)
    wait_for(lambda: waiting(suite, OTHER)[0] > 0 and len(authority.results) == 2, 10, "our keys")
    wait_for(lambda: QUEUES - 2000 < waiting(suite)[1] <= QUEUES, 20, "the end of live_ms")
    kept = waiting(suite)[0]
    assert waiting(suite, OTHER)[1] < QUEUE
    assert set(bounced(alice, 150 - kept).values()) == {"resource-constraint"}
    for wire, element in list(authority.results):
        wire.send(result("valid", element.get("to"), US))
    wait_for(lambda: len(bodies(authority)) == kept, 20, "what has waited")


def test_inv_23_who_acknowledges_nothing_is_not_in_the_way_of_others(suite, authority, alice):
    """What two servers have got and keep to themselves is more than may wait for all."""
    authority.features = f"<sm xmlns='{SM}'/>"
    authority.on_element = authority.takes_all
    for n in range(60):
        fill(alice, ROGUE, n, 1)
        fill(alice, OTHER, 100 + n, 1)
    suite.logged("s2sd", "is in the way of others", 20)
    wait_for(lambda: waiting(suite)[1] <= QUEUES, 20, "room for others")
    assert set(bounced(alice, 1).values()) == {"resource-constraint"}


def test_nothing_waits_longer_than_allowed(authority):
    with Jackdaw(US, more='policy = optional\nsetup_ms = 60000\nqueue_seconds = 1\n') as suite:
        suite.routes = {ROGUE: authority.server_port}
        suite.begin("alice")
        with Wire.at(suite, "session", f"alice@{US}") as alice:
            alice.say(f"bob@{ROGUE}", "?", id="m0")
            assert bounced(alice, 1) == {"m0": "remote-server-timeout"}
            assert authority.results and not bodies(authority)


def test_inv_23_who_acknowledges_nothing_is_given_up(suite, authority, alice):
    """ack_seconds; then it is tried on another stream."""
    authority.features = f"<sm xmlns='{SM}'/>"
    authority.on_element = authority.takes_all
    alice.say(f"bob@{ROGUE}", "one")
    wait_for(lambda: authority.heard("r"), 10, "a question")
    first = authority.wires[-1]
    authority.on_element = authority.acknowledges
    wait_for(lambda: first.is_over, 20, "the end of the stream")
    wait_for(lambda: bodies(authority) == ["one", "one"] and waiting(suite)[0] == 0, 10, "the same again")


@pytest.mark.parametrize("limit, end", [(3, lambda wire: wire.sock.shutdown(socket.SHUT_RDWR)),
                                        (12, lambda wire: wire.send("</stream:stream>"))], ids=["ITEM_TRIES", "ITEM_ENDS"])
def test_what_is_lost_again_and_again_is_given_up(suite, authority, alice, limit, end):
    def takes_and_ends(wire, element):
        authority.takes_all(wire, element)
        if element.tag.endswith("}message"):
            end(wire)
    authority.features = f"<sm xmlns='{SM}'/>"
    authority.on_element = takes_and_ends
    alice.say(f"bob@{ROGUE}", "one", id="m0")
    assert bounced(alice, 1) == {"m0": "remote-server-timeout"}
    assert bodies(authority) == ["one"] * limit


def test_inv_23_a_server_that_takes_nothing_is_given_up(suite, authority, alice):
    """stall_seconds. It has proved itself and is sent to, and then does not read any more."""
    authority.on_element = authority.takes_all
    alice.say(f"bob@{ROGUE}", "one")
    wait_for(lambda: bodies(authority) == ["one"], 10, "the first")
    wire = authority.wires[-1]
    authority.is_deaf.add(wire)
    count = 0
    while len(authority.wires) == 1:
        if waiting(suite)[1] < QUEUE // 2:
            fill(alice, ROGUE, count, 20)
            count += 20
        assert count < 50000
    # Either the kernel or we have noticed first.
    wait_for(lambda: re.search("takes nothing of what it is sent|Connection timed out", suite.logs()["s2sd.log"]), 10, "a word about it")


def test_inv_23_who_does_not_read_our_answers_is_given_up(suite, authority):
    """out_bytes"""
    question = verify(to="nowhere.test", id="1" * 1000)
    with proved(suite) as wire, contextlib.suppress(ConnectionError):
        while True:
            wire.send(question * 20)
    suite.logged("s2sd", "it does not read what it is sent", 20)


# ---- what others take up ----

def test_inv_23_so_many_domains_on_one_stream(suite, authority, alice):
    """PROOFS_MAX: the one too many is refused, as XEP-0220 says, and the others stay."""
    with connect(suite, NAMES[0]) as wire:
        for name in NAMES[:64]:
            wire.send(result(whence=name))
            answer = wire.element()
            assert (answer.get("type"), answer.get("to")) == ("valid", name)
        wire.send(result(whence=NAMES[64]))
        answer = wire.element()
        assert answer.get("type") == "error" and answer[0].find(f"{{{STANZAS}}}resource-constraint") is not None
        for name in (NAMES[0], NAMES[63]):
            wire.send(message(f"a@{name}", text=name))
            heard = alice.wait_for(lambda e: e.tag.endswith("message"))
            assert heard.get("from") == f"a@{name}"
        wire.send(message(f"a@{NAMES[64]}"))
        assert wire.ending() == "invalid-from"


def test_inv_15_who_does_not_prove_itself_has_a_deadline(suite, authority):
    authority.answer = lambda _asked, _send: None
    with Wire.connect(suite, 5269) as silent, connect(suite) as asked:
        asked.send(result())
        assert silent.ending(20 * PATIENCE) == "connection-timeout"
        assert asked.ending(20 * PATIENCE) == "connection-timeout"


def test_inv_02_a_stranger_may_say_little(suite):
    with connect(suite) as wire:
        wire.send_all_it_takes(f"<message xmlns='jabber:server'><body>{KILO * 20}</body></message>")
        assert wire.ending() == "policy-violation"


def test_inv_02_a_stanza_is_bounded(suite, authority, alice):
    with proved(suite) as wire:
        wire.send(message(text=KILO * 15))
        assert len(alice.hear()) == 15000
        wire.send_all_it_takes(message(text=KILO * 30))
        assert wire.ending() == "policy-violation"

"""Federation by what a resolver says that knows nothing of DNSSEC, as many do: it works, nothing is taken as signed, and the log says so once."""

import os

import pytest

import nameserver
from peers import Jackdaw, linked
from wire import Wire

ANCHORS = ("/var/lib/unbound/root.key", "/usr/share/dns/root.key", "/etc/unbound/root.key")
WARNING = "does not pass on the signatures"

pytestmark = [
    pytest.mark.skipif(not nameserver.available(), reason="knot is not installed"),
    pytest.mark.skipif(not any(map(os.path.exists, ANCHORS)), reason="no trust anchor of the root is installed"),
]


class Found(Jackdaw):
    """By the DNS, not by routes."""

    resolver = None

    def routes_text(self):
        return f'resolver = "{self.resolver}"\n'


@pytest.fixture
def pair():
    ours, theirs = Found("one.example"), Found("two.example")
    zones = {s.domain: f"_xmpp-server._tcp SRV 5 0 {5269 + s.offset} host\nhost A 127.0.0.1" for s in (ours, theirs)}
    with nameserver.Nameserver(zones) as dns, linked(ours, theirs):
        for suite in (ours, theirs):
            suite.resolver = dns.resolver
        yield ours, theirs, dns


def hello(ours, theirs):
    with Wire.at(ours, "session", "alice@one.example") as alice, Wire.at(theirs, "session", "bob@two.example") as bob:
        for wire in (alice, bob):
            wire.appear()
        for text in ("one", "two"):
            alice.say("bob@two.example", text)
            assert bob.hear() == text


def test_it_works_by_default(pair):
    ours, theirs, _ = pair
    ours.begin("alice")
    theirs.begin("bob")
    hello(ours, theirs)
    ours.logged("s2sd", WARNING)
    assert ours.logs()["s2sd.log"].count(WARNING) == 1


def test_an_anchor_of_ones_own_admits_no_exception(pair):
    """What is not signed by it is as no answer at all."""
    ours, theirs, _ = pair
    anchor = next(path for path in ANCHORS if os.path.exists(path))
    ours.more += f'trust_anchor = "{anchor}"\n'
    ours.begin("alice")
    theirs.begin("bob")
    with Wire.at(ours, "session", "alice@one.example") as alice:
        alice.say("bob@two.example", "hello", id="m")
        error = alice.wait_for(lambda e: e.get("id") == "m")
        assert error.get("type") == "error"
        assert error.find(".//{*}remote-server-not-found") is not None

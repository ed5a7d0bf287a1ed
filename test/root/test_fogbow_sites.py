"""Fogbow on two sites: each a machine of its own with a Jackdaw of the profile fogbow and no domain of users (F-04); the names of the
components are address records and nothing else (F-05). Every exchange of REQUIREMENTS 3.3, and all of them again after each restart."""

import contextlib

import pytest

import nameserver
import network
from fogbow import ANSWER_SECONDS, Manager, Rendezvous, exchange, green_sitter, nothing_repeated, place_order, until
from suite import PROGRAMS, Suite

pytestmark = [
    pytest.mark.skipif(not nameserver.available(), reason="knot is not installed"),
    pytest.mark.skipif(not network.available(), reason="needs real root for its network namespaces"),
]

ONE, NEIGHBOUR = "my-manager.internal.site1.test", "my-rendezvous.internal.site1.test"
TWO, RDV = "mgr.site2.test", "rendezvous.site2.test"
BACK_SECONDS = 35


class Site(Suite):
    def __init__(self, net, machine, programs):
        self.machine, self.host, self.wrapper = machine, machine.v4, machine.wrapper
        self.names = programs
        settings = f'idle_seconds = 3\nresolver = "{net.v4}.53"\ntrust_anchor = "none"\n'
        super().__init__(domains=(), options=("--profile", "fogbow"), start=False, settings={"s2sd": settings})
        self.offset = 0

    def begin(self):
        for name in self.names:
            self.ctl("component", "add", name, input=f"the secret of {name}\n")
        self.up()
        return [kind(self, name, f"the secret of {name}") for name, kind in self.names.items()]

    def unacknowledged(self):
        """What the other site has not said to have: of that a killed s2sd leaves the rest to be sent again."""
        return self.ctl("s2s", "queue").stdout.splitlines()[1:]

    def links(self):
        return self.ctl("s2s", "list").stdout.splitlines()[1:]


class World:
    """Both sites, and the programs on them."""

    def __init__(self, net, stack):
        a, b = net.machine(1), net.machine(2)
        net.dns({"site1.test": f"my-manager.internal A {a.v4}\nmy-rendezvous.internal A {a.v4}",
                 "site2.test": f"mgr A {b.v4}\nrendezvous A {b.v4}"})
        here = stack.enter_context(Site(net, a, {ONE: Manager, NEIGHBOUR: Rendezvous}))
        there = stack.enter_context(Site(net, b, {TWO: Manager, RDV: Rendezvous}))
        self.sites = here, there
        self.one, self.neighbour = here.begin()
        self.two, self.rendezvous = there.begin()
        self.programs = self.one, self.neighbour, self.two, self.rendezvous
        for program in self.programs:
            stack.callback(program.stop)
        self.rounds, self.restarts = 0, 0

    def exchange(self):
        """All of it, and nothing that was finished comes again."""
        self.rounds += 1
        exchange(self.one, self.two, self.rendezvous, self.rounds, self.neighbour)
        green_sitter(self.one, self.two)
        nothing_repeated(*self.programs)
        assert [p.connections for p in self.programs] == 4 * [1 + self.restarts]


@pytest.fixture(scope="module")
def world():
    with network.Network() as net, contextlib.ExitStack() as stack:
        made = World(net, stack)
        place_order(made.one, made.two, "order-of-old")
        yield made


def test_every_exchange(world):
    world.exchange()
    for site, other in (world.sites, world.sites[::-1]):
        assert any(other.machine.v4 in line for line in site.links()), site.links()


def test_an_order_is_answered_after_an_idle_close(world):
    """F-34: the link is made again, and the answer has the id of the order."""
    place_order(world.one, world.two, "idle-order")
    until(lambda: not any(site.links() for site in world.sites), "the links are closed for being idle", 30)
    world.two.fulfil("idle-order")
    assert world.one.wait_late("idle-order", ANSWER_SECONDS).get("type") == "result"


def test_what_runs(world):
    for site in world.sites:
        assert {name.split(".")[0] for name in site.status()} - {"supervisor"} == set(PROGRAMS)


@pytest.mark.parametrize("daemon", [d for d in PROGRAMS if d != "componentd"])
def test_a_restart(world, daemon):
    """A pause, for the components no more than that."""
    for site in world.sites:
        site.ctl("restart", daemon)
        world.exchange()


@pytest.mark.parametrize("daemon", [d for d in PROGRAMS if d != "componentd"])
def test_a_kill(world, daemon):
    """What is finished is not repeated: between the sites that is what the other one has acknowledged."""
    for site in world.sites:
        until(lambda: not any(s.unacknowledged() for s in world.sites), "all is acknowledged")
        site.kill(daemon)
        world.exchange()
        site.wait_linked()


def test_a_restart_of_componentd(world):
    """The libraries notice with their next keep-alive (F-08, F-26)."""
    world.restarts += 1
    for site in world.sites:
        site.ctl("restart", "componentd")
    until(lambda: all(p.connections == 1 + world.restarts for p in world.programs), "all are back", BACK_SECONDS)
    world.exchange()


def test_an_order_from_before_all_that(world):
    world.two.fulfil("order-of-old")
    assert world.one.wait_late("order-of-old", ANSWER_SECONDS).get("type") == "result"
    nothing_repeated(*world.programs)

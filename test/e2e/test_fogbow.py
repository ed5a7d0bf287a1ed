"""The profile fogbow, and Fogbow's programs on it, on one suite and on two: all their exchanges, before and after each daemon is
restarted."""

import contextlib

import pytest

from fogbow import ANSWER_SECONDS, Manager, Rendezvous, exchange, green_sitter, nothing_repeated, odd_namespaces, place_order, until
from suite import Suite

ONE, TWO, RDV = "my-manager.internal.site1.test", "mgr.site2.test", "rendezvous.site2.test"
SECRETS = {ONE: "manager one's", TWO: "manager two's", RDV: "the rendezvous'"}


@pytest.fixture(scope="module")
def suite():
    """No domain of users at all (F-04)."""
    with Suite(domains=(), options=("--profile", "fogbow"), start=False) as s:
        s.ctl("check")
        for name, secret in SECRETS.items():
            s.ctl("component", "add", name, input=secret + "\n")
        s.up()
        yield s


@contextlib.contextmanager
def programs(suite):
    made = []
    try:
        for kind, name in ((Manager, ONE), (Manager, TWO), (Rendezvous, RDV)):
            made.append(kind(suite, name, SECRETS[name]))
        yield made
    finally:
        for program in made:
            program.stop()


def test_the_profile(suite):
    """What it reproduces: components from the intranet, peers with dialback alone and without TLS."""
    text = (suite.dir / "etc" / "componentd.conf").read_text()
    assert 'address = "*"' in text and "allow" in text
    assert suite.ctl("domain", "list").stdout == ""
    done = suite.run(["init", "--dir", str(suite.home / "other"), "--profile", "unknown"], check=False)
    assert done.returncode == 2 and "fogbow" in done.stderr


def test_every_exchange_before_and_after_each_restart(suite):
    with programs(suite) as (one, two, rendezvous):
        exchange(one, two, rendezvous, 0)
        green_sitter(one, two)
        place_order(one, two, "long-order")
        for number, daemon in enumerate(("router", "sessiond", "storaged", "authd", "keyd"), 1):
            suite.ctl("restart", daemon)
            exchange(one, two, rendezvous, number)
        assert [p.connections for p in (one, two, rendezvous)] == [1, 1, 1]

        # The libraries notice when they write next, and come back by themselves (F-08, F-26).
        suite.ctl("restart", "componentd")
        until(lambda: all(p.connections == 2 for p in (one, two, rendezvous)), "all are back", 35)
        exchange(one, two, rendezvous, 6)

        # An order from before all that (F-34).
        two.fulfil("long-order")
        assert one.wait_late("long-order", ANSWER_SECONDS).get("type") == "result"
        nothing_repeated(one, two, rendezvous)


# ---- two sites ----

def site():
    return Suite(domains=(), options=("--profile", "fogbow"), start=False, settings={"s2sd": "idle_seconds = 3\n"})


@pytest.fixture(scope="module")
def sites():
    """One manager here; another one and the rendezvous there."""
    with site() as here, site() as there:
        for suite, names in ((here, (ONE,)), (there, (TWO, RDV))):
            for name in names:
                suite.ctl("component", "add", name, input=SECRETS[name] + "\n")
        for suite, peer, names in ((here, there, (TWO, RDV)), (there, here, (ONE,))):
            routes = ", ".join(f'"{name} 127.0.0.1:{peer.server_port}"' for name in names)
            with open(suite.dir / "etc" / "s2sd.conf", "a", encoding="utf-8") as f:
                f.write(f"routes = {{{routes}}}\n")
            suite.up()
        yield here, there


@contextlib.contextmanager
def programs_on(sites):
    here, there = sites
    made = []
    try:
        for kind, suite, name in ((Manager, here, ONE), (Manager, there, TWO), (Rendezvous, there, RDV)):
            made.append(kind(suite, name, SECRETS[name]))
        yield made
    finally:
        for program in made:
            program.stop()


def test_two_sites(sites):
    """F-04, F-05 but for the DNS: neither has a domain of users. An order is answered after the link was closed for being idle."""
    with programs_on(sites) as (one, two, rendezvous):
        exchange(one, two, rendezvous, 0)
        green_sitter(one, two)
        odd_namespaces(one, two)
        place_order(one, two, "long-order")
        until(lambda: not any(suite.ctl("s2s", "list").stdout.splitlines()[1:] for suite in sites), "the links are closed for being idle", 30)
        two.fulfil("long-order")
        assert one.wait_late("long-order", ANSWER_SECONDS).get("type") == "result"
        number = 1
        for suite in sites:
            for daemon in ("router", "sessiond", "s2sd"):
                suite.ctl("restart", daemon)
                exchange(one, two, rendezvous, number)
                number += 1
        for suite in sites:
            suite.ctl("restart", "componentd")
        until(lambda: all(p.connections == 2 for p in (one, two, rendezvous)), "all are back", 35)
        exchange(one, two, rendezvous, number)
        nothing_repeated(one, two, rendezvous)

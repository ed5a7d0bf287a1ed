"""A c2sd that somebody has taken over can't become anybody (SECURITY.md §2.5, C-5): each rule is broken by a rogue on the bus of a
suite that runs; the rogue is cut off or refused, and two clients that chat notice nothing."""

import asyncio
import os
import subprocess

import pytest

from chat import clients
from suite import BUILD, PATIENCE, Suite


def rogue(suite, *args, role="c2sd"):
    """What came of it, as a list of words."""
    door = suite.dir / role / "router.sock"
    uid = door.stat().st_uid if os.geteuid() == 0 else os.geteuid()
    done = subprocess.run([str(BUILD / "test" / "tool" / "rogue"), str(door), str(uid), *args],
                          capture_output=True, text=True, timeout=30 * PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def chat_beside(suite, attack):
    """Runs the attack while alice and bob chat; both stay connected, and bob hears alice alone."""
    async def story():
        async with clients(suite, "alice@localhost/a", "bob@localhost/b") as (alice, bob):
            alice.say("bob@localhost/b", "before")
            assert (await bob.hear())["body"] == "before"
            result = await asyncio.get_running_loop().run_in_executor(None, attack)
            alice.say("bob@localhost/b", "after")
            assert (await bob.hear())["body"] == "after"
            await bob.nothing()
            assert not alice.ended.is_set() and not bob.ended.is_set()
            return result
    return asyncio.run(story())


# What the rogue sees: its link is closed, or the answer to its request is a refusal.
CUT_OFF = ["closed"]


@pytest.mark.parametrize("scenario, expected", [
    (("user-add",), CUT_OFF),
    (("roster",), CUT_OFF),
    (("redeem",), CUT_OFF),
    (("deliver",), CUT_OFF),
    (("malformed",), CUT_OFF),
    (("length",), CUT_OFF),
    (("from", "1", "bob@localhost/b", "alice@localhost/a"), None),
    (("handle", "1", "bob@localhost/b"), ["RELEASE", "open"]),
    (("ticket", "alice@localhost"), ["FAILED", "open"]),
    (("reg", "alice@localhost/a"), None),
    (("reg-forged", "alice@localhost/a"), None),
])
def test_inv_29_a_rogue_edge_becomes_nobody(suite, scenario, expected):
    got = chat_beside(suite, lambda: rogue(suite, *scenario))
    # sessiond tells every edge what it offers.
    got = [message for message in got if message != "FEATURES"]
    if expected is None:
        # Cut off, or told to release a session that it does not have: either way it has none.
        assert got in (CUT_OFF, ["RELEASE", "open"]), got
    else:
        assert got == expected


# They may not ask for a link to be closed, as strangers reach them; they drop the frame.
EDGES = ("c2sd", "s2sd", "componentd")


@pytest.mark.parametrize("role", ["c2sd", "componentd", "s2sd", "sessiond", "authd", "storaged", "ctl"])
def test_f24_malformed_frames_from_each_role(suite, role):
    """Every message that a role may send, to everybody who is there, with a body that is none: its link is closed, and nobody dies."""
    def attack():
        door = suite.dir / role / "router.sock"
        uid = door.stat().st_uid if os.geteuid() == 0 else os.geteuid()
        return subprocess.run([str(BUILD / "test" / "tool" / "rogue"), str(door), str(uid), "garbage", role],
                              capture_output=True, text=True, timeout=150 * PATIENCE, check=True).stdout.splitlines()
    before = suite.status()
    lines = [line.split() for line in chat_beside(suite, attack)]
    assert len(lines) > 5
    for message, receiver, outcome in lines:
        assert outcome == "closed" or receiver in EDGES, (message, receiver)
    assert suite.status() == before
    chat_beside(suite, lambda: None)  # with new logins


@pytest.mark.parametrize("sender", ["alice@localhost/a", "alice@localhost", "localhost", "x@remote.example",
                                    "localhost/echo.example.net"])
def test_inv_31_a_rogue_componentd_speaks_for_no_one_else(suite, sender):
    assert chat_beside(suite, lambda: rogue(suite, "route", sender, "bob@localhost/b", role="componentd")) == CUT_OFF


@pytest.fixture(scope="module")
def federating():
    with Suite(settings={"jackdaw": '\ns2sd = 1\ncomponents = {"echo.example.net"}\n'}) as s:
        s.add_users("alice", "bob")
        yield s


@pytest.mark.parametrize("sender", ["alice@localhost/a", "alice@localhost", "localhost", "localhost/remote.example",
                                    "echo.example.net", "x@echo.example.net/y"])
def test_inv_31_a_rogue_s2sd_speaks_for_nobody_here(federating, sender):
    assert chat_beside(federating, lambda: rogue(federating, "route", sender, "bob@localhost/b", role="s2sd")) == CUT_OFF


def test_a_rogue_s2sd_speaks_for_others(federating):
    """The same frame with a sender that is elsewhere arrives, so that the cut above is for the sender alone."""
    async def story():
        async with clients(federating, "bob@localhost/b") as bob:
            got = await asyncio.get_running_loop().run_in_executor(
                None, lambda: rogue(federating, "route", "x@remote.example/y", "bob@localhost/b", role="s2sd"))
            assert "closed" not in got, got
            assert (await bob.hear())["from"].full == "x@remote.example/y"
    asyncio.run(story())


def test_a_rogue_registers_nothing_with_a_new_sessiond(own_suite):
    """After a restart of sessiond edges say which sessions they have: only a capability makes that true."""
    def attack():
        own_suite.kill("sessiond")
        got = rogue(own_suite, "reg-forged", "alice@localhost/forged")
        own_suite.wait_linked()
        return got
    chat_beside(own_suite, attack)
    assert "alice@localhost/forged" not in own_suite.ctl("session", "list").stdout


def test_the_door_of_another_role_stays_shut(suite):
    """A role is its socket and its user: c2sd's user finds no other door open."""
    if os.geteuid() != 0:
        pytest.skip("needs root: every role has the same user")
    uid = (suite.dir / "c2sd" / "router.sock").stat().st_uid
    for role in ("sessiond", "authd", "storaged", "ctl", "s2sd", "componentd"):
        door = suite.dir / role / "router.sock"
        done = subprocess.run([str(BUILD / "test" / "tool" / "rogue"), str(door), str(uid), "roster"],
                              capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 2 and "Permission denied" in done.stderr, (role, done)

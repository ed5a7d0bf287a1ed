"""What the operator does with federation: on and off, routes, streams, what waits; and what a restart costs."""

import asyncio
import os
import shutil
import signal
import socket

import pytest

from chat import clients
from peers import HOST, Authority, Jackdaw, Prosody, linked
from suite import PATIENCE, Suite, wait_for
from wire import STANZAS, Wire

US, THEM = "north.test", "south.test"


@pytest.fixture
def pair():
    ours, theirs = Jackdaw(US), Jackdaw(THEM)
    with linked(ours, theirs):
        ours.begin("alice")
        theirs.begin("bob")
        yield ours, theirs


def error_of(wire, to):
    wire.send(f"<iq to='{to}' id='q' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
    answer = wire.wait_for(lambda e: e.get("id") == "q", 20 * PATIENCE)
    assert answer.get("from") == to and answer.get("type") == "error"
    return answer.find(".//*[@type]")[0].tag.removeprefix(f"{{{STANZAS}}}"), answer.findtext(f".//{{{STANZAS}}}text")


def test_n_06_off_is_the_default():
    with Suite() as suite:
        suite.add_user("alice@localhost")
        assert "s2sd.0" not in suite.status()
        with socket.socket() as s:
            assert s.connect_ex((HOST, suite.server_port)) != 0
        with Wire.at(suite, "session") as alice:
            assert error_of(alice, "bob@elsewhere.test")[0] == "remote-server-not-found"
        done = suite.ctl("s2s", "list", check=False)
        assert done.returncode == 1 and "s2sd = 0" in done.stderr


def test_init_switches_it_on_and_makes_a_secret(tmp_path):
    suite = Suite(start=False)
    try:
        suite.run(["init", "--dir", str(suite.dir), "--port-offset", str(suite.offset), "--domain", "localhost", "--federation"])
        conf = (suite.dir / "etc" / "s2sd.conf").read_text()
        secret = next(line for line in conf.splitlines() if line.startswith("dialback_secret"))
        assert len(secret.split('"')[1]) == 64
        assert (suite.dir / "etc" / "s2sd.conf").stat().st_mode & 0o077 == 0
        suite.up()
        assert suite.status()["s2sd.0"][1] == "ready"
    finally:
        suite.__exit__(None, None, None)


def test_routes_are_added_and_removed_while_it_runs(pair):
    ours, theirs = pair
    with Wire.at(ours, "session", f"alice@{US}") as alice:
        with socket.socket() as s:
            s.bind((HOST, 0))
            closed = s.getsockname()[1]
        ours.ctl("route", "add", "closed.test", f"{HOST}:{closed}")
        condition, text = error_of(alice, "a@closed.test")
        assert condition == "remote-server-timeout" and text
        assert f"{HOST}:{closed}" in ours.ctl("route", "list").stdout
        ours.ctl("route", "add", "closed.test", f"{HOST}:{theirs.server_port}")
        condition, text = error_of(alice, "a@closed.test")
        assert "host-unknown" in text and condition == "remote-server-not-found"
        ours.ctl("route", "del", "closed.test")
        assert "closed.test" not in ours.ctl("route", "list").stdout
        assert ours.ctl("route", "del", "closed.test", check=False).returncode == 1
        refused = ours.ctl("route", "add", "closed.test", "nowhere", check=False)
        assert refused.returncode == 1 and "is no route" in refused.stderr
        assert THEM in ours.ctl("route", "list").stdout


def test_streams_are_shown_closed_and_made_again(pair):
    ours, theirs = pair
    async def story():
        async with clients(ours, f"alice@{US}/a") as alice, clients(theirs, f"bob@{THEM}/b") as bob:
            for text in ("one", "two"):
                alice.say(f"bob@{THEM}/b", text)
                assert (await bob.hear())["body"] == text
                rows = [row for row in ours.s2s("list")[1:] if row[2] == THEM]
                assert rows and rows[0][0] == US and rows[0][3] == "open" and rows[0][4] == "tls"
                assert "1 closed" in ours.ctl("s2s", "close", THEM).stdout
                wait_for(lambda: not ours.s2s("list")[1:], 10, "the end of the stream")
    asyncio.run(story())


CALM = {
    "close": lambda ours, _theirs: ours.ctl("s2s", "close", THEM),
    "close there": lambda _ours, theirs: theirs.ctl("s2s", "close", US),
    "restart": lambda ours, _theirs: ours.ctl("restart", "s2sd"),
    "restart there": lambda _ours, theirs: theirs.ctl("restart", "s2sd"),
}


@pytest.mark.parametrize("act", CALM.values(), ids=CALM)
def test_an_orderly_end_under_traffic_repeats_nothing(pair, act):
    """Each side says what it has before it closes: both ways, in order, once."""
    ours, theirs = pair
    async def send(client, to, done):
        n = 0
        while not done.is_set() or n < 200:
            client.say(to, str(n))
            n += 1
            await asyncio.sleep(0.002)
        return n

    async def heard(client, count):
        """Up to the last one, whatever comes."""
        bodies = []
        while not bodies or bodies[-1] != str(count - 1):
            message = await client.hear(30)
            assert message["type"] != "error", message
            bodies.append(message["body"])
        return bodies

    async def story():
        async with clients(ours, f"alice@{US}/a") as alice, clients(theirs, f"bob@{THEM}/b") as bob:
            done = asyncio.Event()
            senders = [asyncio.create_task(send(alice, f"bob@{THEM}/b", done)), asyncio.create_task(send(bob, f"alice@{US}/a", done))]
            for _ in range(3):
                await asyncio.sleep(0.1)
                await asyncio.to_thread(act, ours, theirs)
            done.set()
            counts = [await sender for sender in senders]
            assert await heard(bob, counts[0]) == [str(n) for n in range(counts[0])]
            assert await heard(alice, counts[1]) == [str(n) for n in range(counts[1])]
            await alice.nothing()
            await bob.nothing()
    asyncio.run(story())


@pytest.mark.skipif(not shutil.which("prosody"), reason="prosody is not installed")
@pytest.mark.parametrize("act", ["close", "restart"])
def test_the_same_with_prosody(act):
    """What goes to one that has smacks."""
    authority = Authority()
    ours, theirs = Jackdaw(US, authority), Prosody(THEM, authority, modules=("smacks",))
    async def story():
        async with clients(ours, f"alice@{US}/a") as alice, clients(theirs, f"bob@{THEM}/b") as bob:
            for turn in range(4):
                for n in range(turn * 100, turn * 100 + 100):
                    alice.say(f"bob@{THEM}/b", str(n))
                if turn < 3:
                    await asyncio.to_thread(CALM[act], ours, theirs)
            assert [(await bob.hear(30))["body"] for _ in range(400)] == [str(n) for n in range(400)]
            await bob.nothing()
            assert alice.messages.empty()
    try:
        with linked(ours, theirs):
            ours.begin("alice")
            theirs.begin("bob")
            asyncio.run(story())
    finally:
        authority.close()


@pytest.mark.parametrize("victim", ["ours", "theirs"])
def test_a_restart_under_traffic_loses_nothing(pair, victim):
    """Between two that acknowledge: what was not acknowledged is sent again. Some may come twice: the other side had it, and died before it said so."""
    ours, theirs = pair
    count = 400
    async def story():
        async with clients(ours, f"alice@{US}/a") as alice, clients(theirs, f"bob@{THEM}/b") as bob:
            heard = []
            for n in range(count):
                alice.say(f"bob@{THEM}/b", str(n))
                if n in (100, 250):
                    await asyncio.sleep(0.1)
                    os.kill((ours if victim == "ours" else theirs).pid("s2sd"), signal.SIGKILL)
                if n % 20 == 0:
                    await asyncio.sleep(0.02)
            while len(set(heard)) < count:
                message = await bob.hear(30)
                assert message["type"] != "error"
                heard.append(int(message["body"]))
            assert alice.messages.empty()
    asyncio.run(story())

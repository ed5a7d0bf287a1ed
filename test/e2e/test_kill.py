"""kill -9 of each daemon while two clients chat: both stay connected and every message arrives once, in order. Only c2sd takes
its clients with it; they come back and go on."""

import asyncio

import pytest

from chat import Client, clients
from suite import PATIENCE, wait_for

BEFORE, AFTER = 60, 60


async def talk(speaker, listener, first, count, pause=0.005):
    """Numbered messages at a steady pace."""
    for n in range(first, first + count):
        speaker.say(listener.boundjid.full, str(n))
        await asyncio.sleep(pause)


async def numbers(listener, count):
    return [int((await listener.hear(seconds=30))["body"]) for _ in range(count)]


@pytest.mark.parametrize("daemon", ["router", "sessiond", "storaged", "authd", "keyd"])
def test_kill_under_traffic(own_suite, daemon):
    suite = own_suite

    async def story():
        async with clients(suite, "alice@localhost/a", "bob@localhost/b") as (alice, bob):
            for one, two in ((alice, bob), (bob, alice)):
                speaking = asyncio.ensure_future(talk(one, two, 0, BEFORE + AFTER))
                await asyncio.sleep(0.005 * BEFORE)
                await asyncio.get_running_loop().run_in_executor(None, suite.kill, daemon)
                await speaking
                assert await numbers(two, BEFORE + AFTER) == list(range(BEFORE + AFTER))
                await two.nothing()
                await asyncio.get_running_loop().run_in_executor(None, suite.wait_linked)
            assert not alice.ended.is_set() and not bob.ended.is_set()
    asyncio.run(story())


@pytest.mark.parametrize("daemon", ["storaged", "sessiond", "router"])
def test_offline_messages_survive_a_kill(own_suite, daemon):
    suite = own_suite

    async def story():
        loop = asyncio.get_running_loop()
        async with clients(suite, "alice@localhost/a") as alice:
            for n in range(20):
                alice.say("bob@localhost", str(n))
                if n == 10:
                    await loop.run_in_executor(None, suite.kill, daemon)
            # An answered iq comes behind what was sent before it.
            await alice.get_roster(timeout=30 * PATIENCE)
            await loop.run_in_executor(None, suite.wait_linked)
        async with clients(suite, "bob@localhost/b") as bob:
            assert await numbers(bob, 20) == list(range(20))
            await bob.nothing()
    asyncio.run(story())


def test_clients_come_back_after_c2sd(own_suite):
    suite = own_suite

    async def story():
        loop = asyncio.get_running_loop()
        alice = await Client(suite, "alice@localhost/a").login()
        bob = await Client(suite, "bob@localhost/b").login()
        await loop.run_in_executor(None, suite.kill, "c2sd")
        await asyncio.wait_for(asyncio.gather(alice.ended.wait(), bob.ended.wait()), 10 * PATIENCE)
        await loop.run_in_executor(None, suite.wait_linked)
        async with clients(suite, "alice@localhost/a", "bob@localhost/b") as (alice, bob):
            alice.say("bob@localhost/b", "again")
            assert (await bob.hear())["body"] == "again"
            await bob.nothing()
    asyncio.run(story())


def test_a_login_waits_for_nothing_that_is_back(own_suite):
    """After each daemon was killed in turn, the suite is as good as new."""
    suite = own_suite

    async def story():
        async with clients(suite, "alice@localhost/a", "bob@localhost/b") as (alice, bob):
            alice.say("bob@localhost/b", "still here")
            assert (await bob.hear())["body"] == "still here"
    for daemon in ("keyd", "authd", "storaged", "sessiond", "router", "c2sd"):
        old = suite.kill(daemon)
        wait_for(lambda: suite.pid(daemon) not in (0, old), 10, f"{daemon} back")
    suite.wait_linked()
    asyncio.run(story())

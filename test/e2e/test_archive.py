"""Message archives with slixmpp's XEP-0313: both sides have every message once, page by page, whatever is killed meanwhile."""

import asyncio
import datetime

import pytest

from chat import Client, clients
from suite import PATIENCE


async def page(client, **options):
    """One page: (ids, bodies, fin)."""
    results = await client["xep_0313"].retrieve(timeout=30 * PATIENCE, **options)
    found = results["mam"]["results"]
    return ([m["mam_result"]["id"] for m in found],
            [m["mam_result"]["forwarded"]["stanza"]["body"] for m in found],
            results["mam_fin"])


async def everything(client, size=7, **options):
    """All pages behind one another."""
    ids, bodies, after = [], [], None
    while True:
        rsm = {"max": size, **({"after": after} if after else {})}
        more, texts, fin = await page(client, rsm=rsm, **options)
        ids += more
        bodies += texts
        if fin.xml.get("complete") == "true":
            assert len(set(ids)) == len(ids)
            return ids, bodies
        after = fin["rsm"]["last"]


def with_archives(*people):
    for client in people:
        client.register_plugin("xep_0313")
        client.register_plugin("xep_0059")


def numbers(bodies):
    return [int(b) for b in bodies]


def test_both_sides_have_it_in_order(suite):
    async def story():
        async with clients(suite, "alice@localhost/a", "bob@localhost/b") as (alice, bob):
            with_archives(alice, bob)
            for n in range(20):
                one, two = (alice, bob) if n % 2 else (bob, alice)
                one.say(two.boundjid.full, str(n))
                heard = await two.hear()
                stamp = heard.xml.find("{urn:xmpp:sid:0}stanza-id")
                assert stamp.get("by") == two.boundjid.bare
            for who in (alice, bob):
                ids, bodies = await everything(who)
                assert numbers(bodies) == list(range(20))
            # the last page, and the id that was on the wire
            ids, bodies, fin = await page(two, rsm={"max": 3, "before": " "})
            assert numbers(bodies) == [17, 18, 19]
            assert ids[-1] == stamp.get("id")
    asyncio.run(story())


def test_filters(suite):
    async def story():
        async with clients(suite, "alice@localhost/a", "bob@localhost/b", "carol@localhost/c") as (alice, bob, carol):
            with_archives(alice)
            before = len((await everything(alice))[0])
            alice.say("carol@localhost/c", "100")
            await carol.hear()
            await asyncio.sleep(0.05)
            middle = datetime.datetime.now(datetime.timezone.utc)
            await asyncio.sleep(0.05)
            alice.say("carol@localhost/c", "101")
            alice.say("bob@localhost/b", "102")
            await carol.hear()
            await bob.hear()
            _, bodies = await everything(alice, with_jid="carol@localhost")
            assert numbers(bodies) == [100, 101]
            _, bodies = await everything(alice, with_jid="carol@localhost/elsewhere")
            assert bodies == []
            _, bodies = await everything(alice, start=middle)
            assert numbers(bodies) == [101, 102]
            _, bodies = await everything(alice, with_jid="carol@localhost", end=middle)
            assert numbers(bodies) == [100]
            assert len((await everything(alice))[0]) == before + 3
    asyncio.run(story())


def test_what_was_read_in_the_archive_does_not_come_again(own_suite):
    suite = own_suite

    async def story():
        async with clients(suite, "alice@localhost/a") as alice:
            for n in range(5):
                alice.say("bob@localhost", str(n))
            await alice.get_roster()
    
        bob = await Client(suite, "bob@localhost/b").login(presence=False)
        with_archives(bob)
        assert numbers((await everything(bob))[1]) == list(range(5))
        while not bob.messages.empty():
            bob.messages.get_nowait()
        bob.send_presence()
        await bob.nothing(1)
        await bob.logout()
        async with clients(suite, "bob@localhost/b") as bob:
            await bob.nothing(1)
    asyncio.run(story())


@pytest.mark.parametrize("daemon", ["storaged", "sessiond", "router"])
def test_every_message_once_whatever_dies(own_suite, daemon):
    suite = own_suite

    async def story():
        loop = asyncio.get_running_loop()
        async with clients(suite, "alice@localhost/a", "bob@localhost/b") as (alice, bob):
            with_archives(alice, bob)
            for n in range(150):
                alice.say("bob@localhost/b", str(n))
                if n % 50 == 25:
                    await loop.run_in_executor(None, suite.kill, daemon)
                await asyncio.sleep(0.005)
            assert numbers([(await bob.hear(30))["body"] for _ in range(150)]) == list(range(150))
            await loop.run_in_executor(None, suite.wait_linked)
            await alice.get_roster(timeout=30 * PATIENCE)
            for who in (alice, bob):
                assert numbers((await everything(who, size=40))[1]) == list(range(150))
            # and as well after the index was read again
            await loop.run_in_executor(None, suite.kill, "storaged")
            await loop.run_in_executor(None, suite.wait_linked)
            for who in (alice, bob):
                assert numbers((await everything(who, size=40))[1]) == list(range(150))
    asyncio.run(story())

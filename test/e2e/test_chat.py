"""Two people chat: the suite's main job, with slixmpp over TLS and SCRAM."""

import asyncio

import pytest

from chat import Client, befriend, clients


def test_two_people_chat(suite):
    async def story():
        async with clients(suite, "alice@localhost/one", "bob@localhost/two") as (alice, bob):
            alice.say("bob@localhost", "hello")
            message = await bob.hear()
            assert message["body"] == "hello"
            assert str(message["from"]) == "alice@localhost/one"
            bob.say("alice@localhost/one", "and to you")
            assert (await alice.hear())["body"] == "and to you"
    asyncio.run(story())


def test_a_thousand_messages_arrive_in_order(suite):
    async def story():
        async with clients(suite, "alice@localhost/one", "bob@localhost/two") as (alice, bob):
            for n in range(1000):
                alice.say("bob@localhost/two", str(n))
                heard = await bob.hear()
                assert heard["body"] == str(n)
                bob.say("alice@localhost/one", f"r{n}")
                assert (await alice.hear())["body"] == f"r{n}"
    asyncio.run(story())


def test_a_burst_arrives_in_order(suite):
    async def story():
        async with clients(suite, "alice@localhost/one", "bob@localhost/two") as (alice, bob):
            for n in range(500):
                alice.say("bob@localhost/two", str(n))
            assert [(await bob.hear())["body"] for _ in range(500)] == [str(n) for n in range(500)]
    asyncio.run(story())


def test_offline_messages_wait_with_a_stamp(suite):
    async def story():
        async with clients(suite, "alice@localhost/one") as alice:
            for n in range(3):
                alice.say("carol@localhost", f"later {n}")
            await alice.get_roster()
        async with clients(suite, "carol@localhost/late") as carol:
            for n in range(3):
                message = await carol.hear()
                assert message["body"] == f"later {n}"
                assert message.xml.find("{urn:xmpp:delay}delay") is not None
            await carol.nothing()
        async with clients(suite, "carol@localhost/again") as carol:
            await carol.nothing()
    asyncio.run(story())


def test_subscription_and_presence(suite):
    async def story():
        async with clients(suite, "alice@localhost/one", "bob@localhost/two") as (alice, bob):
            await befriend(alice, bob)
            bob.send_presence(pshow="away", pstatus="lunch")
            seen = await alice.see(lambda p: p["from"] == "bob@localhost/two" and p["show"] == "away")
            assert seen["status"] == "lunch"
            await alice.knows("bob@localhost", "both")
            # By roster versioning the answer may be empty: what the client knows is the roster.
            await alice.get_roster()
            assert alice.client_roster["bob@localhost"]["subscription"] == "both"
            await bob.logout()
            await alice.see(lambda p: p["from"] == "bob@localhost/two" and p["type"] == "unavailable")
        async with clients(suite, "bob@localhost/two", "alice@localhost/one") as (bob, _):
            await bob.see(lambda p: p["from"] == "alice@localhost/one" and p["type"] == "available")
    asyncio.run(story())


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
@pytest.mark.parametrize("direct", [False, True])
def test_login_by_every_mechanism(suite, mechanism, direct):
    async def story():
        client = await Client(suite, "alice@localhost/m", mechanism=mechanism, direct=direct).login()
        await client.logout()
    asyncio.run(story())


def test_a_wrong_password_and_an_unknown_user_look_the_same(suite):
    async def story(jid):
        client = Client(suite, jid, password="wrong")
        conditions = []
        client.add_event_handler("failed_auth", lambda f: conditions.append(f["condition"]))
        client.connect(("127.0.0.1", suite.port))
        await asyncio.wait_for(client.ended.wait(), 20)
        return conditions
    known, unknown = asyncio.run(story("alice@localhost")), asyncio.run(story("nobody@localhost"))
    assert known == unknown and known[0] == known[-1] == "not-authorized"

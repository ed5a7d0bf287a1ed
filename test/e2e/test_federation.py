"""Two servers, each with a user: what RFC 6121 says works between them as it does within one. Jackdaw with itself and
with Prosody, with certificates, with dialback, without TLS."""

import asyncio
import shutil

import pytest

from chat import befriend, clients
from peers import Authority, Jackdaw, Prosody, linked

US, THEM = "north.test", "south.test"


@pytest.fixture(scope="module")
def authority():
    made = Authority()
    yield made
    made.close()


def external(authority):
    return Jackdaw(US, authority), Jackdaw(THEM, authority)


def dialback(_authority):
    return Jackdaw(US), Jackdaw(THEM)


def clear(_authority):
    return Jackdaw(US, more="policy = off\n"), Jackdaw(THEM, more="policy = off\n")


def prosody_external(authority):
    return Jackdaw(US, authority), Prosody(THEM, authority)


def prosody_dialback(authority):
    return Jackdaw(US), Prosody(THEM, authority, external=False)


def prosody_both_ways(authority):
    return Jackdaw(US, authority), Prosody(THEM, authority, modules=("s2s_bidi", "smacks"))


def prosody_clear(authority):
    return Jackdaw(US, more=f'remote "{THEM}" {{ policy = optional }}\n'), Prosody(THEM, authority, plain=True)


@pytest.fixture(scope="module", params=[external, dialback, clear, prosody_external, prosody_dialback, prosody_both_ways,
                                        prosody_clear],
                ids=lambda make: make.__name__)
def pair(request, authority):
    """Ours with alice, and theirs with bob."""
    ours, theirs = request.param(authority)
    program = getattr(theirs, "program", None)
    if program and not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    with linked(ours, theirs):
        ours.begin("alice")
        theirs.begin("bob")
        yield ours, theirs


def story(pair, tell):
    async def run():
        ours, theirs = pair
        async with clients(ours, f"alice@{US}/a") as alice, clients(theirs, f"bob@{THEM}/b") as bob:
            await tell(alice, bob)
    asyncio.run(run())


def test_a_message_each_way(pair):
    async def tell(alice, bob):
        alice.say(f"bob@{THEM}", "from the north")
        assert (await bob.hear())["body"] == "from the north"
        bob.say(f"alice@{US}", "from the south")
        heard = await alice.hear()
        assert heard["body"] == "from the south" and heard["from"].full == f"bob@{THEM}/b"
    story(pair, tell)


def test_subscriptions_and_presence(pair):
    async def tell(alice, bob):
        await befriend(alice, bob)
        await alice.knows(f"bob@{THEM}", "both")
        bob.send_presence(pshow="dnd")
        await alice.see(lambda p: p["from"].full == f"bob@{THEM}/b" and p["show"] == "dnd")
        alice.send_presence(pshow="away")
        await bob.see(lambda p: p["from"].full == f"alice@{US}/a" and p["show"] == "away")
    story(pair, tell)


def test_questions_to_the_other_server_and_its_user(pair):
    async def tell(alice, bob):
        for client, domain in ((alice, THEM), (bob, US)):
            client.register_plugin("xep_0030")
            info = await client["xep_0030"].get_info(jid=domain, timeout=20)
            assert any(category == "server" for category, *_ in info["disco_info"]["identities"])
        alice.register_plugin("xep_0199")
        bob.register_plugin("xep_0199")
        await alice["xep_0199"].send_ping(f"bob@{THEM}/b", timeout=20)
        await bob["xep_0199"].send_ping(f"alice@{US}/a", timeout=20)
    story(pair, tell)


def test_a_thousand_messages_in_order(pair):
    async def tell(alice, bob):
        for n in range(1000):
            alice.say(f"bob@{THEM}/b", str(n))
        for n in range(1000):
            assert (await bob.hear())["body"] == str(n)
            bob.say(f"alice@{US}/a", str(n))
        for n in range(1000):
            assert (await alice.hear())["body"] == str(n)
    story(pair, tell)


def test_nobody_there_is_told_by_the_other_server(pair):
    async def tell(alice, bob):
        alice.say(f"nobody@{THEM}", "?")
        error = await alice.hear()
        assert error["type"] == "error" and error["from"].bare == f"nobody@{THEM}"
    story(pair, tell)

"""A stanza that its receiver dies of (SECURITY.md §4.1 F25, BUS.md §11): after three deaths it is set aside and answered with an
error, everything else goes on. The daemons that die are of test/faulty/: a message with "poison-DAEMON" in it kills them."""

import asyncio
import contextlib
import re
import shutil

import pytest

from chat import Client, clients
from suite import BUILD, PATIENCE, Suite

WAIT = 60


@pytest.fixture(name="faulty")
def faulty_fixture(tmp_path, request):
    programs = tmp_path / "bin"
    shutil.copytree(BUILD / "bin", programs)
    shutil.copy2(BUILD / "test" / "faulty" / request.param, programs / request.param)
    tmp_path.chmod(0o755)
    with Suite(programs=programs) as suite:
        suite.add_users("alice", "bob", "carol", "dave")
        suite.poisoned = request.param
        yield suite


async def hears_all(client, texts):
    heard = []
    while len(heard) < len(texts):
        heard.append(await client.hear(seconds=WAIT))
    return [m["body"] for m in heard]


@contextlib.asynccontextmanager
async def speaker(suite, jid, managed):
    """managed: with stream management, whose every stanza is acknowledged by the end."""
    client = Client(suite, jid)
    on = asyncio.Event()
    if managed:
        client.register_plugin("xep_0198")
        client.add_event_handler("sm_enabled", lambda _: on.set())
    await client.login()
    try:
        if managed:
            await asyncio.wait_for(on.wait(), WAIT * PATIENCE)
        yield client
        while managed and client["xep_0198"].unacked_queue:
            client["xep_0198"].request_ack()
            await asyncio.sleep(0.1)
    finally:
        await client.logout()


@pytest.mark.parametrize("managed", [False, True], ids=["plain", "managed"])
@pytest.mark.parametrize("faulty", ["sessiond", "storaged"], indirect=True)
def test_poison_is_set_aside_and_everybody_else_goes_on(faulty, managed):
    suite = faulty
    secret = "what nobody may read in a log"

    async def others(one, two, stop):
        """Two who have nothing to do with it: numbered messages, none lost, none twice, all in order."""
        n = 0
        while not stop.is_set():
            one.say(two.boundjid.full, str(n))
            n += 1
            await asyncio.sleep(0.02)
        assert await hears_all(two, range(n)) == [str(i) for i in range(n)]

    async def story():
        names = ("bob@localhost/b", "carol@localhost/c", "dave@localhost/d")
        async with clients(suite, *names) as (bob, carol, dave), speaker(suite, "alice@localhost/a", managed) as alice:
            stop = asyncio.Event()
            talk = asyncio.ensure_future(others(carol, dave, stop))
            before = [f"before {n}" for n in range(20)]
            after = [f"after {n}" for n in range(20)]
            for text in before:
                alice.say(bob.boundjid.full, text)
            # to an account without a session, so that it must be kept
            poison = alice.make_message(mto="erin@localhost", mtype="chat", mbody=f"poison-{suite.poisoned} {secret}")
            poison["id"] = "the-poison"
            poison.send()
            for text in after:
                alice.say(bob.boundjid.full, text)
            error = await asyncio.wait_for(alice.messages.get(), WAIT * PATIENCE)
            assert error["type"] == "error" and error["id"] == "the-poison"
            assert error["error"]["condition"] == "internal-server-error"
            assert await hears_all(bob, before + after) == before + after
            stop.set()
            await talk
            await bob.nothing()
            assert not any(c.ended.is_set() for c in (alice, bob, carol, dave))

    suite.add_user("erin@localhost")
    try:
        asyncio.run(story())
    except BaseException:
        suite.show_logs()
        raise
    suite.wait_linked()
    logs = "\n".join(suite.logs().values())
    assert len(re.findall(r"dead letter: ", logs)) == 1
    assert secret not in logs
    letter = re.search(r"dead letter: (\w+) \(origin [0-9a-f]{32}, n \d+, kind \d+\) to (\w+)\.0, \d+ bytes", logs)
    assert letter.groups() == {"sessiond": ("STANZA", "sessiond"), "storaged": ("STORE", "storaged")}[suite.poisoned]

"""What clients ask of a personal account beyond RFC 6121, each use case with slixmpp's plugin for it."""

import asyncio
import contextlib
import xml.etree.ElementTree as ET

import pytest
from slixmpp.exceptions import IqError

from chat import Client, befriend, clients, logged_in
from suite import PATIENCE, Suite, wait_for
from wire import AUTHENTICATED, Wire


def with_plugins(client, *names):
    for name in names:
        client.register_plugin(name)
    return client


@contextlib.asynccontextmanager
async def extended(suite, *jids, plugins=()):
    """Logged-in clients with these plugins."""
    async with logged_in([with_plugins(Client(suite, jid), *plugins) for jid in jids]) as made:
        yield made


def queue_of(client, event):
    queue = asyncio.Queue()
    client.add_event_handler(event, queue.put_nowait)
    return queue


async def take(queue):
    return await asyncio.wait_for(queue.get(), 20 * PATIENCE)


async def refused(coroutine):
    """The condition of the error that this request gets."""
    with pytest.raises(IqError) as e:
        await coroutine
    return e.value.iq["error"]["condition"]


# ---- XEP-0280 ----

def test_carbons_of_both_directions(suite):
    async def story():
        async with extended(suite, "alice@localhost/one", "alice@localhost/two", "bob@localhost/x",
                            plugins=["xep_0280"]) as (one, two, bob):
            sent, received = queue_of(two, "carbon_sent"), queue_of(two, "carbon_received")
            await two["xep_0280"].enable()
            one.say("bob@localhost", "hello")
            assert (await bob.hear())["body"] == "hello"
            copy = (await take(sent))["carbon_sent"]
            assert copy["body"] == "hello" and str(copy["to"]) == "bob@localhost"
            bob.say("alice@localhost/one", "and to you")
            assert (await one.hear())["body"] == "and to you"
            copy = (await take(received))["carbon_received"]
            assert copy["body"] == "and to you" and str(copy["from"]) == "bob@localhost/x"
            await two["xep_0280"].disable()
            one.say("bob@localhost", "secretly")
            assert (await bob.hear())["body"] == "secretly"
            await two.nothing()
    asyncio.run(story())


def test_private_is_not_copied(suite):
    async def story():
        async with extended(suite, "alice@localhost/one", "alice@localhost/two", "bob@localhost/x",
                            plugins=["xep_0280"]) as (one, two, bob):
            await two["xep_0280"].enable()
            message = one.make_message("bob@localhost/x", mbody="for you", mtype="chat")
            message.xml.append(ET.Element("{urn:xmpp:carbons:2}private"))
            message.send()
            assert (await bob.hear())["body"] == "for you"
            await two.nothing()
    asyncio.run(story())


def test_inv_11_nobody_forges_a_carbon(suite):
    async def story():
        async with extended(suite, "alice@localhost/one", "bob@localhost/x", plugins=["xep_0280"]) as (alice, bob):
            lie = ET.fromstring(
                "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
                "<message xmlns='jabber:client' from='carol@localhost'><body>perfidy</body></message>"
                "</forwarded></received>")
            message = bob.make_message("alice@localhost", mbody="honest", mtype="chat")
            message.xml.append(lie)
            message.send()
            heard = await alice.hear()
            assert heard["body"] == "honest"
            assert "perfidy" not in str(heard)
    asyncio.run(story())


def test_the_switch_outlives_sessiond(own_suite):
    async def story():
        async with extended(own_suite, "alice@localhost/one", "alice@localhost/two", "bob@localhost/x",
                            plugins=["xep_0280"]) as (one, two, bob):
            received = queue_of(two, "carbon_received")
            await two["xep_0280"].enable()
            own_suite.kill("sessiond")
            bob.say("alice@localhost/one", "still here?")
            assert (await one.hear())["body"] == "still here?"
            assert (await take(received))["carbon_received"]["body"] == "still here?"
    asyncio.run(story())


# ---- XEP-0191 ----

def test_block_and_unblock(suite):
    async def story():
        async with extended(suite, "alice@localhost/one", "alice@localhost/two", "bob@localhost/x",
                            plugins=["xep_0191"]) as (one, two, bob):
            await befriend(one, bob)
            blocked = queue_of(two, "blocked")
            await two["xep_0191"].get_blocked()
            await one["xep_0191"].block("bob@localhost")
            assert "bob@localhost" in str(await take(blocked))
            await bob.see(lambda p: p["type"] == "unavailable" and p["from"].bare == "alice@localhost")
            bob.say("alice@localhost", "hello?")
            answer = await bob.hear()
            assert answer["error"]["condition"] == "service-unavailable"
            one.say("bob@localhost", "I cannot hear you")
            answer = await one.hear()
            assert answer["error"]["condition"] == "not-acceptable"
            assert answer.xml.find(".//{urn:xmpp:blocking:errors}blocked") is not None
            listed = await one["xep_0191"].get_blocked()
            assert {str(j) for j in listed["blocklist"]["items"]} == {"bob@localhost"}
            await one["xep_0191"].unblock("bob@localhost")
            await bob.see(lambda p: p["type"] == "available" and p["from"].bare == "alice@localhost")
            bob.say("alice@localhost/one", "hello!")
            assert (await one.hear())["body"] == "hello!"
    asyncio.run(story())


def test_a_block_outlives_the_session(suite):
    async def story():
        async with extended(suite, "carol@localhost/one", plugins=["xep_0191"]) as carol:
            await carol["xep_0191"].block("nobody@elsewhere.example")
        async with extended(suite, "carol@localhost/one", plugins=["xep_0191"]) as carol:
            listed = await carol["xep_0191"].get_blocked()
            assert {str(j) for j in listed["blocklist"]["items"]} == {"nobody@elsewhere.example"}
            await carol["xep_0191"].unblock([])
            listed = await carol["xep_0191"].get_blocked()
            assert not listed["blocklist"]["items"]
    asyncio.run(story())


def privacy(client, kind, inner=""):
    iq = client.make_iq(ito="", itype=kind)
    iq.xml.append(ET.fromstring(f"<query xmlns='jabber:iq:privacy'>{inner}</query>"))
    return iq.send()


def test_privacy_lists_show_the_block_list(suite):
    async def story():
        async with extended(suite, "carol@localhost/one", plugins=["xep_0191"]) as carol:
            await privacy(carol, "set", "<list name='blocked'>"
                          "<item type='jid' value='foe@elsewhere.example' action='deny' order='1'/></list>")
            await privacy(carol, "set", "<default name='blocked'/>")
            listed = await carol["xep_0191"].get_blocked()
            assert {str(j) for j in listed["blocklist"]["items"]} == {"foe@elsewhere.example"}
            await carol["xep_0191"].unblock([])
            assert await refused(privacy(carol, "get", "<list name='blocked'/>")) == "item-not-found"
    asyncio.run(story())


def test_an_active_list_outlives_sessiond(own_suite):
    """XEP-0016 §2.2: for the duration of the session; the default one, and all lists, for longer."""
    async def story():
        async with extended(own_suite, "alice@localhost/one", plugins=["xep_0191"]) as alice:
            async with clients(own_suite, "bob@localhost/two") as bob:
                await privacy(alice, "set", "<list name='quiet'><item action='deny' order='1'><message/></item></list>")
                await privacy(alice, "set", "<active name='quiet'/>")
                own_suite.kill("sessiond")
                own_suite.wait_linked()
                bob.say("alice@localhost/one", "hello")
                assert (await bob.hear())["type"] == "error"
                await privacy(alice, "set", "<active/>")
                bob.say("alice@localhost/one", "again")
                assert (await alice.hear())["body"] == "again"
        own_suite.kill("storaged")
        own_suite.wait_linked()
        async with extended(own_suite, "alice@localhost/later", plugins=["xep_0191"]) as alice:
            names = await privacy(alice, "get", "")
            assert "<list name=\"quiet\"" in str(names)
            assert "active" not in str(names)
    asyncio.run(story())


# ---- what the server says of itself ----

def test_disco_version_time_uptime_ping(suite):
    async def story():
        async with extended(suite, "alice@localhost/one",
                            plugins=["xep_0030", "xep_0092", "xep_0199", "xep_0012"]) as alice:
            info = await alice["xep_0030"].get_info("localhost")
            assert ("server", "im", None, "Jackdaw") in info["disco_info"]["identities"]
            features = info["disco_info"]["features"]
            for feature in ("urn:xmpp:carbons:2", "urn:xmpp:blocking", "urn:xmpp:ping", "jabber:iq:version",
                            "jabber:iq:last", "urn:xmpp:time", "jabber:iq:register"):
                assert feature in features
            version = await alice["xep_0092"].get_version("localhost")
            assert version["software_version"]["name"] == "Jackdaw"
            uptime = await alice["xep_0012"].get_last_activity("localhost")
            assert int(uptime["last_activity"]["seconds"]) >= 0
            assert await alice["xep_0199"].ping("localhost") is not None
    asyncio.run(story())


def test_contact_addresses():
    with Suite(settings={"sessiond": 'contact_abuse = {"mailto:abuse@example.org"}'}) as own:
        own.add_user("alice@localhost")

        async def story():
            async with extended(own, "alice@localhost/one", plugins=["xep_0030", "xep_0004"]) as alice:
                info = await alice["xep_0030"].get_info("localhost")
                values = [v.text for v in info.xml.iter("{jabber:x:data}value")]
                assert "mailto:abuse@example.org" in values
        asyncio.run(story())


def test_a_reload_changes_what_streams_offer(own_suite):
    """The hash of XEP-0115 is that of the settings in force."""
    def ver():
        with Wire.at(own_suite, AUTHENTICATED) as wire:
            return wire.features.find("{http://jabber.org/protocol/caps}c").get("ver")

    before = ver()
    assert ver() == before
    with open(own_suite.dir / "etc" / "sessiond.conf", "a", encoding="utf-8") as conf:
        conf.write('contact_abuse = {"mailto:abuse@localhost"}\n')
    own_suite.ctl("reload", "sessiond")
    wait_for(lambda: ver() != before, 10, "another hash")

"""Searching archives for words (XEP-0431) with slixmpp."""

import asyncio

import pytest
from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from chat import clients
from mam import field, query
from suite import PATIENCE, Suite

FULLTEXT = "{urn:xmpp:fulltext:0}fulltext"
MAM = "{urn:xmpp:mam:2}"
RSM = "{http://jabber.org/protocol/rsm}"

DOMAIN = 'domain "other.example" { search = off }\n'


@pytest.fixture(scope="module")
def searching():
    with Suite(domains=("localhost", "other.example"), settings={"storaged": "search = true\n" + DOMAIN}) as s:
        for jid in ("alice@localhost", "bob@localhost", "carol@localhost", "dora@other.example"):
            s.add_user(jid)
        yield s


def mam_query(client, fields, rsm=""):
    iq = client.make_iq_set()
    iq.append(ET.fromstring(query("".join(field(*pair) for pair in fields.items()), rsm)))
    return iq


async def search(client, text, var=FULLTEXT, rsm="", **fields):
    """One page of hits: (bodies, fin)."""
    found = []

    def take(message):
        body = message.xml.find(f"{MAM}result//{{jabber:client}}body")
        if body is not None:
            found.append(body.text)
    client.register_handler(Callback("results", MatchXPath(f"{{jabber:client}}message/{MAM}result"), take))
    try:
        answer = await mam_query(client, {var: text, **fields}, rsm).send(timeout=30 * PATIENCE)
    finally:
        client.remove_handler("results")
    return found, answer.xml.find(f"{MAM}fin")


async def features(client):
    client.register_plugin("xep_0030")
    info = await client["xep_0030"].get_info(jid=client.boundjid.bare, timeout=10 * PATIENCE)
    return info["disco_info"]["features"]


def test_words_with_whom_when_and_page_by_page(searching):
    async def story():
        async with clients(searching, "alice@localhost/a", "bob@localhost/b", "carol@localhost/c") as (alice, bob, carol):
            assert "urn:xmpp:fulltext:0" in await features(alice)
            for n in range(6):
                alice.say("bob@localhost/b" if n % 2 else "carol@localhost/c", f"The needle number {n}")
                bob.say("alice@localhost/a", f"hay {n}")
            for who, count in ((bob, 3), (carol, 3), (alice, 6)):
                for _ in range(count):
                    await who.hear()
            found, fin = await search(alice, "NEEDLE the")
            assert found == [f"The needle number {n}" for n in range(6)]
            assert fin.get("complete") == "true"
            assert (await search(alice, "needle", var="withtext"))[0] == found
            assert (await search(alice, "needle hay"))[0] == []
            assert (await search(alice, "needl"))[0] == []
            assert len((await search(bob, "needle"))[0]) == 3
            assert len((await search(alice, "needle", **{"with": "bob@localhost"}))[0]) == 3
            assert (await search(alice, "needle", start="2099-01-01T00:00:00Z"))[0] == []
            some, fin = await search(alice, "needle", rsm="<max>4</max>")
            assert len(some) == 4 and fin.get("complete") is None
            rest, fin = await search(alice, "needle", rsm=f"<after>{fin.find(f'{RSM}set/{RSM}last').text}</after>")
            assert some + rest == found and fin.get("complete") == "true"
            last, _ = await search(alice, "needle", rsm="<max>1</max><before/>")
            assert last == found[-1:]
            # §3.1: an empty text asks for nothing special
            assert len((await search(alice, ""))[0]) == 12
    asyncio.run(story())


def test_the_form_offers_it(searching):
    async def story():
        async with clients(searching, "alice@localhost/a", "dora@other.example/d") as (alice, dora):
            fields = {}
            for who in (alice, dora):
                iq = who.make_iq_get()
                iq.append(ET.fromstring("<query xmlns='urn:xmpp:mam:2'/>"))
                answer = await iq.send(timeout=10 * PATIENCE)
                fields[who] = {f.get("var") for f in answer.xml.iter("{jabber:x:data}field")}
            assert fields[alice] - fields[dora] == {FULLTEXT, "withtext"}
            assert fields[dora] >= {"FORM_TYPE", "with", "start", "end", "before-id", "after-id", "ids"}
    asyncio.run(story())


def test_a_domain_where_it_is_off(searching):
    async def story():
        async with clients(searching, "dora@other.example/d") as dora:
            assert "urn:xmpp:fulltext:0" not in await features(dora)
            dora.say("dora@other.example", "hello")
            with pytest.raises(IqError) as e:
                await search(dora, "hello")
            assert e.value.condition == "feature-not-implemented"
    asyncio.run(story())


def test_off_by_default(suite):
    async def story():
        async with clients(suite, "alice@localhost/a") as alice:
            assert "urn:xmpp:fulltext:0" not in await features(alice)
            with pytest.raises(IqError) as e:
                await search(alice, "hello")
            assert e.value.condition == "feature-not-implemented"
    asyncio.run(story())
    assert not list(suite.dir.glob("storaged/data/search.db*"))


def test_the_index_may_be_lost_and_switched(searching):
    """Made anew from the log when it is gone or damaged; removed when nobody may search any more."""
    async def find():
        async with clients(searching, "carol@localhost/c") as carol:
            async def all_found():
                found, fin = await search(carol, "haystack")
                return found == ["haystack"] and fin.get("stable") is None
            for _ in range(100 * PATIENCE):
                if await all_found():
                    return
                await asyncio.sleep(0.1)
            raise AssertionError("not found")

    async def say():
        async with clients(searching, "carol@localhost/c") as carol:
            carol.say("bob@localhost", "haystack")
            await carol.get_roster()
    index = searching.dir / "storaged" / "data" / "search.db"

    def restart_with(change):
        searching.ctl("down", "storaged")
        change()
        searching.ctl("up", "storaged")
        searching.wait_linked()
    asyncio.run(say())
    asyncio.run(find())
    restart_with(index.unlink)
    asyncio.run(find())
    restart_with(lambda: index.write_bytes(b"no database" * 1000))
    asyncio.run(find())
    restart_with(lambda: index.write_bytes(index.read_bytes()[:4096] + b"\xff" * 40960))  # F29: all pages but the first
    asyncio.run(find())
    assert not list(index.parent.glob("*.damaged*"))
    conf = searching.dir / "etc" / "storaged.conf"
    text = conf.read_text()
    restart_with(lambda: conf.write_text(text.replace("search = true", "search = false")))
    assert not index.exists()
    restart_with(lambda: conf.write_text(text))
    asyncio.run(find())
    assert index.exists()


def test_what_was_purged_is_not_found(searching):
    async def story():
        async with clients(searching, "alice@localhost/a", "bob@localhost/b") as (alice, bob):
            alice.say("bob@localhost/b", "a purged word")
            await bob.hear()
            assert (await search(alice, "purged"))[0] == (await search(bob, "purged"))[0] == ["a purged word"]
            searching.ctl("archive", "purge", "alice@localhost")
            assert (await search(alice, "purged"))[0] == []
            assert (await search(bob, "purged"))[0] == ["a purged word"]
            searching.ctl("archive", "purge", "--days", "0")
            assert (await search(bob, "purged"))[0] == []
    asyncio.run(story())


def test_the_index_of_another_log_is_made_anew(tmp_path):
    """A backup that is put back may be of another suite: what the index says of places in the log is not true any more."""
    options = {"settings": {"storaged": "search = true\n"}}

    async def say(suite, text):
        async with clients(suite, "alice@localhost/a") as alice:
            alice.say("friend@far.example", text)
            await found(alice, text)

    async def found(alice, text):
        for _ in range(100 * PATIENCE):
            if (await search(alice, text))[0] == [text]:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{text} is not found")

    async def look(suite):
        async with clients(suite, "alice@localhost/a") as alice:
            await found(alice, "apple")
            assert (await search(alice, "pear"))[0] == []
    with Suite(**options) as one, Suite(**options) as other:
        for suite in (one, other):
            suite.add_user("alice@localhost", "secret")
        # the other's log begins before the end of this one's and ends behind it
        asyncio.run(say(other, "apple"))
        asyncio.run(say(one, "pear"))
        asyncio.run(say(other, "plum"))
        for suite in (one, other):
            suite.down()
        other.ctl("backup", str(tmp_path / "backup"))
        one.ctl("restore", str(tmp_path / "backup"))
        one.offset = other.offset
        one.up()
        asyncio.run(look(one))

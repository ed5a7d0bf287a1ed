"""The life of an account, as four clients that know nothing of one another live it: each step once with each of them.

The client under test has an account of its own. Beside it are `other`, a second client of that account, and `friend`, who is
somebody else; both are plain XML (test/e2e/wire.py), so that what the server sends is seen as it is. A step is a test; to add one,
write what the client does, what the others see, and the client's part in clients.py."""

import pytest

from clients import CLIENTS, Missing
from suite import Suite, wait_for
from wire import CLIENT, SESSION, Wire, refused


@pytest.fixture(scope="module")
def suite():
    with Suite() as s:
        for client in CLIENTS:
            s.add_user(f"{client.name}@localhost")
            s.add_user(f"friend-of-{client.name}@localhost")
        yield s


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda c: c.name)
def client(request, suite, tmp_path_factory):
    one = request.param(suite, tmp_path_factory.mktemp(request.param.name))
    try:
        one.jid = one.login()
        one.available()
        yield one
    except Missing as e:
        pytest.skip(str(e))
    finally:
        one.close()


def at(suite, jid, resource):
    wire = Wire.at(suite, SESSION, jid, resource)
    wire.ask("<query xmlns='jabber:iq:roster'/>")  # or it would be told nothing about it (RFC 6121 §2.2)
    wire.send("<presence/>")
    return wire


@pytest.fixture(scope="module")
def friend(client, suite):
    with at(suite, f"friend-of-{client.name}@localhost", "x") as wire:
        wire.bare = wire.jid.split("/")[0]
        yield wire


@pytest.fixture(scope="module")
def other(client, suite):
    with at(suite, client.bare, "other") as wire:
        yield wire


def presence(wire, jid, kind=None):
    """Waits for presence of somebody, bare or full."""
    return wire.wait_for(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("type") == kind and
                         e.get("from") in (jid, jid.split("/")[0]))


def until_heard(wire, text):
    """Everything that comes before a message."""
    before = []
    while True:
        element = wire.element()
        if element.findtext(f"{{{CLIENT}}}body") == text:
            return before
        before.append(element)


def test_login(client, suite):
    assert client.jid.split("/")[0] == client.bare
    assert client.jid in suite.ctl("session", "list").stdout


def test_presence_among_the_own(client, other):
    presence(other, client.jid)


def test_roster(client, other, friend):
    client.add(friend.bare, "Fred")
    push = other.wait_for(lambda e: e.find("{jabber:iq:roster}query/{jabber:iq:roster}item") is not None)
    assert push[0][0].attrib == {"jid": friend.bare, "name": "Fred", "subscription": "none"}
    assert friend.bare in client.roster()


def test_subscription_both_ways(client, friend):
    client.subscribe(friend.bare)
    presence(friend, client.bare, "subscribe")
    friend.send(f"<presence to='{client.bare}' type='subscribed'/>")
    client.sees(friend.bare)
    friend.send(f"<presence to='{client.bare}' type='subscribe'/>")
    client.allow(friend.bare)
    presence(friend, client.bare, "subscribed")
    presence(friend, client.jid)


def test_chat(client, friend):
    client.say(friend.bare, "first words")
    assert friend.hear() == "first words"
    friend.say(client.jid, "second words", type="chat")
    client.hear(friend.bare, "second words")


def test_carbons(client, other, friend):
    client.carbons_on()
    friend.say(other.jid, "only to the other", type="chat")
    client.hear_copy(friend.bare, "only to the other", "received")
    other.say(friend.bare, "from the other", type="chat")
    client.hear_copy(friend.bare, "from the other", "sent")
    assert friend.hear() == "from the other"


def test_archive(client, friend):
    texts = client.archive(friend.bare)
    expected = ["first words", "second words", "only to the other", "from the other"]
    assert [t for t in texts if t in expected] == expected


def test_blocking(client, friend):
    client.block(friend.bare)
    presence(friend, client.jid, "unavailable")
    friend.say(client.bare, "do you hear me", type="chat", id="blocked")
    assert refused(friend.wait_for(lambda e: e.get("id") == "blocked")) == "service-unavailable"
    assert client.blocked() == {friend.bare}
    client.unblock(friend.bare)
    presence(friend, client.jid)
    friend.say(client.jid, "and now", type="chat")
    client.hear(friend.bare, "and now")


def test_vcard(client, other, friend):
    client.set_vcard("Juliet C.")
    wait_for(lambda: other.ask("<vCard xmlns='vcard-temp'/>").findtext(".//{vcard-temp}FN") == "Juliet C.", 10, "the vCard")
    friend.ask("<vCard xmlns='vcard-temp'><FN>Fred F.</FN></vCard>", "set")
    assert client.vcard(friend.bare) == "Fred F."


def test_resumption(client, other, friend, suite):
    """XEP-0198: what is said while the client is away comes, once, and nobody sees it go; also with another session there."""
    client.cut()
    friend.say(client.jid, "while you were away", type="chat")
    client.is_back()
    client.hear(friend.bare, "while you were away")
    client.say(friend.bare, "here again")
    before = until_heard(friend, "here again")
    gone = [e for e in before if e.tag == f"{{{CLIENT}}}presence" and e.get("type") == "unavailable"]
    assert client.jid not in [e.get("from") for e in gone]
    friend.say(client.jid, "all is well", type="chat")
    client.hear(friend.bare, "all is well")
    assert not client.heard_again("while you were away")
    assert suite.ctl("session", "list").stdout.count(client.jid) == 1

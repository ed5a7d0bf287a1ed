"""XEP-0356: what a component may beyond what all may, when the operator says so; and that it may nothing of it otherwise."""

import contextlib
import xml.etree.ElementTree as ET

import pytest

from component import COMPONENT, Component, error_of, settings
from suite import Suite
from wire import CLIENT, SESSION, Wire

PRIVILEGE, FORWARD, ROSTER = "urn:xmpp:privilege:2", "urn:xmpp:forward:0", "jabber:iq:roster"
SERVICE, OTHER = "service.example.net", "other.example.net"
ALICE, BOB = "alice@localhost", "bob@localhost"


@pytest.fixture(scope="module")
def suite():
    both = settings({SERVICE: "secret", OTHER: "secret"})
    both["sessiond"] = (f'privilege "{SERVICE}" {{\n\troster = both\n\tmessage = true\n\tpresence = roster\n'
                        '\tiq = {"get urn:x", "both urn:y"}\n}\n')
    with Suite(settings=both) as s:
        for jid in (ALICE, BOB):
            s.add_user(jid)
        yield s


@pytest.fixture
def service(suite):
    with connected(suite, SERVICE) as component:
        yield component


@pytest.fixture
def other(suite):
    with connected(suite, OTHER) as component:
        yield component


def connected(suite, name):
    suite.ctl("component", "kick", name)
    return Component.at(suite, name)


@pytest.fixture
def alice(suite):
    with Wire.at(suite, SESSION, ALICE, "a") as wire:
        yield wire


def test_it_is_told_what_it_may(service, other):
    message = service.stanza()
    assert message.get("from") == "localhost"
    perms = {perm.get("access"): perm for perm in message.find(f"{{{PRIVILEGE}}}privilege")}
    assert {access: perm.get("type") for access, perm in perms.items()} == {
        "roster": "both", "message": "outgoing", "presence": "roster", "iq": None}
    assert perms["roster"].get("push") == "true"
    assert [(n.get("ns"), n.get("type")) for n in perms["iq"]] == [("urn:x", "get"), ("urn:y", "both")]
    other.silence()


def test_rosters(service, other, alice):
    """Read, changed, and told of; for nobody else."""
    item = f"<query xmlns='{ROSTER}'><item jid='nurse@localhost' name='Nurse'/></query>"
    alice.ask(f"<query xmlns='{ROSTER}'/>")
    for component, sender in ((other, OTHER), (other, None), (service, f"x@{SERVICE}"), (service, f"{SERVICE}/x")):
        answer = component.ask(ALICE, f"<query xmlns='{ROSTER}'/>", sender=sender)
        assert error_of(answer) == ("cancel", "service-unavailable")
        assert error_of(component.ask(ALICE, item, "set", sender=sender))[1] == "service-unavailable"
    assert service.ask(ALICE, item, "set").get("type") == "result"
    push = alice.wait_for(lambda e: e.find(f"{{{ROSTER}}}query") is not None and e.get("type") == "set")
    assert push.find(f"{{{ROSTER}}}query/{{{ROSTER}}}item").get("jid") == "nurse@localhost"
    answer = service.ask(ALICE, f"<query xmlns='{ROSTER}'/>")
    assert [i.get("name") for i in answer.find(f"{{{ROSTER}}}query") if i.get("jid") == "nurse@localhost"] == ["Nurse"]
    alice.ask(f"<query xmlns='{ROSTER}'><item jid='nurse@localhost' subscription='remove'/></query>", "set", id="away")
    push = service.wait_for(lambda e: e.get("type") == "set" and e.find(f".//{{{ROSTER}}}item[@subscription='remove']") is not None)
    assert push.get("from") == ALICE and push.find(f".//{{{ROSTER}}}item").get("jid") == "nurse@localhost"
    assert error_of(service.ask("nobody@localhost", f"<query xmlns='{ROSTER}'/>"))[1] == "service-unavailable"


def test_presence(suite, service, other):
    with Wire.at(suite, SESSION, ALICE, "p") as alice:
        alice.send("<presence><show>chat</show></presence>")
        seen = service.wait_for(lambda e: e.get("from") == f"{ALICE}/p")
        assert seen.tag == f"{{{COMPONENT}}}presence" and seen.findtext(f"{{{COMPONENT}}}show") == "chat"
        alice.send("<presence><show>away</show></presence>")  # not the first one
        alice.send("<presence type='unavailable'/>")
        seen = service.wait_for(lambda e: e.get("from") == f"{ALICE}/p")
        assert seen.get("type") == "unavailable"
    other.silence()


def test_presence_of_contacts(suite, service):
    with Wire.at(suite, SESSION, ALICE, "a") as alice, Wire.at(suite, SESSION, BOB, "b") as bob:
        for wire in (alice, bob):
            wire.ask(f"<query xmlns='{ROSTER}'/>")
            wire.send("<presence/>")
        alice.send(f"<presence to='{BOB}' type='subscribe'/>")
        bob.wait_for(lambda e: e.get("type") == "subscribe")
        bob.send(f"<presence to='{ALICE}' type='subscribed'/>")
        alice.wait_for(lambda e: e.get("from") == f"{BOB}/b" and e.get("type") is None)
        bob.send("<presence><show>dnd</show></presence>")
        seen = service.wait_for(lambda e: e.get("from") == f"{BOB}/b" and e.findtext(f"{{{COMPONENT}}}show") == "dnd")
        assert seen.get("to") == SERVICE


def message(sender, to, body="in your name", ns=CLIENT):
    return (f"<privilege xmlns='{PRIVILEGE}'><forwarded xmlns='{FORWARD}'><message xmlns='{ns}' from='{sender}' to='{to}' id='in'>"
            f"<body>{body}</body><x xmlns='urn:x'/></message></forwarded></privilege>")


def test_messages_in_the_name_of_users(service, alice):
    alice.send("<presence/>")
    for sender in (BOB, "localhost"):
        service.send(f"<message from='{SERVICE}' to='localhost' id='m'>{message(sender, ALICE)}</message>")
        got = alice.wait_for(lambda e: e.find(f"{{{CLIENT}}}body") is not None)
        assert (got.get("from"), got.get("id")) == (sender, "in") and got.find("{urn:x}x") is not None
    assert b"privilege:2" not in alice.raw


@pytest.mark.parametrize("sender, expected", [
    (f"{BOB}/b", "forbidden"), ("someone@remote.example", "forbidden"), (OTHER, "forbidden"), (SERVICE, "forbidden"),
    ("", "bad-request"),
])
def test_messages_that_are_refused(service, other, alice, sender, expected):
    alice.send("<presence/>")
    service.send(f"<message from='{SERVICE}' to='localhost' id='m'>{message(sender, ALICE)}</message>")
    assert error_of(service.wait_for(lambda e: e.get("id") == "m"))[1] == expected
    other.send(f"<message from='{OTHER}' to='localhost' id='n'>{message(BOB, ALICE)}</message>")
    assert error_of(other.wait_for(lambda e: e.get("id") == "n"))[1] == "forbidden"
    with contextlib.suppress(TimeoutError):
        alice.wait_for(lambda e: e.find(f"{{{CLIENT}}}body") is not None, 0.2)
        raise AssertionError("it came")


def encapsulated(type, ns, to, more=""):
    return f"<privileged_iq xmlns='{PRIVILEGE}'><iq xmlns='{CLIENT}' type='{type}' to='{to}' id='inner'{more}><q xmlns='{ns}'/></iq></privileged_iq>"


def test_requests_in_the_name_of_users(service, other):
    """To another component, which sees the user ask; the answer comes wrapped."""
    service.send(f"<iq from='{SERVICE}' to='{ALICE}' type='set' id='outer'>{encapsulated('set', 'urn:y', OTHER)}</iq>")
    request = other.stanza()
    assert (request.get("from"), request.get("type")) == (ALICE, "set") and request.find("{urn:y}q") is not None
    # Somebody else cannot answer for it, and nobody guesses the id.
    service.send(f"<iq from='{SERVICE}' to='{ALICE}' type='result' id='{request.get('id')}'/>")
    other.answer(request, "<q xmlns='urn:y'>yes</q>")
    answer = service.wait_for(lambda e: e.get("id") == "outer")
    inner = answer.find(f"{{{PRIVILEGE}}}privilege/{{{FORWARD}}}forwarded/{{{CLIENT}}}iq")
    assert (inner.get("from"), inner.get("to"), inner.get("id"), inner.get("type")) == (OTHER, ALICE, "inner", "result")
    assert inner.findtext("{urn:y}q") == "yes" and answer.get("from") == ALICE
    service.send(f"<iq from='{SERVICE}' to='{ALICE}' type='get' id='again'>{encapsulated('get', 'urn:x', 'nobody@localhost')}</iq>")
    answer = service.wait_for(lambda e: e.get("id") == "again")
    assert answer.find(f".//{{{CLIENT}}}iq").get("type") == "error", ET.tostring(answer)


@pytest.mark.parametrize("outer, inner, ns, more", [
    ("set", "set", "urn:x", ""), ("set", "get", "urn:y", ""), ("get", "get", "urn:z", ""), ("get", "get", "urn:x", f" from='{BOB}'"),
    ("get", "get", "urn:x", f" from='{ALICE}/a'"),
])
def test_requests_that_are_refused(service, other, outer, inner, ns, more):
    service.send(f"<iq from='{SERVICE}' to='{ALICE}' type='{outer}' id='no'>{encapsulated(inner, ns, OTHER, more)}</iq>")
    assert error_of(service.wait_for(lambda e: e.get("id") == "no"))[1] == "forbidden"
    other.send(f"<iq from='{OTHER}' to='{ALICE}' type='get' id='no'>{encapsulated('get', 'urn:x', SERVICE)}</iq>")
    assert error_of(other.wait_for(lambda e: e.get("id") == "no"))[1] == "forbidden"


def test_open_requests_are_bounded(suite):
    """Last of those that ask: what is open stays so for minutes."""
    with connected(suite, SERVICE) as service, connected(suite, OTHER) as other:
        for first in range(0, 1100, 100):
            for n in range(first, first + 100):
                service.send(f"<iq from='{SERVICE}' to='{ALICE}' type='get' id='n{n}'>{encapsulated('get', 'urn:x', OTHER)}</iq>")
            other.listen(0.1)
        refusal = service.wait_for(lambda e: e.get("type") == "error")
        assert error_of(refusal) == ("wait", "resource-constraint")


def test_settings_are_checked(suite):
    path = suite.dir / "etc" / "sessiond.conf"
    good = path.read_text()
    for wrong, word in ((f'privilege "{OTHER}" {{\n\tpresence = roster\n}}\n', "roster"),
                        (f'privilege "{OTHER}" {{\n\tiq = {{"fetch urn:x"}}\n}}\n', "fetch")):
        path.write_text(good + wrong)
        done = suite.ctl("check", check=False)
        assert done.returncode == 1 and word in done.stderr + done.stdout
    path.write_text(good)

"""XEP-0355: requests of a namespace that a component answers in the name of the server."""

import pytest

from component import Component, settings
from suite import Suite
from wire import CLIENT, SESSION, Wire, refused

DELEGATION, FORWARD = "urn:xmpp:delegation:2", "urn:xmpp:forward:0"
SERVICE, OTHER = "service.example.net", "other.example.net"
ALICE, BOB = "alice@localhost", "bob@localhost"
REQUEST = "<q xmlns='urn:delegated'/>"


@pytest.fixture(scope="module")
def suite():
    both = settings({SERVICE: "secret", OTHER: "secret"}, "wait_seconds = 0\n")
    both["sessiond"] = (f'delegation "urn:delegated" {{\n\tcomponent = "{SERVICE}"\n}}\n'
                        f'delegation "urn:xmpp:ping" {{\n\tcomponent = "{SERVICE}"\n\tattributes = {{"node"}}\n}}\n'
                        f'delegation "urn:nobody" {{\n\tcomponent = "unknown.example.net"\n}}\n')
    with Suite(settings=both) as s:
        for jid in (ALICE, BOB):
            s.add_user(jid)
        yield s


@pytest.fixture
def service(suite):
    suite.ctl("component", "kick", SERVICE)
    with Component.at(suite, SERVICE) as component:
        component.told = component.stanza()
        yield component


@pytest.fixture
def alice(suite):
    with Wire.at(suite, SESSION, ALICE, "a") as wire:
        yield wire


def taken(service):
    """The next request that it is to answer: the outer and the inner one."""
    outer = service.wait_for(lambda e: e.find(f"{{{DELEGATION}}}delegation") is not None)
    assert outer.get("type") == "set" and outer.get("from") == "localhost"
    return outer, outer.find(f"{{{DELEGATION}}}delegation/{{{FORWARD}}}forwarded/{{{CLIENT}}}iq")


def answer(service, outer, inner, payload="<q xmlns='urn:delegated'>yes</q>", **changes):
    given = {"to": inner.get("from"), "id": inner.get("id"), "type": "result", **changes}
    attributes = "".join(f" {name}='{value}'" for name, value in given.items())
    service.answer(outer, f"<delegation xmlns='{DELEGATION}'><forwarded xmlns='{FORWARD}'>"
                          f"<iq xmlns='{CLIENT}'{attributes}>{payload}</iq></forwarded></delegation>")


def ask(alice, payload=REQUEST, to=None, id="q", type="get"):
    address = f" to='{to}'" if to else ""
    alice.send(f"<iq type='{type}' id='{id}'{address}>{payload}</iq>")


def answered(alice, id="q"):
    return alice.wait_for(lambda e: e.tag == f"{{{CLIENT}}}iq" and e.get("id") == id)


def test_it_is_told_what_it_answers(service):
    delegated = list(service.told.find(f"{{{DELEGATION}}}delegation"))
    assert [d.get("namespace") for d in delegated] == ["urn:delegated", "urn:xmpp:ping"]
    assert [[a.get("name") for a in d] for d in delegated] == [[], ["node"]]


@pytest.mark.parametrize("to, seen", [(None, ALICE), ("localhost", "localhost"), (ALICE, ALICE), (BOB, BOB)])
@pytest.mark.parametrize("type", ["get", "set"])
def test_requests_to_the_server_and_to_users(service, alice, to, seen, type):
    ask(alice, to=to, type=type)
    outer, inner = taken(service)
    assert (inner.get("from"), inner.get("to"), inner.get("id"), inner.get("type")) == (f"{ALICE}/a", seen, "q", type)
    assert inner.find("{urn:delegated}q") is not None
    answer(service, outer, inner)
    result = answered(alice)
    assert result.get("type") == "result" and result.findtext("{urn:delegated}q") == "yes"
    assert result.get("from") in (seen, None)


@pytest.mark.parametrize("changes", [{"to": f"{BOB}/b"}, {"id": "other"}, {"type": "get"}, {"type": "error"}, {"from": BOB}])
def test_answers_that_are_none(service, alice, changes):
    ask(alice)
    outer, inner = taken(service)
    answer(service, outer, inner, **changes)
    assert refused(answered(alice)) == "service-unavailable"


def test_an_error_of_the_component(service, alice):
    ask(alice)
    outer, _ = taken(service)
    service.answer(outer, "<error type='cancel'/>", type="error")
    assert refused(answered(alice)) == "service-unavailable"


def test_nobody_else_answers(suite, service, alice):
    suite.ctl("component", "kick", OTHER)
    with Component.at(suite, OTHER) as other:
        ask(alice)
        outer, inner = taken(service)
        outer.set("to", OTHER)
        answer(other, outer, inner, "<q xmlns='urn:delegated'>no</q>")
        outer.set("to", SERVICE)
        answer(service, outer, inner)
        assert answered(alice).findtext("{urn:delegated}q") == "yes"


def test_by_attribute(service, alice):
    ask(alice, "<ping xmlns='urn:xmpp:ping'/>", "localhost")
    assert answered(alice).get("type") == "result"
    ask(alice, "<ping xmlns='urn:xmpp:ping' node='x'/>", "localhost", "with")
    outer, inner = taken(service)
    assert inner.get("id") == "with"
    answer(service, outer, inner, "")
    assert answered(alice, "with").get("type") == "result"


def test_its_own_requests_are_not_passed_to_it(service):
    assert service.ask("localhost", REQUEST).get("type") == "error"


def test_a_component_that_is_not_there(suite, alice):
    suite.ctl("component", "kick", SERVICE)
    ask(alice)
    assert refused(answered(alice)) == "service-unavailable"
    ask(alice, "<q xmlns='urn:nobody'/>", id="nobody")
    assert refused(answered(alice, "nobody")) == "service-unavailable"


def test_open_delegated_requests_are_bounded(service, alice):
    for first in range(0, 1100, 100):
        for n in range(first, first + 100):
            ask(alice, id=f"n{n}")
        service.listen(0.1)
    assert refused(alice.wait_for(lambda e: e.get("type") == "error")) == "resource-constraint"

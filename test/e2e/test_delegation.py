"""XEP-0355: requests of a namespace that a component answers in the name of the server, or of a user who has agreed."""

import base64
import hashlib

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
                        f'delegation "urn:nobody" {{\n\tcomponent = "unknown.example.net"\n}}\n'
                        f'delegation "vcard-temp" {{\n\tcomponent = "{OTHER}"\n}}\n'
                        f'delegation "{DELEGATION}:bare:disco#info:*" {{\n\tcomponent = "{SERVICE}"\n}}\n'
                        f'delegation "{DELEGATION}:bare:disco#items:*" {{\n\tcomponent = "{SERVICE}"\n}}\n'
                        'client_delegation = {"urn:mine", "urn:other"}\n')
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
    assert [d.get("namespace") for d in delegated] == [
        "urn:delegated", "urn:xmpp:ping", f"{DELEGATION}:bare:disco#info:*", f"{DELEGATION}:bare:disco#items:*"]
    assert [[a.get("name") for a in d] for d in delegated] == [[], ["node"], [], []]


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


# ---- §7: what it can do stands in disco#info ----

INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
CAPS = "http://jabber.org/protocol/caps"
FORM = "jabber:x:data"
TOLD = ("<identity category='x' type='delegated' name='ours'/><feature var='urn:delegated'/><feature var='urn:delegated#{0}'/>"
        "<feature var='urn:xmpp:ping'/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
        "<value>urn:form:{0}</value></field><field var='b'><value>2</value><value>1</value></field>"
        "<field var='a'><value>0</value></field></x>")


def tells(component, node, payload=None):
    """Answers the server's question what it can do; with an error unless it has something to say."""
    asked = component.wait_for(lambda e: (q := e.find(f"{{{INFO}}}query")) is not None and q.get("node") == node)
    assert asked.get("type") == "get" and asked.get("from") == "localhost"
    if payload is None:
        component.answer(asked, "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "error")
    else:
        component.answer(asked, f"<query xmlns='{INFO}' node='{node}'>{payload}</query>")


def tells_all(component, of_server, of_accounts, ns="urn:delegated"):
    tells(component, f"{DELEGATION}::{ns}", of_server)
    tells(component, f"{DELEGATION}:bare:{ns}", of_accounts)
    component.ask("localhost", "<ping xmlns='urn:xmpp:ping'/>")  # in order: sessiond has both now


def info(wire, to):
    ask(wire, f"<query xmlns='{INFO}'/>", to, "info")
    return answered(wire, "info").find(f"{{{INFO}}}query")


def features(query):
    found = [f.get("var") for f in query.findall(f"{{{INFO}}}feature")]
    assert len(found) == len(set(found))
    return set(found)


def forms(query):
    return [x.findtext(f"{{{FORM}}}field/{{{FORM}}}value") for x in query.findall(f"{{{FORM}}}x")]


def test_its_features_are_nested(service, alice):
    tells_all(service, TOLD.format("server"), TOLD.format("bare"))
    for to, of in (("localhost", "server"), (ALICE, "bare")):
        query = info(alice, to)
        assert {"urn:delegated", f"urn:delegated#{of}"} <= features(query)
        assert ("x", "delegated") in [(i.get("category"), i.get("type")) for i in query.findall(f"{{{INFO}}}identity")]
        assert forms(query) == [f"urn:form:{of}"]
    assert DELEGATION in features(info(alice, "localhost"))


def test_its_features_take_the_place_of_ours(suite, service, alice):
    """OTHER answers for vCards, and says nothing of them."""
    assert "vcard-temp" not in features(info(alice, "localhost")) | features(info(alice, ALICE))
    suite.ctl("component", "kick", OTHER)
    with Component.at(suite, OTHER) as other:
        tells_all(other, "<feature var='vcard-temp'/>", None, "vcard-temp")
        assert "vcard-temp" in features(info(alice, "localhost")) - features(info(alice, ALICE))


def test_they_are_asked_for_again(suite, service, alice):
    """What it said is gone with sessiond, and it has more to say when it comes again."""
    tells_all(service, "<feature var='urn:delegated#1'/>", None)
    assert "urn:delegated#1" in features(info(alice, "localhost"))
    suite.ctl("restart", "sessiond")
    tells_all(service, "<feature var='urn:delegated#2'/>", None)
    assert "urn:delegated#2" in features(info(alice, "localhost"))
    suite.ctl("component", "kick", SERVICE)
    with Component.at(suite, SERVICE) as again:
        tells_all(again, "<feature var='urn:delegated#3'/>", None)
        assert features(info(alice, "localhost")) >= {"urn:delegated#3"}
        assert not features(info(alice, "localhost")) & {"urn:delegated#1", "urn:delegated#2"}


def verification(query):
    """XEP-0115 §5.1, by SHA-1."""
    def lines(found):
        return "".join(text + "<" for text in sorted(found))
    text = lines(f"{i.get('category')}/{i.get('type')}//{i.get('name', '')}" for i in query.findall(f"{{{INFO}}}identity"))
    text += lines(features(query))
    by_type = {}
    for x in query.findall(f"{{{FORM}}}x"):
        fields = {f.get("var"): [v.text for v in f] for f in x.findall(f"{{{FORM}}}field")}
        by_type[fields.pop("FORM_TYPE")[0]] = fields
    for name in sorted(by_type):
        text += name + "<" + "".join(var + "<" + lines(by_type[name][var]) for var in sorted(by_type[name]))
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


def test_the_hash_of_all_is_right(suite, service):
    """The stream's features have the hash of what disco#info says (XEP-0115 §5.4)."""
    tells_all(service, TOLD.format("hash"), None)
    with Wire.at(suite, SESSION, ALICE, "caps") as alice:
        query = info(alice, "localhost")
        assert "urn:delegated#hash" in features(query)
        assert alice.features.find(f"{{{CAPS}}}c").get("ver") == verification(query)


def test_what_would_make_all_ill_formed_is_not_told(suite, service):
    """XEP-0030 §3.1, XEP-0115 §5.4: each identity and each kind of form once, an identity with category and type, a form with a hidden
    type of one value; and nothing that would make the hash ambiguous."""
    def form(kind, field="", more="type='hidden'"):
        return (f"<x xmlns='{FORM}' type='result'><field var='FORM_TYPE' {more}>{kind}</field>"
                f"<field var='f'><value>{field}</value></field></x>")
    bad = ("<identity category='server' type='im' name='Jackdaw'/><identity category='x' type='delegated' name='again'/>"
           "<identity category='x'/><identity type='x'/><identity category='y' type='z' name='a&lt;b'/>"
           + form("<value>urn:form:bad</value>", "a&lt;b") + form("<value>urn:form:two</value><value>urn:form:one</value>")
           + form("<value>urn:form:shown</value>", more="") + form("") + form("<value>urn:form:good</value>", "again"))
    tells_all(service, TOLD.format("good") + bad, "<identity category='account' type='registered' name='x'/>" + TOLD.format("bare"))
    with Wire.at(suite, SESSION, ALICE, "caps") as alice:
        query = info(alice, "localhost")
        assert forms(query) == ["urn:form:good"]
        assert [i.attrib for i in query.findall(f"{{{INFO}}}identity")] == [
            {"category": "server", "type": "im", "name": "Jackdaw"}, {"category": "x", "type": "delegated", "name": "ours"}]
        assert alice.features.find(f"{{{CAPS}}}c").get("ver") == verification(query)
        assert [i.get("category") for i in info(alice, ALICE).findall(f"{{{INFO}}}identity")] == ["account", "x"]


def test_too_much_is_not_told(service, alice):
    tells_all(service, "".join(f"<feature var='urn:delegated#{n:0200}'/>" for n in range(30)), "<feature var='urn:delegated'/>")
    assert not any(f.startswith("urn:delegated") for f in features(info(alice, "localhost")))
    assert "urn:delegated" in features(info(alice, ALICE))


@pytest.mark.parametrize("ns, node", [(INFO, "urn:node"), (ITEMS, "urn:node"), (ITEMS, None)])
def test_nodes_of_accounts(service, alice, ns, node):
    attribute = f" node='{node}'" if node else ""
    ask(alice, f"<query xmlns='{ns}'{attribute}/>", BOB)
    outer, inner = taken(service)
    assert inner.get("to") == BOB and inner.find(f"{{{ns}}}query").get("node") == node
    answer(service, outer, inner, f"<query xmlns='{ns}'{attribute}><said/></query>")
    assert answered(alice).find(f"{{{ns}}}query/{{{ns}}}said") is not None
    ask(alice, f"<query xmlns='{ns}'{attribute}/>", "localhost", "server")  # its nodes are its own
    assert (answered(alice, "server").get("type") == "error") == bool(node)


# ---- client mode ----

def know(alice, component):
    """alice has it in her roster from now on."""
    ask(alice, "<query xmlns='jabber:iq:roster'/>", id="roster")
    items = answered(alice, "roster").find("{jabber:iq:roster}query")
    if component.name in [item.get("jid") for item in items if item.get("subscription") == "to"]:
        return
    alice.send(f"<presence to='{component.name}' type='subscribe'/>")
    component.wait_for(lambda e: e.get("type") == "subscribe")
    component.send(f"<presence from='{component.name}' to='{ALICE}' type='subscribed'/>")
    alice.wait_for(lambda e: e.get("type") == "subscribed" and e.get("from") == component.name)


@pytest.fixture
def friend(suite, alice):
    suite.ctl("component", "kick", OTHER)
    with Component.at(suite, OTHER) as component:
        know(alice, component)
        alice.send("<presence/>")
        alice.wait_for(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == f"{ALICE}/a")
        yield component


def request(component, *namespaces, to=ALICE, type="get"):
    asked = "".join(f"<delegate namespace='{ns}'/>" for ns in namespaces)
    return component.ask("localhost", f"<query xmlns='{DELEGATION}' to='{to}'>{asked}</query>", type)


def form_of(alice):
    message = alice.wait_for(lambda e: e.find(f"{{{FORM}}}x") is not None)
    assert message.get("from") == "localhost" and OTHER in message.findtext(f"{{{CLIENT}}}body")
    return {f.get("var"): f for f in message.find(f"{{{FORM}}}x").findall(f"{{{FORM}}}field")}


def submit(alice, challenge, type="submit", **values):
    fields = "".join(f"<field var='urn:{ns}'><value>{value}</value></field>" for ns, value in values.items())
    alice.send(f"<message to='localhost' id='form'><x xmlns='{FORM}' type='{type}'><field var='FORM_TYPE'><value>{DELEGATION}</value>"
               f"</field><field var='challenge'><value>{challenge}</value></field>{fields}</x></message>")


def granted(component):
    told = component.wait_for(lambda e: e.tag.endswith("message") and e.find(f"{{{DELEGATION}}}delegation") is not None
                              and e.find(f"{{{DELEGATION}}}delegation").get("to") is not None)
    assert told.get("from") == "localhost"
    delegation = told.find(f"{{{DELEGATION}}}delegation")
    assert delegation.get("to") == ALICE
    return [d.get("namespace") for d in delegation]


def agree(component, alice, **values):
    assert request(component, *(f"urn:{ns}" for ns in values)).get("type") == "result"
    fields = form_of(alice)
    submit(alice, fields["challenge"].findtext(f"{{{FORM}}}value"), **values)


def test_a_user_agrees(suite, service, friend, alice):
    assert request(friend, "urn:mine", "urn:other").get("type") == "result"
    fields = form_of(alice)
    assert set(fields) == {"challenge", "FORM_TYPE", "urn:mine", "urn:other"}
    assert fields["urn:mine"].findtext(f"{{{FORM}}}value") == "0"
    submit(alice, fields["challenge"].findtext(f"{{{FORM}}}value"), mine=1, other=0)
    assert granted(friend) == ["urn:mine"]
    for to, seen in ((None, ALICE), (ALICE, ALICE), ("localhost", "localhost")):
        ask(alice, "<q xmlns='urn:mine'/>", to)
        outer, inner = taken(friend)
        assert (inner.get("from"), inner.get("to")) == (f"{ALICE}/a", seen)
        answer(friend, outer, inner, "<q xmlns='urn:mine'>hers</q>")
        assert answered(alice).findtext("{urn:mine}q") == "hers"
    ask(alice, "<q xmlns='urn:other'/>")
    assert answered(alice).get("type") == "error"
    with Wire.at(suite, SESSION, BOB, "b") as bob:
        ask(bob, "<q xmlns='urn:mine'/>", ALICE)  # from anybody to her
        outer, inner = taken(friend)
        answer(friend, outer, inner, "<q xmlns='urn:mine'>for bob</q>")
        assert answered(bob).findtext("{urn:mine}q") == "for bob"
        for to in (None, "localhost"):  # he has agreed to nothing
            ask(bob, "<q xmlns='urn:mine'/>", to, "own")
            assert answered(bob, "own").get("type") == "error"
    assert friend.ask(ALICE, "<q xmlns='urn:mine'/>").get("type") == "error"  # not to itself


def test_what_it_can_do_for_a_user_is_nested(friend, alice):
    agree(friend, alice, mine=1)
    tells(friend, f"{DELEGATION}:bare:urn:mine", "<feature var='urn:mine#x'/>")
    friend.ask("localhost", "<ping xmlns='urn:xmpp:ping'/>")
    assert "urn:mine#x" in features(info(alice, ALICE)) - features(info(alice, "localhost"))


def test_it_ends_with_the_session(suite, friend, alice):
    with Wire.at(suite, SESSION, ALICE, "other") as other:
        agree(friend, alice, mine=1, other=1)
        assert sorted(granted(friend)) == ["urn:mine", "urn:other"]
        alice.send("</stream:stream>")
        assert granted(friend) == []
        ask(other, "<q xmlns='urn:mine'/>")
        assert answered(other).get("type") == "error"


def test_the_last_one_agreed_to_has_it(suite, service, friend, alice):
    agree(friend, alice, mine=1, other=1)
    assert sorted(granted(friend)) == ["urn:mine", "urn:other"]
    know(alice, service)
    request(service, "urn:mine")
    message = alice.wait_for(lambda e: e.find(f"{{{FORM}}}x") is not None)
    submit(alice, message.findtext(f"{{{FORM}}}x/{{{FORM}}}field[@var='challenge']/{{{FORM}}}value"), mine=1)
    assert granted(service) == ["urn:mine"] and granted(friend) == ["urn:other"]


def test_forms_that_are_not_agreed_to(friend, alice):
    assert request(friend, "urn:mine").get("type") == "result"
    challenge = form_of(alice)["challenge"].findtext(f"{{{FORM}}}value")
    submit(alice, "0" * len(challenge), mine=1)
    assert refused(alice.wait_for(lambda e: e.get("type") == "error")) == "service-unavailable"
    submit(alice, challenge, "cancel", mine=1)
    submit(alice, challenge, mine=1)  # it was for once
    assert refused(alice.wait_for(lambda e: e.get("type") == "error")) == "service-unavailable"
    ask(alice, "<q xmlns='urn:mine'/>")
    assert answered(alice).get("type") == "error"


def test_nobody_else_answers_the_form(suite, friend, alice):
    request(friend, "urn:mine")
    challenge = form_of(alice)["challenge"].findtext(f"{{{FORM}}}value")
    for name, resource in ((BOB, "a"), (ALICE, "another")):
        with Wire.at(suite, SESSION, name, resource) as somebody:
            submit(somebody, challenge, mine=1)
            assert refused(somebody.wait_for(lambda e: e.get("type") == "error")) == "service-unavailable"
    ask(alice, "<q xmlns='urn:mine'/>")
    assert answered(alice).get("type") == "error"


@pytest.mark.parametrize("namespaces, to, error", [
    ([DELEGATION], ALICE, "forbidden"), (["urn:delegated"], ALICE, "forbidden"), (["urn:mine", "urn:x"], ALICE, "forbidden"),
    ([], ALICE, "bad-request"), (["urn:mine"], "localhost", "bad-request"), (["urn:mine"], f"{ALICE}/a", "bad-request"),
    (["urn:mine"], "alice@elsewhere.example", "bad-request"), (["urn:mine"] * 17, ALICE, "bad-request")])
def test_requests_that_are_refused(friend, namespaces, to, error):
    answered_with = request(friend, *namespaces, to=to)
    assert answered_with.get("type") == "error"
    assert answered_with.find("{jabber:component:accept}error")[0].tag.endswith("}" + error)


def test_who_is_asked_is_nobodys_business(suite, friend, alice):
    """No account, nobody there, not in the roster, asked already: the answer is the same, and nobody is bothered."""
    with Wire.at(suite, SESSION, BOB, "b") as bob:
        bob.appear()
        for to in ("nobody@localhost", BOB):
            assert request(friend, "urn:mine", to=to).get("type") == "result"
        bob.silence()
    assert request(friend, "urn:mine").get("type") == "result"
    form_of(alice)
    assert request(friend, "urn:mine").get("type") == "result"
    alice.silence()

"""XEP-0313 with XEP-0059, use case by use case, as bytes. Preferences: test_mam_prefs.py; words: test_search.py; the operator:
test_archive_ctl.py; what survives a kill: test_archive.py."""

import re
import signal
import time

import pytest

from mam import FORM, MAM, RSM, ask, field, query
from suite import Suite
from wire import CLIENT, SESSION, Wire, refused

DISCO = "http://jabber.org/protocol/disco#info"
SID = "urn:xmpp:sid:0"
FRIEND = "friend@far.example"


@pytest.fixture(scope="module")
def suite():
    with Suite() as s:
        s.add_users("alice", "bob")
        yield s


@pytest.fixture
def alice(suite):
    """Her archive is empty."""
    suite.ctl("archive", "purge", "--days", "0")
    with Wire.at(suite, SESSION, "alice@localhost", "r") as wire:
        yield wire


@pytest.fixture
def bob(suite):
    with Wire.at(suite, SESSION, "bob@localhost", "r") as wire:
        wire.send("<presence/>")
        yield wire


def fill(wire, texts, to=FRIEND):
    for text in texts:
        wire.say(to, text, type="chat")


def filled(wire, count):
    """The ids of so many messages, oldest first."""
    fill(wire, range(count))
    ids = ask(wire, query()).ids
    assert len(ids) == count
    return ids


def rsm(**parts):
    return "".join(f"<{k}>{v}</{k}>" if v != "" else f"<{k}/>" for k, v in parts.items())


def now():
    """To the millisecond, as stamps are; nothing else happens in this one."""
    time.sleep(0.003)
    t = time.time()
    time.sleep(0.003)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + f".{int(t * 1000) % 1000:03}Z"


# ---- §4: a query ----

def test_everything(alice):
    """§4: the results, then the IQ's, whose <fin/> names the first and the last."""
    fill(alice, ["one", "two", "three"])
    page = ask(alice, query(queryid="f27"))
    assert page.bodies == ["one", "two", "three"]
    assert page.complete and page.said("first") == page.ids[0] and page.said("last") == page.ids[2]
    for item in page.items:
        assert item.queryid == "f27"
        assert item.outer.get("to") == alice.jid and item.outer.get("from") == "alice@localhost"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item.stamp)
        assert (item.stanza.get("from"), item.stanza.get("to"), item.stanza.get("type")) == (alice.jid, FRIEND, "chat")
    assert sorted(i.stamp for i in page.items) == [i.stamp for i in page.items]


def test_without_a_queryid(alice):
    fill(alice, ["one"])
    assert [i.queryid for i in ask(alice, query()).items] == [None]
    assert ask(alice, query(), to="alice@localhost").bodies == ["one"]


def test_an_empty_archive(alice):
    """§4.1: a query is successful though nothing matches; XEP-0059 §2.2: then there is no first and no last."""
    page = ask(alice, query())
    assert page.items == [] and page.complete and page.error is None
    assert page.said("first") is None and page.said("last") is None and page.said("count") == "0"
    fill(alice, ["one"])
    assert ask(alice, query(field("with", "stranger@far.example"))).items == []


def test_standard_attributes_and_all_of_the_stanza(alice):
    """§3"""
    alice.send(f"<message to='{FRIEND}/x' id='m1' type='normal' xml:lang='fr'><subject>s</subject><body>b</body>"
               "<thread parent='p'>t</thread><x xmlns='urn:other'><y z='1'/></x></message>")
    stanza = ask(alice, query()).items[0].stanza
    assert (stanza.get("id"), stanza.get("to"), stanza.get("{http://www.w3.org/XML/1998/namespace}lang")) == ("m1", f"{FRIEND}/x", "fr")
    assert [c.tag for c in stanza] == [f"{{{CLIENT}}}subject", f"{{{CLIENT}}}body", f"{{{CLIENT}}}thread", "{urn:other}x"]


def test_inv_13_of_somebody_else(alice, bob):
    """§8.1: an archive is its owner's. Not forbidden, as for accounts that do not exist (RFC 6121 §8.5.1): nobody learns which do."""
    fill(alice, ["secret"])
    for payload, kind in ((query(), "set"), (f"<query xmlns='{MAM}'/>", "get"), (f"<metadata xmlns='{MAM}'/>", "get")):
        for owner in ("alice@localhost", "nobody@localhost"):
            answer = bob.ask(payload, kind, to=owner)
            assert refused(answer) == "service-unavailable" and answer.find(f"{{{MAM}}}fin") is None


# ---- §4.1.1: with ----

def test_with_a_bare_jid(alice, bob):
    for to in (FRIEND, f"{FRIEND}/phone", "other@far.example", "bob@localhost/r"):
        alice.say(to, to, type="chat")
    bob.hear()
    bob.say("alice@localhost/r", "answer", type="chat")
    alice.hear()
    assert ask(alice, query(field("with", FRIEND))).bodies == [FRIEND, f"{FRIEND}/phone"]
    assert ask(alice, query(field("with", "Friend@FAR.example"))).bodies == [FRIEND, f"{FRIEND}/phone"]
    assert ask(alice, query(field("with", "bob@localhost"))).bodies == ["bob@localhost/r", "answer"]
    assert len(ask(alice, query(field("with", "far.example"))).items) == 0


def test_with_a_full_jid(alice):
    for to in (FRIEND, f"{FRIEND}/phone", f"{FRIEND}/pad"):
        alice.say(to, to, type="chat")
    assert ask(alice, query(field("with", f"{FRIEND}/phone"))).bodies == [f"{FRIEND}/phone"]


def test_with_oneself(alice):
    """Only where both sides are the account."""
    alice.send("<presence/>")
    alice.say(FRIEND, "to a friend", type="chat")
    alice.say("alice@localhost", "to myself", type="chat")
    page = ask(alice, query(field("with", "alice@localhost")))
    assert page.bodies == ["to myself"]
    # once, though it was sent and received
    assert ask(alice, query()).bodies == ["to a friend", "to myself"]


# ---- §4.1.2: time ----

def test_between_two_times(alice):
    fill(alice, ["before"])
    ask(alice, query(rsm=rsm(max=0)))
    start = now()
    fill(alice, ["between"])
    ask(alice, query(rsm=rsm(max=0)))
    end = now()
    fill(alice, ["behind"])
    assert ask(alice, query(field("start", start))).bodies == ["between", "behind"]
    assert ask(alice, query(field("end", end))).bodies == ["before", "between"]
    assert ask(alice, query(field("start", start) + field("end", end))).bodies == ["between"]
    assert ask(alice, query(field("start", end) + field("end", start))).items == []
    assert ask(alice, query(field("start", "2099-01-01T00:00:00Z"))).items == []
    assert len(ask(alice, query(field("end", "2099-01-01T00:00:00+01:00"))).items) == 3


def test_a_time_is_included(alice):
    """"Equal to or later", "equal to or earlier"."""
    fill(alice, ["one"])
    stamp = ask(alice, query()).items[0].stamp
    assert ask(alice, query(field("start", stamp) + field("end", stamp))).bodies == ["one"]


# ---- §4.1.3: ids ----

def test_behind_and_before_an_id(alice):
    ids = filled(alice, 5)
    assert ask(alice, query(field("after-id", ids[1]))).ids == ids[2:]
    assert ask(alice, query(field("before-id", ids[3]))).ids == ids[:3]
    assert ask(alice, query(field("after-id", ids[0]) + field("before-id", ids[4]))).ids == ids[1:4]
    assert ask(alice, query(field("after-id", ids[3]) + field("before-id", ids[1]))).ids == []
    # §10: before-id does not page backwards
    page = ask(alice, query(field("before-id", ids[4]), rsm(max=2)))
    assert page.ids == ids[:2] and not page.complete


def test_single_messages(alice):
    ids = filled(alice, 5)
    assert ask(alice, query(field("ids", ids[3]))).ids == [ids[3]]
    assert ask(alice, query(field("ids", ids[3], ids[0]))).ids == [ids[0], ids[3]]


UNKNOWN = ("00112233445566778899aabbccddeeff", "no id of ours", "\u00e4")


@pytest.mark.parametrize("name", ["after-id", "before-id", "ids"])
@pytest.mark.parametrize("unknown", UNKNOWN)
def test_a_field_with_an_unknown_id(alice, name, unknown):
    filled(alice, 1)
    assert ask(alice, query(field(name, unknown))).error == "item-not-found"


def test_inv_13_an_id_of_another_archive(alice, bob):
    """What both have has an id in each, and the one is unknown in the other."""
    alice.say("bob@localhost/r", "to both", type="chat")
    bob.hear()
    theirs, ours = ask(bob, query()).ids, ask(alice, query()).ids
    assert len(theirs) == len(ours) == 1 and theirs != ours
    for name in ("after-id", "before-id", "ids"):
        assert ask(alice, query(field(name, theirs[0]))).error == "item-not-found"


# ---- §4.1.4, §4.1.5: groupchat, the form ----

@pytest.mark.parametrize("value", ["true", "false", "1", "0"])
def test_include_groupchat(alice, value):
    fill(alice, ["one"])
    assert ask(alice, query(field("include-groupchat", value))).bodies == ["one"]


def test_the_form(alice):
    answer = alice.ask(f"<query xmlns='{MAM}'/>")
    form = answer.find(f"{{{MAM}}}query/{{{FORM}}}x")
    fields = {f.get("var"): f for f in form.iterfind(f"{{{FORM}}}field")}
    assert form.get("type") == "form"
    assert fields["FORM_TYPE"].get("type") == "hidden" and fields["FORM_TYPE"].findtext(f"{{{FORM}}}value") == MAM
    types = {"with": "jid-single", "start": "text-single", "end": "text-single", "before-id": "text-single",
             "after-id": "text-single", "ids": "list-multi", "include-groupchat": "boolean"}
    assert {name: fields[name].get("type") for name in types} == types
    assert fields["ids"].find("{http://jabber.org/protocol/xdata-validate}validate/{http://jabber.org/protocol/xdata-validate}open") is not None
    assert form.find(f".//{{{FORM}}}required") is None and form.find(f".//{{{FORM}}}option") is None


@pytest.mark.parametrize("fields,error", [
    (field("{urn:other}field", "x"), "feature-not-implemented"),
    (field("with", "a@b@c"), "jid-malformed"),
    (field("start", "yesterday"), "bad-request"),
    (field("end", "2026-13-01T00:00:00Z"), "bad-request"),
    (field("include-groupchat", "perhaps"), "bad-request"),
    (field("FORM_TYPE", "urn:xmpp:mam:1"), "bad-request"),
    (field("ids", *["00112233445566778899aabbccddeeff"] * 251), "policy-violation")],
    ids=["unknown field", "with", "start", "end", "include-groupchat", "FORM_TYPE", "too many ids"])
def test_wrong_fields(alice, fields, error):
    assert ask(alice, query(fields)).error == error
    assert ask(alice, query()).error is None


# ---- §4.3, XEP-0059: pages ----

def test_forwards_page_by_page(alice):
    """XEP-0059 §2.2: each begins right behind the last one; the last says that it is."""
    ids, found, after = filled(alice, 25), [], None
    while True:
        page = ask(alice, query(rsm=rsm(max=10, **({"after": after} if after else {}))))
        assert page.said("first") == page.ids[0] and page.said("last") == page.ids[-1]
        assert page.said("count") == "25"
        found += page.ids
        after = page.ids[-1]
        if page.complete:
            break
        assert len(page.ids) == 10
    assert found == ids
    empty = ask(alice, query(rsm=rsm(max=10, after=after)))
    assert empty.items == [] and empty.complete and empty.said("first") is None


def test_backwards_page_by_page(alice):
    """XEP-0059 §2.3, §2.5; XEP-0313 §4.3.3: within a page still the oldest first."""
    ids, found, before = filled(alice, 25), [], ""
    while True:
        page = ask(alice, query(rsm=rsm(max=10, before=before)))
        found = page.ids + found
        before = page.ids[0]
        if page.complete:
            break
        assert len(page.ids) == 10
    assert found == ids


def test_where_a_page_begins(alice):
    """XEP-0059 §2.2: the index of the first item, where it is known."""
    ids = filled(alice, 5)

    def index(**paging):
        return ask(alice, query(rsm=rsm(**paging))).set.find(f"{{{RSM}}}first").get("index")
    assert index(max=2) == "0"
    assert index(max=2, before="") == "3"
    assert index(max=2, after=ids[1]) in (None, "2")


def test_what_comes_meanwhile(alice):
    """XEP-0059 §2.2: nothing twice, nothing left out."""
    ids = filled(alice, 3)
    page = ask(alice, query(rsm=rsm(max=2)))
    fill(alice, ["new"])
    page = ask(alice, query(rsm=rsm(max=2, after=page.ids[-1])))
    assert page.ids[0] == ids[2] and page.bodies == ["2", "new"] and page.complete


def test_pages_of_what_a_filter_lets_through(alice):
    for n in range(12):
        alice.say(f"friend{n % 3}@far.example", n, type="chat")
    first = ask(alice, query(field("with", "friend1@far.example"), rsm(max=3)))
    assert first.bodies == ["1", "4", "7"] and first.said("count") == "4" and not first.complete
    rest = ask(alice, query(field("with", "friend1@far.example"), rsm(max=3, after=first.ids[-1])))
    assert rest.bodies == ["10"] and rest.complete
    # after an id that the filter does not let through
    other = ask(alice, query(field("with", "friend0@far.example"))).ids[2]
    assert ask(alice, query(field("with", "friend1@far.example"), rsm(after=other))).bodies == ["7", "10"]


def test_how_many_there_are(alice):
    """XEP-0059 §2.7"""
    filled(alice, 7)
    for paging in (rsm(max=0), rsm(max=0, before="")):
        page = ask(alice, query(rsm=paging))
        assert page.items == [] and page.said("count") == "7" and page.said("first") is None and not page.complete


@pytest.mark.parametrize("side", ["after", "before"])
@pytest.mark.parametrize("unknown", UNKNOWN)
def test_a_page_at_an_unknown_id(alice, side, unknown):
    """XEP-0059 §2.4, XEP-0313 §4.3.2"""
    filled(alice, 1)
    assert ask(alice, query(rsm=rsm(max=1, **{side: unknown}))).error == "item-not-found"


@pytest.mark.parametrize("paging,error", [
    (rsm(max="many"), "bad-request"), (rsm(max=-1), "bad-request"), (rsm(max=10, index=3), "feature-not-implemented")])
def test_wrong_pages(alice, paging, error):
    """XEP-0059 §2.6: pages by index are not offered."""
    assert ask(alice, query(rsm=paging)).error == error


@pytest.mark.parametrize("paging,count", [(None, 50), ("", 50), (rsm(max=1000), 250), (rsm(max="99999999999"), 250)])
def test_a_page_has_its_limit(alice, paging, count):
    """§4.3.1: whatever was asked for; the rest is behind it."""
    fill(alice, range(260))
    page = ask(alice, query(rsm=paging))
    assert page.bodies == [str(n) for n in range(count)] and not page.complete


def test_flipped(alice):
    """§4.3.4: the same page in the other order."""
    ids = filled(alice, 9)
    for paging in (rsm(max=4), rsm(max=4, after=ids[1]), rsm(max=4, before=""), rsm(max=4, before=ids[6])):
        page = ask(alice, query(rsm=paging))
        flipped = ask(alice, query(rsm=paging, inside="<flip-page/>"))
        assert flipped.ids == page.ids[::-1] and len(page.ids) == 4
        assert (flipped.said("first"), flipped.said("last"), flipped.complete) == (page.said("first"), page.said("last"), page.complete)


# ---- §5: metadata ----

def test_metadata(alice):
    def ends():
        answer = alice.ask(f"<metadata xmlns='{MAM}'/>").find(f"{{{MAM}}}metadata")
        return [(end.tag.split("}")[1], end.get("id"), end.get("timestamp")) for end in answer]
    assert ends() == []
    filled(alice, 3)
    items = ask(alice, query()).items
    assert ends() == [("start", items[0].id, items[0].stamp), ("end", items[2].id, items[2].stamp)]


# ---- §6: what is in an archive ----

HINT = "<{} xmlns='urn:xmpp:hints'/>"


@pytest.mark.parametrize("attributes,content,is_kept", [
    ("type='chat'", "<body>x</body>", True),
    ("type='normal'", "<body>x</body>", True),
    ("", "<body>x</body>", True),
    ("type='headline'", "<body>x</body>", False),
    ("type='groupchat'", "<body>x</body>", False),
    ("type='chat'", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", False),
    ("type='chat'", "<body>x</body>" + HINT.format("no-store"), False),
    ("type='chat'", "<body>x</body>" + HINT.format("no-permanent-store"), False),
    ("type='chat'", "<x xmlns='urn:other'/>" + HINT.format("store"), True),
    ("type='chat'", "<received xmlns='urn:xmpp:receipts' id='1'/>", True),
    ("type='chat'", "<encrypted xmlns='eu.siacs.conversations.axolotl'/>", True)])
def test_what_is_kept(alice, attributes, content, is_kept):
    """§6.1.1, XEP-0334"""
    alice.send(f"<message to='{FRIEND}' {attributes}>{content}</message>")
    assert len(ask(alice, query()).items) == is_kept


def test_once_however_many_clients(suite, alice, bob):
    """§6.1.1, §3.3: with carbons and forks; all of them hear the id that the archive has, and the sender's clients theirs."""
    def heard(wire):
        ids = []
        while not ids:
            ids = [i for i in wire.element().iter(f"{{{SID}}}stanza-id")]
        assert len(ids) == 1
        return ids[0].get("by"), ids[0].get("id")
    with Wire.at(suite, SESSION, "bob@localhost", "two") as two, Wire.at(suite, SESSION, "alice@localhost", "two") as own:
        for wire in (two, own):
            wire.send("<presence/>")
        for wire in (bob, two, own):
            wire.ask("<enable xmlns='urn:xmpp:carbons:2'/>", "set")
        alice.say("bob@localhost", "hello", type="chat")
        told = [heard(wire) for wire in (bob, two, own)]
        theirs, ours = ask(bob, query()), ask(alice, query())
        assert theirs.bodies == ours.bodies == ["hello"]
        assert told == [("bob@localhost", theirs.ids[0])] * 2 + [("alice@localhost", ours.ids[0])]


def test_what_is_refused_is_not_kept(alice, bob):
    """§6.1: a contact who is blocked; the sender's archive has what was sent."""
    bob.ask("<block xmlns='urn:xmpp:blocking'><item jid='alice@localhost'/></block>", "set")
    alice.say("bob@localhost", "unwanted", type="chat")
    alice.wait_for(lambda e: e.get("type") == "error")
    assert ask(bob, query()).items == [] and ask(alice, query()).bodies == ["unwanted"]
    bob.ask("<unblock xmlns='urn:xmpp:blocking'/>", "set")


# ---- §7: support ----

def test_features(alice):
    answer = alice.ask(f"<query xmlns='{DISCO}'/>", to="alice@localhost")
    features = {f.get("var") for f in answer.iter(f"{{{DISCO}}}feature")}
    assert features >= {MAM, f"{MAM}#extended", f"{MAM}#groupchat-field", RSM, SID}
    assert f"{MAM}#groupchat-available" not in features


def test_a_result_that_nobody_asked_for(alice, bob):
    """§8.2, INV-12: what looks like a result never comes from a contact."""
    bob.send(f"<message to='alice@localhost/r' type='chat'><body>x</body><result xmlns='{MAM}' id='1'><forwarded xmlns='urn:xmpp:forward:0'>"
             f"<message xmlns='{CLIENT}' from='{FRIEND}'><body>forged</body></message></forwarded></result></message>")
    message = alice.wait_for(lambda e: e.findtext(f"{{{CLIENT}}}body") == "x")
    assert message.find(f"{{{MAM}}}result") is None
    assert [i.stanza.find(f"{{{MAM}}}result") for i in ask(alice, query()).items] == [None]


def test_no_more_queries_than_an_account_may_have_open(suite):
    """Ten by default, of all its sessions together. storaged stands still, so that all of them stay open; those of a session that
    has hung up count too."""
    with Wire.at(suite, SESSION, "alice@localhost", "r") as alice, Wire.at(suite, SESSION, "alice@localhost", "s") as other, \
            Wire.at(suite, SESSION, "bob@localhost", "r") as bob:
        for wire in (alice, other, bob):
            assert ask(wire, query()).error is None
        suite.kill("storaged", signal.SIGSTOP)
        try:
            for n in range(10):
                wire = alice if n < 8 else other
                form = query() if n % 2 else f"<metadata xmlns='{MAM}'/>"
                wire.send(f"<iq type='{'set' if n % 2 else 'get'}' id='q{n}'>{form}</iq>")
                assert wire.ask("<ping xmlns='urn:xmpp:ping'/>", id=f"p{n}").get("type") == "result"
            other.close()
            for kind, payload in (("set", query()), ("get", f"<metadata xmlns='{MAM}'/>")):
                answer = alice.ask(payload, kind, "over")
                assert refused(answer) == "resource-constraint"
                assert answer.find(f"{{{CLIENT}}}error").get("type") == "wait"
            bob.send(f"<iq type='set' id='his'>{query()}</iq>")
        finally:
            suite.kill("storaged", signal.SIGCONT)
        done = {alice.wait_for(lambda e: e.tag == f"{{{CLIENT}}}iq").get("id") for _ in range(8)}
        assert done == {f"q{n}" for n in range(8)}
        assert bob.wait_for(lambda e: e.get("id") == "his").get("type") == "result"
        assert ask(alice, query()).error is None

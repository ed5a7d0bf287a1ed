"""XEP-0441 and who decides about it: users, or the operator by domain."""

import pytest

from mam import MAM, ask, query
from suite import Suite
from wire import CLIENT, SESSION, Wire, refused

SETTINGS = """
archive = roster
domain "deaf.example" { archive = off }
domain "strict.example" {
\tarchive = always
\tarchive_preferences = off
}
domain "plain.example" { }
"""
DOMAINS = ("localhost", "plain.example", "strict.example", "deaf.example")
PREFS = f"<prefs xmlns='{MAM}'/>"


@pytest.fixture(scope="module")
def domains():
    with Suite(domains=DOMAINS, settings={"sessiond": SETTINGS}) as s:
        for domain in DOMAINS:
            s.add_user(f"alice@{domain}")
        yield s


def client(suite, domain):
    return Wire.at(suite, SESSION, f"alice@{domain}", "r")


def prefs(answer):
    """(default, always, never)"""
    p = answer.find(f"{{{MAM}}}prefs")
    return (p.get("default"), *([j.text for j in p.iterfind(f"{{{MAM}}}{name}/{{{MAM}}}jid")] for name in ("always", "never")))


def wish(default, always=(), never=()):
    lists = ("".join(f"<jid>{j}</jid>" for j in jids) for jids in (always, never))
    return "<prefs xmlns='{}' default='{}'><always>{}</always><never>{}</never></prefs>".format(MAM, default, *lists)


def say(wire, to, text):
    """And until it is kept: a query sees what was stored before it."""
    wire.send(f"<message to='{to}' type='chat'><body>{text}</body></message>")
    ask(wire, query(rsm="<max>0</max>"))


def bodies(wire):
    return ask(wire, query()).bodies


def clear(wire):
    assert prefs(wire.ask(wish("always"), "set"))[0] == "always"


def test_what_holds_until_the_user_says_something(domains):
    """§2.1 example 1; a section of the settings that says nothing of archives changes nothing."""
    for domain, default in (("localhost", "roster"), ("plain.example", "roster"), ("strict.example", "always")):
        with client(domains, domain) as alice:
            answer = alice.ask(PREFS)
            assert prefs(answer) == (default, [], [])
            assert {c.tag for c in answer.find(f"{{{MAM}}}prefs")} == {f"{{{MAM}}}always", f"{{{MAM}}}never"}


def test_what_a_section_without_archive_archives(domains):
    """As the suite: with contacts only, and oneself."""
    with client(domains, "plain.example") as alice:
        say(alice, "stranger@far.example", "to a stranger")
        say(alice, "alice@plain.example", "to myself")
        assert bodies(alice) == ["to myself"]


def test_it_is_changed_and_stays(domains):
    """§2.1 examples 2 to 4: the answer is what holds now, and the next session has it too."""
    with client(domains, "localhost") as alice:
        answer = alice.ask(wish("never", ["friend@localhost"], ["Foe@Localhost/x"]), "set")
        assert prefs(answer) == ("never", ["friend@localhost"], ["foe@localhost/x"])
    with client(domains, "localhost") as alice:
        assert prefs(alice.ask(PREFS)) == ("never", ["friend@localhost"], ["foe@localhost/x"])
        assert prefs(alice.ask(f"<prefs xmlns='{MAM}' default='roster'/>", "set")) == ("roster", [], [])
        clear(alice)


@pytest.mark.parametrize("default,kept", [
    ("always", ["friend", "phone", "tablet", "stranger"]), ("never", ["friend", "tablet"]), ("roster", ["friend", "tablet", "stranger"])])
def test_whom_it_is_about(domains, default, kept):
    """§2.1.1 to §2.1.3, §2.3: a bare JID in a list covers its resources, a full one is itself alone; never goes before always."""
    with client(domains, "localhost") as alice:
        before = len(bodies(alice))
        never = [] if default == "always" else ["friend@far.example/phone"]
        alice.ask(wish(default, ["friend@far.example"], never), "set")
        if default == "roster":
            alice.ask("<query xmlns='jabber:iq:roster'><item jid='stranger@far.example'/></query>", "set")
        for resource, text in (("", "friend"), ("/phone", "phone"), ("/tablet", "tablet")):
            say(alice, f"friend@far.example{resource}", text)
        say(alice, "stranger@far.example/any", "stranger")
        assert bodies(alice)[before:] == kept
        alice.ask("<query xmlns='jabber:iq:roster'><item jid='stranger@far.example' subscription='remove'/></query>", "set")
        clear(alice)


@pytest.mark.parametrize("payload", [
    f"<prefs xmlns='{MAM}' default='sometimes'/>",
    f"<prefs xmlns='{MAM}'><always/><never/></prefs>",
    f"<prefs xmlns='{MAM}' default='never'><always><jid>a@b@c</jid></always></prefs>",
    f"<prefs xmlns='{MAM}' default='never'><never><jid/></never></prefs>",
    f"<prefs xmlns='{MAM}' default='never'><never>{'<jid>a@b</jid>' * 501}</never></prefs>"],
    ids=["no such default", "no default", "no JID", "an empty JID", "too many"])
def test_what_is_wrong_changes_nothing(domains, payload):
    with client(domains, "localhost") as alice:
        clear(alice)
        assert refused(alice.ask(payload, "set")) == "bad-request"
        assert prefs(alice.ask(PREFS)) == ("always", [], [])


def test_where_the_operator_decides(domains):
    """§2.1: not-allowed, and it can still be read."""
    with client(domains, "strict.example") as alice:
        assert refused(alice.ask(wish("never"), "set")) == "not-allowed"
        assert prefs(alice.ask(PREFS)) == ("always", [], [])
        say(alice, "stranger@far.example", "kept")
        assert bodies(alice) == ["kept"]


def test_what_was_said_before_the_operator_decided_does_not_count(domains):
    conf = domains.dir / "etc" / "sessiond.conf"
    text = conf.read_text()
    with client(domains, "plain.example") as alice:
        alice.ask(wish("never", [], ["friend@far.example"]), "set")
        before = bodies(alice)
        conf.write_text(text.replace('"plain.example" { }', '"plain.example" {\n\tarchive_preferences = off\n\tarchive = always\n}'))
        domains.ctl("reload", "sessiond")
        assert prefs(alice.ask(PREFS)) == ("always", [], [])
        say(alice, "friend@far.example", "kept")
        assert bodies(alice) == [*before, "kept"]
        conf.write_text(text)
        domains.ctl("reload", "sessiond")
        assert prefs(alice.ask(PREFS)) == ("never", [], ["friend@far.example"])


def test_where_there_are_no_archives(domains):
    """§2.1 example: feature-not-implemented."""
    with client(domains, "deaf.example") as alice:
        assert refused(alice.ask(PREFS)) == "feature-not-implemented"
        assert refused(alice.ask(wish("always"), "set")) == "feature-not-implemented"


def test_inv_13_nobody_elses(domains):
    with client(domains, "localhost") as alice:
        for to in ("alice@plain.example", "nobody@localhost"):
            answer = alice.ask(PREFS, to=to)
            assert answer.find(f"{{{CLIENT}}}error") is not None and answer.find(f"{{{MAM}}}prefs") is None

"""XEP-0077 on a stream that has not authenticated: accounts are made where the operator allows it, and nowhere else."""

import contextlib

import pytest

from suite import Suite
from wire import CLEAR, CLIENT, SECURE, SESSION, Wire, refused

REGISTER = "jabber:iq:register"
FEATURE = "{http://jabber.org/features/iq-register}register"


def wish(wire, name, password, id="reg"):
    fields = "".join(f"<{k}>{v}</{k}>" for k, v in (("username", name), ("password", password)) if v is not None)
    wire.send(f"<iq type='set' id='{id}'><query xmlns='{REGISTER}'>{fields}</query></iq>")
    answer = wire.element()
    assert (answer.tag, answer.get("id"), answer.get("from")) == (f"{{{CLIENT}}}iq", id, "localhost")
    return answer


@pytest.fixture(scope="module")
def open_suite():
    with Suite(settings={"jackdaw": "\nregistration = true\n"}) as suite:
        yield suite


def is_not_there(wire, type, fields=""):
    """Neither offered nor answered."""
    assert wire.features.find(FEATURE) is None
    wire.send(f"<iq type='{type}' id='reg'><query xmlns='{REGISTER}'>{fields}</query></iq>")
    assert wire.ending() == "not-authorized"


def test_it_is_off_by_default(suite):
    with Wire.at(suite, SECURE) as wire:
        is_not_there(wire, "get")


def test_an_account_is_made_and_used(open_suite):
    with Wire.at(open_suite, SECURE) as wire:
        assert wire.features.find(FEATURE) is not None
        wire.send(f"<iq type='get' id='form'><query xmlns='{REGISTER}'/></iq>")
        form = wire.element()
        names = [child.tag.split("}")[1] for child in form.find(f"{{{REGISTER}}}query")]
        assert (form.get("type"), names) == ("result", ["instructions", "username", "password"])
        assert wish(wire, "Newcomer", "a secret").get("type") == "result"
        open_suite.passwords["newcomer@localhost"] = "a secret"
        wire.log_in("newcomer@localhost")
        assert wire.bind().get("type") == "result"
    assert "newcomer@localhost" in open_suite.ctl("user", "list").stdout


def test_a_name_that_is_taken(open_suite):
    with Wire.at(open_suite, SECURE) as wire:
        assert wish(wire, "taken", "one is one").get("type") == "result"
        assert refused(wish(wire, "taken", "two is two")) == "conflict"
        assert refused(wish(wire, "TAKEN", "two is two")) == "conflict"
    open_suite.passwords["taken@localhost"] = "one is one"
    Wire.at(open_suite, SESSION, "taken@localhost").close()


@pytest.mark.parametrize("name,password", [(None, "x"), ("x", None), ("", "x"), ("x", ""), ("a b", "x"), ("a@b", "x"), ("x", "\x07".replace("\x07", "&#x9;"))])
def test_what_cannot_be(open_suite, name, password):
    with Wire.at(open_suite, SECURE) as wire:
        assert refused(wish(wire, name, password)) == "not-acceptable"


@pytest.mark.parametrize("password", ["1234567", "ÄÖÜäöüß", "\u00a0" * 7])
def test_a_password_that_is_too_short(open_suite, password):
    """RFC 6120 §13.9.4: eight characters, not bytes; the operator may set others."""
    with Wire.at(open_suite, SECURE) as wire:
        assert refused(wish(wire, "short", password)) == "not-acceptable"
    open_suite.add_user("short@localhost", "short")
    with Wire.at(open_suite, SESSION, "short@localhost") as wire:
        answer = wire.ask(f"<query xmlns='{REGISTER}'><username>short</username><password>{password}</password></query>", "set")
        assert refused(answer) == "not-acceptable"
        answer = wire.ask(f"<query xmlns='{REGISTER}'><username>short</username><password>{password}8</password></query>", "set")
        assert answer.get("type") == "result"
    open_suite.ctl("user", "del", "short@localhost")


def test_inv_08_not_in_clear(open_suite):
    with Wire.at(open_suite, CLEAR) as wire:
        is_not_there(wire, "set", "<username>x</username><password>x</password>")


def test_other_requests_are_none(open_suite):
    with Wire.at(open_suite, SECURE) as wire:
        wire.send("<iq type='get' id='reg'><query xmlns='jabber:iq:roster'/></iq>")
        assert wire.ending() == "not-authorized"


def test_a_stream_has_so_many_attempts(open_suite):
    with Wire.at(open_suite, SECURE) as wire:
        for _ in range(5):
            assert refused(wish(wire, "", "x")) == "not-acceptable"
        assert wire.ending() == "policy-violation"


def test_a_source_has_so_many_accounts():
    settings = {"jackdaw": "\nregistration = true\n", "authd": "\nexempt = {}\nregistrations = 2\n"}
    with Suite(settings=settings) as suite, Wire.at(suite, SECURE) as wire:
        assert wish(wire, "one", "12345678").get("type") == "result"
        assert wish(wire, "two", "12345678").get("type") == "result"
        assert refused(wish(wire, "three", "12345678")) == "resource-constraint"
        assert "three@localhost" not in suite.ctl("user", "list").stdout


def test_a_user_removes_the_account(open_suite):
    """XEP-0077 §3.2: all its sessions end with not-authorized, contacts are told, nobody logs in again."""
    open_suite.add_users("leaver", "friend")
    with contextlib.ExitStack() as stack:
        one, two, friend = (stack.enter_context(Wire.at(open_suite, SESSION, f"{name}@localhost")) for name in ("leaver", "leaver", "friend"))
        for wire in (one, friend):
            wire.ask("<query xmlns='jabber:iq:roster'/>")
            wire.send("<presence/>")
        friend.send("<presence to='leaver@localhost' type='subscribe'/>")
        one.wait_for(lambda e: e.get("type") == "subscribe")
        one.send("<presence to='friend@localhost' type='subscribed'/>")
        friend.wait_for(lambda e: e.get("type") == "subscribed")
        one.send(f"<iq type='set' id='bye'><query xmlns='{REGISTER}'><remove/></query></iq>")
        assert [wire.ending() for wire in (one, two)] == ["not-authorized"] * 2
        friend.wait_for(lambda e: e.get("type") == "unsubscribed")
    with Wire.at(open_suite, SECURE) as wire:
        assert wire.plain("leaver", open_suite.passwords["leaver@localhost"]) == "not-authorized"
    assert "leaver@localhost" not in open_suite.ctl("user", "list").stdout


def test_an_empty_password_changes_nothing(open_suite):
    """XEP-0077 §3.3"""
    jid = open_suite.add_user("keeper@localhost")
    with Wire.at(open_suite, SESSION, jid) as wire:
        for password in ("<password/>", ""):
            answer = wire.ask(f"<query xmlns='{REGISTER}'><username>keeper</username>{password}</query>", "set")
            assert refused(answer) in ("bad-request", "not-acceptable")
    Wire.at(open_suite, SESSION, jid).close()


def test_inv_17_the_password_is_in_no_log():
    with Suite(settings={"jackdaw": "\nregistration = true\n"}) as suite, Wire.at(suite, SECURE) as wire:
        for daemon in ("c2sd", "router", "authd"):
            suite.ctl("log", daemon, "debug")
        assert wish(wire, "quiet", "tell-nobody-this").get("type") == "result"
        suite.logged("authd", "quiet@localhost")
        assert "tell-nobody-this" not in "".join(suite.logs().values())

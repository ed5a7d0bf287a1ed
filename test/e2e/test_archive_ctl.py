"""What the operator does with archives: jackdawctl archive purge, export, stats."""

import contextlib
import re
import sqlite3
import subprocess
import time
import xml.etree.ElementTree as ET

import pytest

from mam import DELAY, FORWARD, MAM, ask, query
from suite import PATIENCE, Suite
from wire import CLIENT, SESSION, Wire

PIE = "urn:xmpp:pie:0"
FRIEND = "friend@far.example"
PEOPLE = ("alice@localhost", "bob@localhost", "carol@other.example", "dave@other.example")


@pytest.fixture(scope="module")
def suite():
    with Suite(domains=("localhost", "other.example")) as s:
        for jid in PEOPLE:
            s.add_user(jid)
        yield s


@pytest.fixture
def people(suite):
    """Everybody, with archives that are empty."""
    suite.ctl("archive", "purge", "--days", "0")
    wires = [Wire.at(suite, SESSION, jid, "r") for jid in PEOPLE]
    yield wires
    for wire in wires:
        wire.close()


def kept(wire):
    """Until all that was said is: a query sees what was stored before it."""
    ask(wire, query(rsm="<max>0</max>"))


def say(wire, to, text):
    wire.send(f"<message to='{to}' type='chat'><body>{text}</body></message>")
    kept(wire)


def talk(people, count=1):
    alice, bob, carol, dave = people
    for n in range(count):
        say(alice, "bob@localhost", f"in one domain {n}")
        say(carol, "alice@localhost", f"between two {n}")
        say(dave, "carol@other.example", f"in the other {n}")


def sizes(people):
    return [len(ask(wire, query()).items) for wire in people]


def stats(suite):
    """Domain → (messages, bytes, oldest)."""
    lines = suite.ctl("archive", "stats").stdout.splitlines()
    assert re.fullmatch(r"archive\.db uses \d+ bytes", lines[-1])
    return {words[0]: (int(words[1]), int(words[2]), words[3]) for words in map(str.split, lines[1:-1])}


def export(suite, jid):
    text = suite.ctl("archive", "export", jid).stdout
    return text, ET.fromstring(text)


# ---- purge ----

def test_a_domain_is_purged(suite, people):
    talk(people)
    assert sizes(people) == [2, 1, 2, 1]
    suite.ctl("archive", "purge", "other.example")
    assert sizes(people) == [2, 1, 0, 0]
    talk(people)
    assert sizes(people) == [4, 2, 2, 1]


def test_an_account_is_purged(suite, people):
    talk(people)
    done = suite.ctl("archive", "purge", "Alice@localhost")
    assert done.stdout.startswith("alice@localhost: what was archived before ")
    assert sizes(people) == [0, 1, 2, 1]


def test_what_is_older_is_purged(suite, people):
    talk(people)
    time.sleep(1.1)
    middle = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    talk(people)
    suite.ctl("archive", "purge", "--before", middle)
    assert sizes(people) == [2, 1, 2, 1]
    suite.ctl("archive", "purge", "--days", "1")
    suite.ctl("archive", "purge", "localhost", "--before", "2020-01-31")
    assert sizes(people) == [2, 1, 2, 1]
    suite.ctl("archive", "purge", "--days", "0")
    assert sizes(people) == [0, 0, 0, 0]


def test_it_stays_purged(suite, people):
    talk(people, 3)
    suite.ctl("archive", "purge", "alice@localhost")
    suite.ctl("archive", "purge", "other.example")
    suite.kill("storaged")
    suite.wait_linked()
    assert sizes(people) == [0, 3, 0, 0]


def left_in_the_file(suite, jid):
    """Entries of the index and messages that are this account's; the suite is stopped meanwhile, for nobody else may open the file."""
    suite.down()
    with contextlib.closing(sqlite3.connect(suite.dir / "storaged" / "data" / "archive.db")) as db:
        owner = db.execute("SELECT id FROM address WHERE bare = ?", (jid,)).fetchone()[0]
        entries = db.execute("SELECT count(*) FROM entry WHERE owner = ?", (owner,)).fetchone()[0]
        messages = db.execute("SELECT count(*) FROM message WHERE (src = ?1 AND flags & 1) OR (dst = ?1 AND flags & 2)", (owner,)).fetchone()[0]
    suite.up()
    return entries, messages


def test_its_rows_leave_the_file(own_suite):
    """From the index, which gets them first where it has not got them yet, and from their messages; others keep theirs."""
    with Wire.at(own_suite, SESSION, "alice@localhost", "r") as alice:
        fill = [alice.say(FRIEND, n, type="chat") for n in range(300)]
        say(alice, "bob@localhost", "to both")
        assert len(fill) == 300 and stats(own_suite)["localhost"][0] == 301
    own_suite.ctl("archive", "purge", "alice@localhost")
    assert stats(own_suite)["localhost"][0] == 1
    for _ in range(20 * PATIENCE):
        time.sleep(3)
        left = left_in_the_file(own_suite, "alice@localhost")
        if left == (0, 0):
            break
    assert left == (0, 0)
    with Wire.at(own_suite, SESSION, "bob@localhost", "r") as bob:
        assert ask(bob, query()).bodies == ["to both"]


def test_ids_of_what_was_purged_are_unknown(suite, people):
    """XEP-0313 §4.1.2: item-not-found; what comes then has other ids."""
    alice = people[0]
    say(alice, "bob@localhost", "old")
    old = ask(alice, query()).ids
    suite.ctl("archive", "purge", "alice@localhost")
    assert ask(alice, query(rsm=f"<after>{old[0]}</after>")).error == "item-not-found"
    say(alice, "bob@localhost", "new")
    assert ask(alice, query()).ids != old


@pytest.mark.parametrize("arguments,text", [
    ((), "purge what?"), (("nowhere.example",), "no domain of this server"), (("a@b@c",), "no address of an account"),
    (("nobody@localhost",), "has no archive"), (("localhost", "--before", "yesterday"), "no time"),
    (("localhost", "--days", "-1"), "no number"), (("--days", "1", "--before", "2026-01-01"), "give one of them")])
def test_what_cannot_be_purged(suite, people, arguments, text):
    talk(people)
    done = suite.ctl("archive", "purge", *arguments, check=False)
    assert done.returncode in (1, 2) and text in done.stderr
    assert sizes(people) == [2, 1, 2, 1]


# ---- stats ----

def test_stats(suite, people):
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    talk(people, 2)
    found = stats(suite)
    # one that two users of a domain have is one
    assert {domain: row[0] for domain, row in found.items()} == {"localhost": 4, "other.example": 4}
    assert all(200 * 4 <= row[1] < 400 * 4 and row[2] >= began for row in found.values())
    suite.ctl("archive", "purge", "localhost")
    assert set(stats(suite)) == {"other.example"}
    assert stats(suite)["other.example"] == found["other.example"]


# ---- export ----

def test_an_archive_is_exported(suite, people):
    """XEP-0227 §4.10: as XEP-0313 gives it, oldest first, a line each."""
    alice, bob, _, _ = people
    say(alice, "bob@localhost/r", "one &lt;&amp;&gt; &#10;two lines")
    bob.send("<message to='alice@localhost' type='chat' id='x' xml:lang='de'><body>\u009b31mzwei \u00e4</body>"
             "<thread>t</thread></message>")
    kept(bob)
    text, root = export(suite, "alice@localhost")
    assert root.tag == f"{{{PIE}}}server-data"
    host = root.find(f"{{{PIE}}}host")
    user = host.find(f"{{{PIE}}}user")
    assert (host.get("jid"), user.get("name")) == ("localhost", "alice")
    results = user.findall(f"{{{PIE}#mam}}archive/{{{MAM}}}result")
    page = ask(alice, query())
    assert [r.get("id") for r in results] == page.ids
    for result, item in zip(results, page.items):
        forwarded = result.find(f"{{{FORWARD}}}forwarded")
        assert forwarded.find(f"{{{DELAY}}}delay").get("stamp") == item.stamp
        assert ET.tostring(forwarded.find(f"{{{CLIENT}}}message")) == ET.tostring(item.stanza)
    assert page.bodies == ["one <&> \ntwo lines", "\u009b31mzwei \u00e4"]
    # a line for each message, and nothing for a terminal to obey
    assert len(text.splitlines()) == 2 + 2 + 1
    assert "\u009b" not in text and "\u00e4" in text


def test_a_long_one_comes_in_pieces(suite, people):
    alice = people[0]
    for n in range(600):
        alice.say(FRIEND, n, type="chat")
    kept(alice)
    _, root = export(suite, "alice@localhost")
    assert [b.text for b in root.iter(f"{{{CLIENT}}}body")] == [str(n) for n in range(600)]


def test_an_empty_one(suite, people):
    assert export(suite, "alice@localhost")[1].find(f".//{{{MAM}}}result") is None
    assert people


def test_a_full_disk_is_said(suite, people):
    talk(people)
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([suite.programs / "jackdawctl", "--dir", suite.dir, "archive", "export", "alice@localhost"],
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and "cannot write" in done.stderr


def test_nothing_of_it_while_the_suite_is_down(suite):
    suite.ctl("down")
    done = suite.ctl("archive", "export", "alice@localhost", check=False)
    assert done.returncode == 1 and "router is down" in done.stderr and not done.stdout
    suite.ctl("up", "--detach")

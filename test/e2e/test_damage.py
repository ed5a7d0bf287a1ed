"""F29: a page of a database is damaged. storaged does without the archive and the index for searches, and saves the offline messages;
without main.db or credentials.db nothing is done but to say so, and everybody else goes on."""

import asyncio
import contextlib
import sqlite3

import pytest

from chat import clients
from mam import ask, query
from suite import Suite, wait_for
from wire import SESSION, Wire

PAGE = 4096
PADDING = "x" * 600


@pytest.fixture
def suite():
    with Suite() as s:
        for name in ("alice", "bob"):
            s.add_user(f"{name}@localhost")
        yield s


def data_of(suite, daemon):
    return suite.dir / daemon / "data"


def damage(path, text):
    """The page in which this text stands is none any more; a whole file is in use, so it is written in its place."""
    content = path.read_bytes()
    at = content.index(text.encode()) // PAGE * PAGE
    assert at > 0
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(b"\xff" * PAGE)


def status(suite):
    return suite.ctl("status", check=False).stdout


def say_offline(suite, count):
    with Wire.at(suite, SESSION, "alice@localhost", "a") as alice:
        for n in range(count):
            alice.say("bob@localhost", f"number {n} {PADDING}", type="chat")
        ask(alice, query())  # answered behind them


def heard_offline(suite, count):
    """The numbers that bob gets, at least so many."""
    async def story():
        async with clients(suite, "bob@localhost/b") as bob:
            found = [int((await bob.hear())["body"].split()[1]) for _ in range(count)]
            with contextlib.suppress(asyncio.TimeoutError):
                while True:
                    found.append(int((await bob.hear(seconds=1))["body"].split()[1]))
            return found
    return asyncio.run(story())


def begins_anew(suite):
    """An archive was set aside, and another one is in use."""
    aside = list(data_of(suite, "storaged").glob("archive.db.damaged-*Z"))
    assert len(aside) == 1
    assert not (data_of(suite, "storaged") / "archive.db.damaged").exists()
    assert f"storaged: a damaged file was set aside: data/{aside[0].name}" in status(suite)
    suite.logged("storaged", "a new archive begins")
    with Wire.at(suite, SESSION, "alice@localhost", "a") as alice:
        alice.say("bob@localhost", "news", type="chat")
        assert ask(alice, query()).bodies == ["news"]


def is_set_aside(suite):
    return "a damaged file was set aside" in status(suite)


def test_an_archive_that_is_damaged_while_nobody_looks(suite):
    say_offline(suite, 60)
    suite.down()
    damage(data_of(suite, "storaged") / "archive.db", "number 30 ")
    suite.ctl("up", "--detach", check=False)
    wait_for(lambda: is_set_aside(suite), 20, "a new archive")
    suite.wait_linked()
    found = heard_offline(suite, 50)
    assert found == sorted(set(found))
    assert 30 not in found and {0, 59} <= set(found)
    begins_anew(suite)
    # It is said as long as the file is there.
    for path in data_of(suite, "storaged").glob("archive.db.damaged-*"):
        path.unlink()
    assert "damaged" not in status(suite)


def test_an_archive_that_is_damaged_while_it_is_used(suite):
    say_offline(suite, 60)
    suite.ctl("restart", "storaged")
    suite.wait_linked()
    pid = suite.pid("storaged")
    damage(data_of(suite, "storaged") / "archive.db", "number 30 ")
    with Wire.at(suite, SESSION, "alice@localhost", "a") as alice:
        assert ask(alice, query()).error == "internal-server-error"
        wait_for(lambda: is_set_aside(suite), 20, "a new archive")
        suite.wait_linked()
        # Her session has not noticed.
        alice.say("alice@localhost/a", "still here", type="chat")
        while "still here" not in str(alice.element().findtext("{jabber:client}body")):
            pass
    assert suite.pid("storaged") != pid
    suite.ctl("archive", "purge", "--days", "0")
    assert len(heard_offline(suite, 50)) >= 50
    begins_anew(suite)


# ---- what cannot be done without ----

def fill_roster(suite, count):
    with Wire.at(suite, SESSION, "bob@localhost", "b") as bob:
        for n in range(count):
            bob.ask(f"<query xmlns='jabber:iq:roster'><item jid='c{n}@far.example' name='contact {n} {PADDING}'/></query>", "set")


def roster_size(suite):
    with Wire.at(suite, SESSION, "bob@localhost", "b") as bob:
        answer = bob.ask("<query xmlns='jabber:iq:roster'/>")
        return len(answer.findall("{jabber:iq:roster}query/{jabber:iq:roster}item"))


def refuses(suite, daemon, file):
    """It says so, does not start, and everybody else goes on; a suite that is to be started as a whole is not."""
    wait_for(lambda: f"{daemon}: data/{file} is damaged and is not used: " in status(suite), 20, "it is said")
    wait_for(lambda: "put a backup back" in suite.logs()[f"{daemon}.log"], 20, "what to do is said")
    rows = suite.status()
    assert all(pid for name, (pid, *_) in rows.items() if name != f"{daemon}.0"), rows
    suite.down()
    done = suite.ctl("up", "--detach", check=False)
    assert done.returncode != 0 and f"data/{file} is damaged" in done.stderr


def repair(suite, daemon):
    said = suite.ctl("repair", daemon).stdout
    assert len(list(data_of(suite, daemon).glob("*.db.damaged-*Z"))) == 1
    suite.up()
    suite.wait_linked()
    assert "is not used" not in status(suite) and "was set aside" in status(suite)
    return said


def test_rosters_that_are_damaged(suite):
    main = data_of(suite, "storaged") / "main.db"
    fill_roster(suite, 100)
    suite.ctl("down", "storaged")
    damage(main, "contact 50 ")
    before = main.read_bytes()
    suite.ctl("up", "storaged", check=False)
    refuses(suite, "storaged", "main.db")
    assert main.read_bytes() == before
    said = repair(suite, "storaged")
    assert 80 < roster_size(suite) < 100
    assert f"roster: {roster_size(suite)} rows were saved; others could not be read" in said
    assert "roster_version: 1 rows were saved\n" in said


def damage_accounts(suite):
    """All that is known of passwords."""
    suite.ctl("down", "authd")
    store = data_of(suite, "authd") / "credentials.db"
    with contextlib.closing(sqlite3.connect(store)) as db:
        root, = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'credential'").fetchone()
    with open(store, "r+b") as f:
        f.seek((root - 1) * PAGE)
        f.write(b"\xff" * PAGE)
    suite.ctl("up", "authd", check=False)
    refuses(suite, "authd", "credentials.db")


def can_log_in(suite):
    with Wire.at(suite, SESSION, "alice@localhost", "a"):
        return True


def test_accounts_that_are_damaged_and_a_backup(suite, tmp_path):
    suite.ctl("backup", tmp_path / "backup")
    damage_accounts(suite)
    suite.ctl("restore", tmp_path / "backup")
    suite.up()
    suite.wait_linked()
    assert can_log_in(suite)
    assert "damaged" not in status(suite)


def test_accounts_that_are_damaged_without_one(suite):
    damage_accounts(suite)
    said = repair(suite, "authd")
    assert "account: 2 rows were saved\n" in said and "credential: 0 rows were saved; others could not be read" in said
    suite.ctl("user", "passwd", "alice@localhost", input=suite.passwords["alice@localhost"] + "\n")
    assert can_log_in(suite)


def test_there_is_nothing_to_repair(suite):
    assert "is running" in suite.ctl("repair", "storaged", check=False).stderr
    assert "has no database" in suite.ctl("repair", "router", check=False).stderr
    suite.down()
    assert "is not damaged" in suite.ctl("repair", "storaged", check=False).stderr

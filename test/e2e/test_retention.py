"""The end of messages by age (with clocks that are moved: test/faults/sabotage/clock.c) and by size, in a whole suite."""

import shutil
import socket
import sqlite3
import time

import pytest

from mam import ask, query
from suite import BUILD, Suite, wait_for
from wire import SESSION, Wire

DAY = 86400
OLD = 10000  # so many that their rows go in many slices
CLOCKED = ["router", "keyd", "authd", "storaged", "sessiond", "c2sd"]


@pytest.fixture
def clocked(tmp_path):
    """The suite's programs, with clocks that can be moved."""
    shutil.copytree(BUILD / "bin", tmp_path / "bin")
    for daemon in CLOCKED:
        shutil.copy2(BUILD / "test" / "sabotage" / "clock" / daemon, tmp_path / "bin" / daemon)
    tmp_path.chmod(0o755)
    return tmp_path / "bin"


def set_clocks(suite, seconds):
    for daemon in CLOCKED:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(suite.dir / daemon / "control.0.sock"))
            s.sendall(f"clock {seconds}\n".encode())
            assert s.recv(100) == b"ok\n"


def say_many(one, two, texts):
    """All of them, and the last one has arrived: then they are in the archive, too."""
    count = 0
    for at in range(0, len(texts), 500):
        part = texts[at:at + 500]
        one.send("".join(f"<message to='{two.jid}' type='chat'><body>{t}</body></message>" for t in part))
        for _ in part:
            two.hear()
            count += 1
    assert count == len(texts)


def now():
    """Ids are times in microseconds."""
    return int(time.time() * 1000000)


def first_body(wire):
    return ask(wire, query(rsm="<max>1</max>")).bodies


def rows_before(suite, moment):
    """Messages in the file, whatever may still be read of them."""
    with sqlite3.connect(f"file:{suite.dir}/storaged/data/archive.db?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM message WHERE id < ?", (moment,)).fetchone()[0]


def people(suite, domain, *names):
    return [Wire.at(suite, SESSION, suite.add_user(f"{name}@{domain}"), "here") for name in names]


def bytes_used(suite):
    """Of the file, without pages that are free."""
    with sqlite3.connect(f"file:{suite.dir}/storaged/data/archive.db?mode=ro", uri=True) as db:
        return db.execute("SELECT (page_count - freelist_count) * page_size"
                          " FROM pragma_page_count, pragma_freelist_count, pragma_page_size").fetchone()[0]


# Both are looked at in the same minute, so one suite has both.
LIMITS = 'archive_days = 30\ndomain "example.org" {\n\tarchive_days = 0\n\tarchive_megabytes = 1\n}\n'


def test_what_is_too_old_or_too_much_goes_and_disturbs_nobody(clocked):
    """archive_days, and archive_megabytes of a domain: a minute after the start, then daily. From then on nobody sees what is older;
    its rows go in slices, between which others are served: while some are gone and others not, messages are stored and pages read.
    Of the domain the oldest messages go until 95 % of what it may have are left."""
    with Suite(domains=("localhost", "example.org"), settings={"storaged": LIMITS}, programs=clocked) as suite:
        set_clocks(suite, -40 * DAY)
        alice, bob = people(suite, "localhost", "alice", "bob")
        say_many(alice, bob, ["old"] * OLD)
        # Ids follow a clock that jumps only after a while (idclock.h), in a new process at once.
        suite.kill("storaged")
        suite.wait_linked()
        set_clocks(suite, 0)
        say_many(alice, bob, ["new"])
        carol, dave = people(suite, "example.org", "carol", "dave")
        say_many(carol, dave, [f"{n} " + "x" * 1000 for n in range(1500)])
        assert first_body(bob) == ["old"]
        moment = now() - DAY * 1000000
        wait_for(lambda: rows_before(suite, moment) == OLD, 60, "all rows in the file, not only in the log before it")
        wait_for(lambda: first_body(bob) == ["new"], 90, "the first look at what is too old")
        assert first_body(alice) == ["new"]
        left = [int(b.split()[0]) for b in everything(dave)]
        assert left == list(range(left[0], 1500))
        assert 300 < len(left) < 1500
        seen = set()
        # A new storaged makes haste with what its predecessor has left behind.
        suite.kill("storaged")
        while (count := rows_before(suite, moment)) > 0:
            seen.add(count)
            say_many(alice, bob, ["meanwhile"])
            assert first_body(bob) == ["new"]
        assert any(0 < count < OLD for count in seen), seen
        assert ask(alice, query()).bodies[0] == "new"
        assert [int(b.split()[0]) for b in everything(dave)] == left


def everything(wire):
    bodies, after = [], ""
    while True:
        page = ask(wire, query(rsm=f"<max>200</max>{after}"))
        bodies += page.bodies
        if page.complete:
            return bodies
        after = f"<after>{page.said('last')}</after>"


def test_the_file_is_kept_small():
    """archive_megabytes: over it the oldest hundredth of the time goes, again with each sweep; what is to go goes from the file before
    more of it does."""
    settings = "archive_megabytes = 3\nsweep_seconds = 1\n"
    with Suite(settings={"storaged": settings}) as suite:
        alice, bob = people(suite, "localhost", "alice", "bob")
        say_many(alice, bob, [f"{n} " + "x" * 1000 for n in range(2600)])
        wait_for(lambda: not first_body(bob)[0].startswith("0 "), 60, "the oldest cannot be read any more")
        wait_for(lambda: bytes_used(suite) <= 3 << 20, 120, "there is as much as there may be")
        left = [int(b.split()[0]) for b in everything(bob)]
        assert left == list(range(left[0], 2600))
        assert 1000 < len(left) < 2600
        say_many(alice, bob, ["on it goes"])

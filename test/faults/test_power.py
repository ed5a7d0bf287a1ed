"""F13, power loss (SECURITY.md §4.1), without a machine that can be cut off: all daemons are killed at once, and of what storaged had
written and not synced each sector is there or not, by chance. Nothing acknowledged is lost; sessions, which live in memory, may be."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import struct

import pytest

import harness
from suite import BUILD, wait_for

LOAD = {"sessions": 60, "rate": 400, "tls": 0, "sleepers": 0.2}
SECTOR = 512
RECORD = struct.Struct("<QQQ")


def records(path):
    """(at, bytes that were written, what stood there), the first one first; the last may be cut off."""
    data, found, i = path.read_bytes(), [], 0
    while i + RECORD.size <= len(data):
        at, now, then = RECORD.unpack_from(data, i)
        i += RECORD.size
        found.append((at, now, data[i:i + then]))
        i += then
    return found


def lose(path, undo, dice):
    """Some sectors of what was not synced are as before; how many."""
    changes = records(undo)
    sectors = {s for at, now, _ in changes for s in range(at // SECTOR, -(-(at + now) // SECTOR))}
    lost = {s for s in sectors if dice.random() < 0.5}
    with open(path, "r+b") as f:
        for at, now, then in reversed(changes):
            for s in range(at // SECTOR, -(-(at + now) // SECTOR)):
                begin, end = max(at, s * SECTOR), min(at + now, (s + 1) * SECTOR)
                if s in lost and begin < end:
                    f.seek(begin)
                    f.write(then[begin - at:end - at].ljust(end - begin, b"\0"))
    undo.unlink()
    return len(lost)


def cut_off(suite):
    """All at once: who is stopped does nothing more."""
    pids = suite.pids()
    for signo in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signo)
    wait_for(lambda: not suite.pids() & pids - {p.pid for p in suite.processes}, 10, "all gone")


def check_integrity(data, to):
    """Of copies: whoever opens a database changes it."""
    for path in data.glob("*.db*"):
        shutil.copy(path, to)
    for name in ("archive.db", "main.db"):
        with contextlib.closing(sqlite3.connect(to / name)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def hold_sync(data):
    """What is written from now on is not synced, and there is some."""
    moment = data / "fault.new"
    moment.write_text("hold archive.db-wal 1\n")
    moment.chmod(0o666)
    moment.rename(data / "fault")
    wait_for((data / "held").exists, 30, "a sync that hangs")


def lose_power(suite, data, folder, dice, lost):
    hold_sync(data)

    def act():
        cut_off(suite)
        (data / "held").unlink()
        lost.append(sum(lose(data / undo.name, undo, dice) for undo in list((data / "undo").iterdir()) if (data / undo.name).exists()))
        check_integrity(data, folder)
        suite.start()
    return act


@pytest.mark.parametrize("seed", range(2))
def test_nothing_acknowledged_is_lost_when_the_power_fails(seed, tmp_path):
    dice, lost = random.Random(seed), []
    with harness.swarming(BUILD, "disk", **LOAD) as (suite, swarm):
        data = suite.dir / "storaged" / "data"
        (data / "undo").mkdir()
        (data / "undo").chmod(0o777)
        for n in range(4):
            folder = tmp_path / str(n)
            folder.mkdir()
            assert swarm.fault("power", lose_power(suite, data, folder, dice, lost))["is_back"]
        end = swarm.end()
    assert end["acknowledged"] > 0
    assert end["violations"] == 0, str(end)
    # Power that took nothing would show nothing.
    assert all(lost), lost

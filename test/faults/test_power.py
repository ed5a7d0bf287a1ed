"""F13, power loss (SECURITY.md §4.1), without a machine that can be cut off: all daemons are killed at once, and of what storaged or authd had
written and not synced each sector is there or not, by chance. Nothing acknowledged is lost; sessions, which live in memory, may be. Names of
files and folders: whoever makes one has it synced, as the kernel is asked to."""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import threading

import pytest

import harness
from suite import BUILD, Suite, wait_for
from wire import SECURE, Wire

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


def stop_at_once(pids):
    """Who is stopped does nothing more."""
    for signo in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signo)


def cut_off(suite):
    pids = suite.pids()
    stop_at_once(pids)
    wait_for(lambda: not suite.pids() & pids - {p.pid for p in suite.processes}, 10, "all gone")


def check_integrity(data, to, names=("archive.db", "main.db")):
    """Of copies: whoever opens a database changes it."""
    for path in data.glob("*.db*"):
        shutil.copy(path, to)
    for name in names:
        with contextlib.closing(sqlite3.connect(to / name)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def hold_sync(data, name="archive.db-wal"):
    """What is written from now on is not synced, and there is some."""
    moment = data / "fault.new"
    moment.write_text(f"hold {name} 1\n")
    moment.chmod(0o666)
    moment.rename(data / "fault")
    wait_for((data / "held").exists, 30, "a sync that hangs")


def keep_undo(data):
    (data / "undo").mkdir()
    (data / "undo").chmod(0o777)


def lose_all(data, dice):
    return sum(lose(data / undo.name, undo, dice) for undo in list((data / "undo").iterdir()) if (data / undo.name).exists())


def lose_power(suite, data, folder, dice, lost):
    hold_sync(data)

    def act():
        cut_off(suite)
        (data / "held").unlink()
        lost.append(lose_all(data, dice))
        check_integrity(data, folder)
        suite.start()
    return act


@pytest.mark.parametrize("seed", range(2))
def test_nothing_acknowledged_is_lost_when_the_power_fails(seed, tmp_path):
    dice, lost = random.Random(seed), []
    with harness.swarming(BUILD, "disk", **LOAD) as (suite, swarm):
        data = suite.dir / "storaged" / "data"
        keep_undo(data)
        for n in range(4):
            folder = tmp_path / str(n)
            folder.mkdir()
            assert swarm.fault("power", lose_power(suite, data, folder, dice, lost))["is_back"]
        end = swarm.end()
    assert end["acknowledged"] > 0
    assert end["violations"] == 0, str(end)
    # Power that took nothing would show nothing.
    assert all(lost), lost


# ---- accounts ----

class Operator(threading.Thread):
    """Adds accounts and changes passwords. accounts: name → passwords that it may have; None: there may be no such account."""

    def __init__(self, suite, dice, accounts):
        super().__init__()
        self.suite, self.dice, self.accounts = suite, dice, accounts
        self.lock, self.is_over = threading.Lock(), False

    def command(self, verb, name):
        """Begun, unless it is over: with the suite down it would do without authd."""
        with self.lock:
            return None if self.is_over else subprocess.Popen(
                [self.suite.programs / "jackdawctl", "--dir", self.suite.dir, "user", verb, f"{name}@localhost"],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)

    def run(self):
        while True:
            old = self.dice.choice(sorted(self.accounts)) if self.accounts and self.dice.random() < 0.5 else None
            name, password = old or f"user{len(self.accounts)}", f"secret{self.dice.random()}"
            child = self.command("passwd" if old else "add", name)
            if child is None:
                return
            self.accounts.setdefault(name, {None}).add(password)
            with contextlib.suppress(BrokenPipeError):
                child.communicate(f"{password}\n")
            if child.wait() == 0:
                self.accounts[name] = {password}

    def stop(self):
        with self.lock:
            self.is_over = True


def can_log_in(suite, name, password):
    with Wire.at(suite, SECURE) as wire:
        return wire.scram("SCRAM-SHA-256", name, password) == "success"


def check_accounts(suite, accounts):
    for name, passwords in accounts.items():
        is_there = any(can_log_in(suite, name, p) for p in sorted(passwords - {None}))
        assert is_there or None in passwords, f"{name} has none of {passwords}"


def programs_with(folder, sabotaged):
    shutil.copytree(BUILD / "bin", folder)
    shutil.copy2(BUILD / "test" / "sabotage" / sabotaged, folder)
    return folder


def pids_of(suite):
    """Of whoever was started for this folder."""
    mine, found = str(suite.dir), set()
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mine in (proc / "cmdline").read_bytes().decode(errors="replace").split("\0"):
                found.add(int(proc.name))
    return found


@pytest.mark.parametrize("seed", range(2))
def test_no_acknowledged_account_is_lost_when_the_power_fails(seed, tmp_path):
    dice, lost = random.Random(seed), []
    with Suite(programs=programs_with(tmp_path / "bin", "disk/authd")) as suite:
        data = suite.dir / "authd" / "data"
        keep_undo(data)
        accounts = {}
        for n in range(4):
            folder = tmp_path / str(n)
            folder.mkdir()
            operator = Operator(suite, dice, accounts)
            operator.start()
            wait_for(lambda more=len(accounts) + 5: len(accounts) > more, 30, "some accounts")
            hold_sync(data, "credentials.db-wal")
            operator.stop()
            stop_at_once(pids_of(suite))
            operator.join()
            wait_for(lambda: not pids_of(suite), 10, "all gone")
            (data / "held").unlink()
            lost.append(lose_all(data, dice))
            check_integrity(data, folder, ["credentials.db"])
            suite.up()
            suite.wait_linked()
        check_accounts(suite, accounts)
    assert all(lost), lost

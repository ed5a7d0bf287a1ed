"""F13 for the names of files and folders: what a loss of power may take is a name that its folder was not synced for (a content: test_power.py). Every
program of a new suite is traced, from init on: whatever there is at the end was made, or renamed, before a sync of its folder, and what was
renamed had been synced itself."""

import fnmatch
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from suite import PATIENCE, Suite, wait_for

CALLS = "openat,mkdir,mkdirat,rename,renameat,renameat2,symlinkat,fsync,fdatasync"
# Made anew at each start, or nothing that anybody was promised.
ANEW = ("*.lock", "*.pid", "*.sock", "*-shm", "*/ballast", "*/run", "*/run/*", "*/log", "*/log/*", "*.pipe")
LINE = re.compile(r'^(?P<time>[0-9.]+) (?P<call>\w+)\((?P<args>.*)\) += (?P<result>-?\d+)(?:<(?P<path>[^>]*)>)?')
NAME = re.compile(r'(?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, )?"(?P<name>[^"]*)"')


class Traced(Suite):
    """strace goes on with whatever is left running, and keeps its standard output for as long."""

    trace = None

    def run(self, args, input=None, check=True, timeout=60):
        strace = ["strace", "-D", "-ff", "-ttt", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o", self.trace / "t"]
        done = subprocess.run([*strace, self.programs / "jackdawctl", *args], input=input, text=True, timeout=timeout * PATIENCE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        assert done.returncode == 0 or not check, args
        return done


def calls_of(folder):
    """(time, call, arguments, path of the descriptor that it returned or 0), the first one first; those that failed are left out."""
    found = []
    for file in folder.iterdir():
        for line in file.read_text().splitlines():
            m = LINE.match(line)
            if m and int(m["result"]) >= 0:
                found.append((float(m["time"]), m["call"], m["args"], m["path"]))
    return sorted(found)


class Names:
    """What was made below a folder, and what was synced."""

    def __init__(self, top, calls):
        self.top = top
        self.made, self.renamed, self.synced = {}, [], []  # path → since; (time, from, to); (time, path)
        for time, call, args, path in calls:
            if call in ("fsync", "fdatasync"):
                self.synced.append((time, re.search(r"<([^>]*)>", args)[1]))
            elif call == "openat" and "O_CREAT" in args:
                self.made.setdefault(path, time)
            elif call.startswith("rename"):
                old, new = self.paths(args)
                self.renamed.append((time, old, new))
                self.made[new] = time
            elif call in ("mkdir", "mkdirat", "symlinkat"):
                self.made.setdefault(self.paths(args)[-1], time)

    def paths(self, args):
        return [self.path(m["folder"], m["name"]) for m in NAME.finditer(args)]

    def path(self, folder, name):
        """Daemons name what they have from their own folder."""
        if folder or name.startswith("/"):
            return os.path.join(folder or "", name)
        owners = [p for p in self.top.iterdir() if (p / name).parent.is_dir()]
        return str(owners[0] / name)

    def is_synced(self, path, since=0.0, until=float("inf")):
        return any(p == path and since <= time <= until for time, p in self.synced)

    def unsynced(self):
        """Names that would be gone."""
        lasting = [p for p in self.made if p.startswith(f"{self.top}") and os.path.lexists(p) and
                   not any(fnmatch.fnmatch(p, pattern) for pattern in ANEW)]
        return [p for p in lasting if not self.is_synced(os.path.dirname(p), since=self.made[p])]


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_what_a_suite_makes_is_still_there_when_the_power_fails(tmp_path):
    trace = tmp_path / "trace"
    trace.mkdir()
    with type("Suite", (Traced,), {"trace": trace})() as suite:
        suite.add_user("alice@localhost")
        suite.ctl("domain", "add", "other.example")
        suite.down()
        wait_for(lambda: not tracers(trace), 20, "the end of the trace")
        names = Names(suite.dir, calls_of(trace))
        for daemon, file in (("authd", "credentials.db"), ("authd", "seal.key"), ("storaged", "main.db"), ("storaged", "archive.db")):
            assert str(suite.dir / daemon / "data" / file) in names.made, sorted(names.made)
        assert str(suite.dir / "keys") in names.made and str(suite.dir) in names.made
        assert names.unsynced() == []
        assert [old for time, old, _ in names.renamed if not names.is_synced(old, until=time)] == []


def tracers(trace):
    return [p for p in pathlib.Path("/proc").glob("[0-9]*/cmdline") if str(trace / "t").encode() in read(p)]


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""

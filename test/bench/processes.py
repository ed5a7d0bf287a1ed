"""What processes cost: CPU from schedstat (nanoseconds, not ticks), memory as PSS, for a process and all below it."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

PROC = pathlib.Path("/proc")


def parents():
    """pid → parent's pid, of everything that runs."""
    found = {}
    for entry in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            found[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    return found


def tree(roots):
    """These processes and all their descendants."""
    parent_of, pids = parents(), set()
    for pid in parent_of:
        line = pid
        while line in parent_of and line not in roots:
            line = parent_of[line]
        if line in roots:
            pids.add(pid)
    return pids


def name(pid):
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "comm").read_text().strip()
    return "?"


def cpu_ns(pids):
    """pid → nanoseconds on a processor; a process's own schedstat is only its first thread's."""
    used = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            used[pid] = sum(int((task / "schedstat").read_text().split()[0])
                            for task in (PROC / str(pid) / "task").iterdir())
    return used


def cpu_between(before, after):
    return sum(ns - before.get(pid, 0) for pid, ns in after.items())


def pss_bytes(pids):
    """Their own and their share of what they share with others: of whoever else runs it depends too."""
    return mapped_bytes(pids, "Pss:")


def own_bytes(pids):
    """What nobody else has: heap, stacks, data that was written to."""
    return mapped_bytes(pids, "Anonymous:")


def mapped_bytes(pids, which):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith(which):
                    total += int(line.split()[1]) * 1024
    return total


def settle(pids, seconds=20):
    """Until they rest: what they have put off belongs to what was asked of them."""
    end = time.monotonic() + seconds
    before = cpu_ns(pids)
    while time.monotonic() < end:
        time.sleep(0.2)
        after = cpu_ns(pids)
        if cpu_between(before, after) < 3_000_000:
            return
        before = after


class Process:
    """A child with its output in a file, stopped with all that it started."""

    def __init__(self, command, log, env=None, cwd=None):
        with open(log, "ab") as out:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                          env={**os.environ, **(env or {})}, cwd=cwd, start_new_session=True)

    @property
    def pid(self):
        return self.child.pid

    def stop(self, signo=signal.SIGTERM, seconds=20):
        below = tree({self.pid})
        if self.child.poll() is None:
            self.child.send_signal(signo)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(seconds)
        for pid in below & tree_of_session(self.pid):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.child.wait()


def tree_of_session(session):
    """The processes of a session: what a child left behind, and nobody else's with a number used again."""
    found = set()
    for entry in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[3]) == session:
                found.add(int(entry.name))
    return found

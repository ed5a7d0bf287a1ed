"""F18, descriptors that run out, and F30, a log that nobody reads (SECURITY.md §4.1): newcomers wait, nobody who is there notices,
no daemon spins or blocks, and with room all is as before."""

import contextlib
import ctypes
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import time

import pytest

from suite import BUILD, DAEMONS, SANITIZED, Suite, wait_for
from wire import CLEAR, SESSION, Pair, Wire

CROWD = 60
CAP_SYS_RESOURCE = 24
PR_CAPBSET_DROP = 24


@pytest.fixture(name="served")
def served_fixture():
    with Suite() as s:
        for name in ("alice", "bob", "carol"):
            s.add_user(f"{name}@localhost")
        yield s


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share_of_a_core(pid, seconds=2):
    """What it uses while nobody asks anything of it. CPU time, not the clock's: a busy machine makes it less."""
    before, begin = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / (time.monotonic() - begin)


def knock(suite, daemon):
    """A connection to what the daemon accepts on: its control socket; of c2sd the clients' port."""
    if daemon == "c2sd":
        return socket.create_connection(("127.0.0.1", suite.port), 5)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        sock.connect(str(suite.dir / daemon / "control.0.sock"))
    return sock


def control(suite, daemon, line):
    """An answer of the control socket, without jackdawctl."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        sock.connect(str(suite.dir / daemon / "control.0.sock"))
        sock.sendall(line.encode() + b"\n")
        answer = b""
        while piece := sock.recv(4096):
            answer += piece
    return answer.decode()


@pytest.fixture(name="usual", scope="module")
def usual_fixture():
    """Daemon → how many descriptors it has with two sessions."""
    with Suite() as s:
        for name in ("bob", "carol"):
            s.add_user(f"{name}@localhost")
        with Pair(s) as pair:
            pair.chat()
            return {daemon: descriptors(s.pid(daemon)) for daemon in DAEMONS}


def limited_programs(folder, daemon, limit):
    """The programs, one of them behind a limit that nobody may raise."""
    shutil.copytree(BUILD / "bin", folder)
    (folder / daemon).rename(folder / f"{daemon}.real")
    (folder / daemon).write_text(f'#!/bin/sh\nulimit -n {limit}\nexec setpriv --bounding-set -sys_resource "$0.real" "$@"\n')
    (folder / daemon).chmod(0o755)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it takes away a capability")
@pytest.mark.parametrize("daemon", DAEMONS)
def test_no_more_descriptors(usual, tmp_path, daemon):
    """Three are left; sixty want one. Those who are there go on, no daemon ends, and none spins."""
    limit = usual[daemon] + 3
    with Suite(programs=limited_programs(tmp_path / "bin", daemon, limit)) as suite:
        for name in ("alice", "bob", "carol"):
            suite.add_user(f"{name}@localhost")
        pids = {name: pid for name, (pid, _, _) in suite.status().items()}
        pid = suite.pid(daemon)
        with Pair(suite) as pair:
            crowd = [knock(suite, daemon) for _ in range(CROWD)]
            try:
                wait_for(lambda: descriptors(pid) == limit, 10, "the last descriptor is taken")
                pair.chat()
                assert share_of_a_core(pid) < 0.2 or SANITIZED
                pair.chat()
            finally:
                for sock in crowd:
                    sock.close()
            with Wire.at(suite, SESSION) as wire:
                wire.say(wire.jid, "here")
                assert wire.hear() == "here"
            pair.chat()
            assert f"{daemon}.0" in control(suite, daemon, "status")
        assert {name: p for name, (p, _, _) in suite.status().items()} == pids


def poor():
    """In a child: few descriptors, and no right to raise that."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160))


@pytest.mark.skipif(os.geteuid() != 0, reason="the supervisor's limit of an ordinary user is not ours to lower twice")
def test_connections_are_accepted_by_budget():
    """c2sd knows its limit: it never comes to the last descriptor, newcomers wait in the kernel, and it says that the limit is low."""
    with Suite(start=False) as suite:
        done = subprocess.run([str(BUILD / "bin" / "jackdawctl"), "--dir", str(suite.dir), "up", "--detach"], check=False,
                              capture_output=True, text=True, timeout=60, preexec_fn=poor)
        assert done.returncode == 0, done.stderr
        for name in ("alice", "bob", "carol"):
            suite.add_user(f"{name}@localhost")
        pid = suite.pid("c2sd")
        assert "the limit RLIMIT_NOFILE is 160 and cannot be raised" in suite.logs()["c2sd.log"]
        with Pair(suite) as pair:
            held = [Wire.at(suite, CLEAR) for _ in range(90)]
            waiting = [Wire.connect(suite) for _ in range(30)]
            try:
                pair.chat()
                assert share_of_a_core(pid) < 0.2 or SANITIZED
                assert descriptors(pid) < 150
                waiting[0].send("<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
                                "xmlns:stream='http://etherx.jabber.org/streams'>")
                while held:
                    held.pop().close()
                waiting[0].element()
            finally:
                for wire in (*held, *waiting):
                    wire.close()
            pair.chat()


def lost_lines(suite, daemon):
    words = control(suite, daemon, "status").split()
    return int(words[words.index("log_dropped") + 1])


def test_a_log_that_nobody_reads(served):
    """The supervisor stands still, the pipes are full: lines are dropped and counted, and nobody waits for them."""
    pids = {daemon: served.pid(daemon) for daemon in DAEMONS}
    supervisor = int((served.dir / "run" / "supervisor.pid").read_text(encoding="ascii"))
    with Pair(served) as pair:
        os.kill(supervisor, signal.SIGSTOP)
        try:
            for daemon, pid in pids.items():
                end = time.monotonic() + 30
                while lost_lines(served, daemon) == 0 and time.monotonic() < end:
                    for _ in range(100):
                        os.kill(pid, signal.SIGHUP)
                        time.sleep(0.0002)
                assert lost_lines(served, daemon) > 0, daemon
                pair.chat()
            with Wire.at(served, SESSION) as wire:
                wire.say(wire.jid, "here")
                assert wire.hear() == "here"
        finally:
            os.kill(supervisor, signal.SIGCONT)

        def all_say_how_much():
            for pid in pids.values():
                os.kill(pid, signal.SIGHUP)  # the count is told with the next line that fits
            return all("log lines dropped: stderr was full" in served.logs()[f"{d}.log"] for d in DAEMONS)

        wait_for(all_say_how_much, 10, "each says how much was dropped")
        pair.chat()
    assert {daemon: served.pid(daemon) for daemon in DAEMONS} == pids

"""A whole Jackdaw suite in a folder of its own, as an operator would run it."""

import collections
import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("JACKDAW_BUILD", "build")).absolute()
SANITIZED = os.environ.get("JACKDAW_SANITIZE") == "1"
DAEMONS = ["keyd", "storaged", "authd", "router", "sessiond", "c2sd", "componentd"]
PROGRAMS = [*DAEMONS, "s2sd"]  # which runs where jackdaw.conf says so
PORTS = [5222, 5223, 5269, 5270, 5347]

# Everything is slower under the sanitizers; only deadlines are stretched, nothing is measured here.
PATIENCE = 4 if SANITIZED else 1


def ports_free(offset):
    """Whether every port of a suite with this offset can be bound."""
    for port in PORTS:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("::", port + offset))
            except OSError:
                return False
    return True


STEP = 200  # more than there is between the first and the last of PORTS, so that suites either share all or none
OFFSETS = range(2000, 27000, STEP)
given = collections.deque(maxlen=40)
claims = {}  # offset: a socket whose name says to other processes that it is ours; as long as this process runs


def claim(offset):
    """False when another process has it: its suite may be about to bind the ports, or to bind them again."""
    if offset not in claims:
        s = socket.socket(socket.AF_UNIX)
        try:
            s.bind(f"\0jackdaw-test-offset-{offset}")
        except OSError:
            s.close()
            return False
        claims[offset] = s
    return True


def free_offset():
    """A port offset that nobody uses, nor is about to: suites of tests that run at the same time don't meet."""
    while True:
        offset = secrets.choice(OFFSETS)
        if offset not in given and claim(offset) and ports_free(offset):
            given.append(offset)
            return offset


class Suite:
    """`with Suite(...) as suite:` is a suite that runs; on leaving it is stopped and its folder removed."""

    wrapper = ()  # a command that runs another one, on a machine of its own say

    def __init__(self, domains=("localhost",), settings=None, start=True, folder=None, programs=BUILD / "bin",
                 options=()):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="jackdaw-"))
        # The daemons of a suite started as root run as other users and must pass through.
        self.home.chmod(0o755)
        self.dir = folder(self.home) if folder else self.home / "suite"
        self.programs = programs
        self.domains = list(domains)
        self.options = options  # of init
        self.settings = settings or {}
        self.offset = free_offset()
        self.start = start
        self.passwords = {}

    # ---- life ----

    def __enter__(self):
        try:
            self.init()
            if self.start:
                self.up()
        except BaseException:
            self.show_logs()
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.show_logs()
        with contextlib.suppress(Exception):
            self.ctl("down", check=False)
        self.kill_leftovers()
        shutil.rmtree(self.home, ignore_errors=True)

    def init(self):
        args = ["init", "--dir", str(self.dir), "--port-offset", str(self.offset), *self.options]
        for domain in self.domains:
            args += ["--domain", domain]
        self.run(args)
        for daemon, text in self.settings.items():
            with open(self.dir / "etc" / f"{daemon}.conf", "a", encoding="utf-8") as f:
                f.write(text)

    def up(self):
        self.ctl("up", "--detach")

    def down(self):
        self.ctl("down")

    # ---- the operator's command ----

    def run(self, args, input=None, check=True, timeout=60):
        done = subprocess.run(
            [*self.wrapper, str(self.programs / "jackdawctl"), *args], input=input, capture_output=True, text=True,
            timeout=timeout * PATIENCE, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"jackdawctl {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def ctl(self, *args, **options):
        return self.run(["--dir", str(self.dir), *args], **options)

    def add_user(self, jid, password=None):
        self.passwords[jid] = password or secrets.token_urlsafe(12)
        self.ctl("user", "add", jid, input=self.passwords[jid] + "\n")
        return jid

    def add_users(self, *names):
        for name in names:
            self.add_user(f"{name}@localhost")

    # ---- processes ----

    def status(self):
        """Daemon name → (pid, state, link)."""
        rows = {}
        for line in self.ctl("status", check=False).stdout.splitlines():
            words = line.split()
            if len(words) >= 4 and words[0] != "NAME" and not words[0].endswith(":"):
                rows[words[0]] = (int(words[1]) if words[1].isdigit() else 0, words[2], words[3])
        return rows

    def pid(self, daemon):
        name = daemon if "." in daemon else f"{daemon}.0"
        rows = self.status()
        return rows[name if name in rows else daemon][0]

    def kill(self, daemon, signo=signal.SIGKILL):
        pid = self.pid(daemon)
        assert pid > 0, f"{daemon} does not run"
        os.kill(pid, signo)
        return pid

    def wait_linked(self, seconds=20):
        """Until every daemon runs and is linked."""
        def linked():
            rows = self.status()
            return rows and all(pid and link in ("up", "-") for pid, _, link in rows.values())
        wait_for(linked, seconds, "all daemons linked")

    def kill_leftovers(self):
        """Whatever of ours a failing test left running."""
        mine = str(self.dir)
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mine in (proc / "cmdline").read_bytes().decode(errors="replace").split("\0"):
                    os.kill(int(proc.name), signal.SIGKILL)

    # ---- what it leaves behind ----

    def logs(self):
        return {p.name: p.read_text(errors="replace") for p in sorted((self.dir / "log").glob("*"))}

    def logged(self, daemon, text, seconds=10):
        """It is in the daemon's log, or comes there: what is seen on the wire may be faster than the line about it."""
        wait_for(lambda: text in self.logs()[f"{daemon}.log"], seconds, f"{text!r} in {daemon}.log")

    def show_logs(self):
        for name, text in self.logs().items():
            print(f"---- {name}\n" + "\n".join(text.splitlines()[-60:]))

    def certificate(self, domain=None):
        return self.dir / "keys" / f"{domain or self.domains[0]}.crt"

    @property
    def port(self):
        return 5222 + self.offset

    @property
    def direct_port(self):
        return 5223 + self.offset

    @property
    def server_port(self):
        return 5269 + self.offset


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds * PATIENCE} s")

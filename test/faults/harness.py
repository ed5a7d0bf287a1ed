"""A suite and a swarm of clients on it, and what is done to the daemons meanwhile. For run and for the tests of this layer."""

import contextlib
import json
import os
import pathlib
import random
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))

import servers  # pylint: disable=wrong-import-position

DAEMONS = ["router", "storaged", "authd", "keyd", "sessiond", "c2sd"]
SILENCE = 200  # seconds without a word of the swarm: then it has failed


class Suite(servers.Jackdaw):
    """Accounts by the number, archives for who wants one, no limit on what waits offline."""

    def __init__(self, *args):
        super().__init__(*args)
        self.deaths = {}  # daemon → when it was killed

    def configure(self):
        super().configure()
        self.append("sessiond", '\noffline_max = 1000000\narchive = "always"\n')

    def links(self):
        """Daemon → (pid, link)."""
        rows = [line.split() for line in self.ctl("status", check=False).stdout.splitlines()]
        return {row[0].split(".")[0]: (int(row[1]) if row[1].isdigit() else 0, row[3])
                for row in rows if len(row) > 3 and row[0] != "NAME"}

    def pid(self, daemon, seconds=30):
        """Of a daemon that runs, now or soon: it may be starting."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid = self.links().get(daemon, (0, ""))[0]
            if pid:
                return pid
            time.sleep(0.05)
        raise RuntimeError(f"{daemon} does not run")



class Swarm:
    """The clients, in one process; talks to it in lines."""

    def __init__(self, program, suite, **options):
        limit = options["sessions"] + 1000

        def more_files():
            most = max(limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))

        port = suite.port if options["tls"] else suite.clear_port
        self.child = subprocess.Popen([str(program), f"port={port}", *(f"{k}={v}" for k, v in options.items())],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=more_files)

    def line(self, seconds=SILENCE):
        if not select.select([self.child.stdout], [], [], seconds)[0]:
            raise RuntimeError("the swarm says nothing")
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"the swarm has ended with {self.child.wait()}")
        return line

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def fault(self, name, act):
        """Tell it, act, and what came of it when all are back."""
        self.say(f"fault {name}")
        act()
        return json.loads(self.line())

    def end(self):
        self.say("end")
        result = json.loads(self.line(700))
        self.child.wait(10)
        return result

    def stop(self):
        self.child.kill()
        self.child.wait()


@contextlib.contextmanager
def swarming(build, sabotage=None, **options):
    """(suite, swarm) with all clients there. sabotage: HOW or HOW/DAEMON, what to take instead."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="jackdaw-faults-"))
    home.chmod(0o755)
    build = pathlib.Path(build).absolute()
    programs = build
    if sabotage:
        programs = home / "sabotaged"
        shutil.copytree(build / "bin", programs / "bin")
        chosen = build / "test" / "sabotage" / sabotage
        for daemon in chosen.iterdir() if chosen.is_dir() else [chosen]:
            shutil.copy2(daemon, programs / "bin" / daemon.name)
    kind = type("Suite", (Suite,), {"build": programs})
    suite, swarm, kept = kind(home, "plain", options["sessions"]), None, False
    try:
        suite.prepare()
        suite.start()
        swarm = Swarm(build / "test" / "faults" / "swarm", suite, **options)
        if swarm.line(400) != "ready\n":
            raise RuntimeError("the swarm is not ready")
        yield suite, swarm
    except BaseException:
        kept = "JACKDAW_KEEP" in os.environ
        raise
    finally:
        if swarm:
            swarm.stop()
        suite.stop()
        if not kept:
            shutil.rmtree(home, ignore_errors=True)


def spare(suite, daemons):
    """Wait until the supervisor starts them again at once: five deaths in ten seconds make it pause, for longer and longer."""
    for daemon in daemons:
        deaths = suite.deaths.setdefault(daemon, [])
        if len(deaths) >= 4:
            time.sleep(max(0, deaths[-4] + 11 - time.monotonic()))
        deaths.append(time.monotonic())


def kill(suite, daemons):
    """What kills them: who they are is found out before."""
    spare(suite, daemons)
    pids = [suite.pid(daemon) for daemon in daemons]

    def act():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    return act


def pause(suite, daemon, seconds):
    """What stops one, and lets it go on unless the supervisor was faster."""
    pid = suite.pid(daemon)

    def act():
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return act


def set_clocks(suite, seconds):
    """What moves the wall clocks of all daemons (suites with the sabotage "clock"), so far from the real time."""
    def act():
        for daemon in DAEMONS:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(suite.dir / daemon / "control.0.sock"))
                s.sendall(f"clock {seconds}\n".encode())
                answer = s.recv(100)
            assert answer == b"ok\n", (daemon, answer)
    return act


def plan(seed, kills, daemons, most_wait=1.0):
    """Kill points in a random order: (seconds to wait before, daemon)."""
    dice = random.Random(seed)
    order = [daemon for daemon in daemons for _ in range(kills)]
    dice.shuffle(order)
    return [(dice.uniform(0, most_wait), daemon) for daemon in order]

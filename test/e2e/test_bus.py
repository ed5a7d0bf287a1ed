"""The bus by itself: the real router in its sandbox, and two daemons that echo, killed under traffic."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from suite import BUILD, PATIENCE, wait_for

ROLES = ["router", "c2sd", "s2sd", "componentd", "sessiond", "authd", "storaged", "ctl", "keyd"]
COUNT = 20000
FOR_EVER = 10 ** 9


class House:
    """Folders for every role, a router, and the echoing daemons."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="jackdaw-bus-")
        self.dir = pathlib.Path(self.temporary.name) / "suite"
        self.processes = []
        self.log = None

    def __enter__(self):
        pathlib.Path(self.temporary.name).chmod(0o755)
        for folder in ["etc", "run", "log", "keys", *ROLES]:
            (self.dir / folder).mkdir(parents=True)
        (self.dir / "etc" / "jackdaw.conf").write_text('domains = {"localhost"}\n')
        (self.dir / "etc" / "router.conf").write_text("")
        # The router may write no file, so its log goes through a pipe.
        with open(self.dir / "log" / "router.log", "ab") as log:
            self.log = self.start(["cat"], stdin=subprocess.PIPE, stdout=log)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.stdin.close()
        self.temporary.cleanup()

    def start(self, command, **options):
        process = subprocess.Popen(command, **options)
        self.processes.append(process)
        return process

    def router(self, *options):
        router = self.start([str(BUILD / "bin" / "router"), "--dir", str(self.dir), *options],
                            stderr=self.log.stdin)
        wait_for(lambda: self.answers() or router.poll() is not None, 10, "the router's sockets")
        assert router.poll() is None, self.router_log()
        return router

    def answers(self):
        try:
            for role in ["sessiond", "ctl"]:  # the last one that it binds, too
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(str(self.dir / role / "router.sock"))
            return True
        except OSError:
            return False

    def router_log(self):
        return (self.dir / "log" / "router.log").read_text(encoding="utf-8")

    def wait_logged(self, pattern):
        wait_for(lambda: re.search(pattern, self.router_log()), 5, f"{pattern} in the log")

    def echo(self, role, *args):
        """Runs in the role's folder, as the user whom the router expects there."""
        folder = self.dir / role
        owner = (folder / "router.sock").stat()
        options = {}
        if os.geteuid() == 0:
            options = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        return self.start([str(BUILD / "test" / "tool" / "bus_echo"), *args], cwd=folder, stdout=subprocess.PIPE,
                          text=True, **options)


@pytest.fixture
def house():
    with House() as h:
        yield h


def result(process):
    out, _ = process.communicate(timeout=60 * PATIENCE)
    assert process.returncode == 0, out
    return {name: int(n) for name, n in re.findall(r"(\w+) (\d+)", out)}


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_echo(house):
    house.router()
    house.echo("sessiond", "back")
    assert result(house.echo("c2sd", "there", str(COUNT))) == {
        "returned": COUNT, "again": 0, "acked": COUNT, "resent": 0}


def test_the_router_is_killed(house):
    router = house.router()
    house.echo("sessiond", "back")
    there = house.echo("c2sd", "there", str(FOR_EVER))
    for _ in range(5):
        time.sleep(0.05 * PATIENCE)
        kill(router)
        router = house.router()
    there.terminate()
    got = result(there)
    assert got["returned"] == got["acked"] > 1000
    assert got["again"] == 0


def test_the_receiver_is_killed(house):
    house.router()
    back = house.echo("sessiond", "back")
    there = house.echo("c2sd", "there", str(FOR_EVER))
    for _ in range(5):
        time.sleep(0.05 * PATIENCE)
        kill(back)
        back = house.echo("sessiond", "back")
    there.terminate()
    got = result(there)
    assert got["returned"] == got["acked"] > 1000


def test_trace_hides_payloads(house):
    house.router("-T", "bus")
    house.echo("sessiond", "back")
    result(house.echo("c2sd", "there", "5"))
    house.wait_logged(r"c2sd\.0 -> sessiond\.0 1/5 STANZA conn=1 .*payload=\(25 bytes\)")
    house.wait_logged(r"sessiond\.0 -> c2sd\.0 5/5 DELIVER targets=\[\{conn=1 k=5\}\]")
    assert "secret words" not in house.router_log()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_another_user_is_kept_out(house):
    house.router()
    sock = house.dir / "c2sd" / "router.sock"
    stranger = ["python3", "-c", f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(sock)!r}); print(s.recv(1))"]
    assert subprocess.run(stranger, user=65534, group=65534, extra_groups=[], capture_output=True,
                          check=False).returncode != 0
    # Where the folder lets it pass, the router does not.
    for path in (house.dir, sock.parent):
        path.chmod(0o755)
    sock.chmod(0o777)
    done = subprocess.run(stranger, user=65534, group=65534, extra_groups=[], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "b''"
    house.wait_logged("c2sd: a process of uid 65534 is not let in")


def test_another_version_is_refused(house):
    house.router()
    sock = house.dir / "ctl" / "router.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(sock))
        body = (1).to_bytes(8, "little") + bytes([7, 0]) + (5).to_bytes(8, "little")
        header = (70 + len(body)).to_bytes(4, "little") + (1).to_bytes(2, "little") + bytes([0, 0])
        header += (7 << 8).to_bytes(2, "little") + bytes(2) + (5).to_bytes(8, "little") + bytes(8 + 8 + 8 + 16 + 8 + 2)
        s.sendall(header + body)
        assert s.recv(1) == b""
    house.wait_logged(r"ctl\.0 is of another version than the router; upgraded: restart the suite")

"""keyd alone, as it runs: in its sandbox, with this test in place of the edges and of jackdawctl."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

import pytest

from suite import BUILD, PATIENCE, SANITIZED, wait_for

ROLES = {"router": 0, "c2sd": 1, "s2sd": 2, "componentd": 3, "sessiond": 4, "authd": 5, "storaged": 6, "keyd": 8}
UID_BASE = 64100
SIGN, WATCH = 1, 2
BEGIN, CHAIN, TICKET, END = 1, 2, 3, 4
OK, UNKNOWN_KEY, BAD_ALGORITHM, BAD_DATA = 0, 1, 2, 3
ECDSA_SHA256, RSA_SHA256 = 14, 6
DIGEST = bytes(range(32))
# The leak checker needs what the sandbox forbids.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")


class Keyd:
    """A folder with what keyd needs of a suite, and keyd."""

    def __init__(self, domains=("localhost", "second.example")):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="jackdaw-keyd-"))
        self.dir.chmod(0o755)
        self.domains = domains
        self.process = None
        for folder in ("etc", "run", "log", *ROLES):
            (self.dir / folder).mkdir(mode=0o755)
        names = ", ".join(f'"{d}"' for d in domains)
        (self.dir / "etc" / "jackdaw.conf").write_text(f"domains = {{{names}}}\n", encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        log = open(self.dir / "log" / "keyd", "ab")
        before = self.log().count(" ready\n")
        self.process = subprocess.Popen([str(BUILD / "bin" / "keyd"), "--dir", str(self.dir)], stderr=log,
                                        env=ENVIRONMENT)
        log.close()
        wait_for(lambda: self.log().count(" ready\n") > before or self.process.poll() is not None, 10, "keyd")
        return self

    def stop(self, signo=signal.SIGTERM):
        if self.process:
            self.process.send_signal(signo)
            status = self.process.wait(10 * PATIENCE)
            self.process = None
            assert signo == signal.SIGKILL or status == 0, self.log()

    def log(self):
        return (self.dir / "log" / "keyd").read_text(encoding="utf-8", errors="replace")

    def key(self, domain):
        return self.dir / "keys" / f"{domain}.key"

    def crt(self, domain):
        return self.dir / "keys" / f"{domain}.crt"

    def control(self, line, *files):
        """The lines of the answer."""
        with socket.socket(socket.AF_UNIX) as s, contextlib.ExitStack() as stack:
            s.settimeout(10 * PATIENCE)
            s.connect(str(self.dir / "keyd" / "control.0.sock"))
            fds = [stack.enter_context(open(f, mode, buffering=0)).fileno() for f, mode in files]
            socket.send_fds(s, [line.encode() + b"\n"], fds)
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
        return answer.decode().splitlines()


class Edge:
    """A connection of a role, made under its user where users are separate."""

    def __init__(self, keyd, role="c2sd", uid=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.connect(str(keyd.dir / role / "keyd.sock"), UID_BASE + ROLES[role] if uid is None else uid)
        self.socket.settimeout(10 * PATIENCE)

    def connect(self, path, uid):
        """Without a time-out: a socket that has one does not wait for room in the queue of a listener."""
        if os.geteuid() != 0:
            self.socket.connect(path)
            return
        os.seteuid(uid)
        try:
            self.socket.connect(path)
        finally:
            os.seteuid(0)

    def send(self, kind, key=0, algorithm=0, data=b"", tag=7):
        self.socket.send(struct.pack("<BBHIIQ256s", 1, kind, len(data), key, algorithm, tag, data))

    def sign(self, key, algorithm=ECDSA_SHA256, data=DIGEST):
        self.send(SIGN, key, algorithm, data)
        packet = self.socket.recv(1000)
        _, status, size, tag, signature = struct.unpack("<BBHQ512s", packet)
        assert tag == 7
        return status, signature[:size]

    def list(self):
        """One whole list: ({domain: (key id, PEM)}, ticket key)."""
        chains, ticket, kind = {}, None, None
        while kind != END:
            packet = self.socket.recv(100000)
            assert packet, "keyd hung up"
            _, kind, size, key = struct.unpack("<BBHI", packet[:8])
            if kind == BEGIN:
                chains, ticket = {}, None
            elif kind == CHAIN:
                chains[packet[8:8 + size].decode()] = (key, packet[8 + size:].decode())
            elif kind == TICKET:
                ticket = packet[8:]
        return chains, ticket

    def is_closed(self):
        try:
            return self.socket.recv(100000) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.socket.close()


@pytest.fixture
def keyd():
    with Keyd() as k:
        yield k.start()


def watch(keyd, role="c2sd"):
    edge = Edge(keyd, role)
    edge.send(WATCH)
    return edge


def make_pair(folder, domain, name="new"):
    """A pair by another tool than ours."""
    crt, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "90", "-subj", f"/CN={domain}", "-addext", f"subjectAltName=DNS:{domain}", "-keyout",
                    str(key), "-out", str(crt)], check=True, capture_output=True)
    return crt, key


def verify(folder, pem, signature):
    (folder / "crt").write_text(pem, encoding="ascii")
    (folder / "digest").write_bytes(DIGEST)
    (folder / "signature").write_bytes(signature)
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-certin", "-inkey", "crt", "-in", "digest", "-sigfile",
                           "signature"], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


def test_makes_what_is_missing(keyd):
    for domain in keyd.domains:
        assert keyd.key(domain).stat().st_mode & 0o777 == 0o600
        text = subprocess.run(["openssl", "x509", "-in", str(keyd.crt(domain)), "-noout", "-text"],
                              capture_output=True, text=True, check=True).stdout
        assert f"DNS:{domain}" in text and "prime256v1" in text and "CA:FALSE" in text
    before = keyd.key("localhost").read_bytes()
    keyd.stop()
    keyd.start()
    assert keyd.key("localhost").read_bytes() == before


def test_signs_for_the_edges(keyd, tmp_path):
    for role in ("c2sd", "s2sd"):
        chains, ticket = watch(keyd, role).list()
        assert set(chains) == set(keyd.domains) and len(ticket) == 64
        edge = Edge(keyd, role)
        for key, pem in chains.values():
            assert "PRIVATE" not in pem
            status, signature = edge.sign(key)
            assert status == OK and verify(tmp_path, pem, signature)
    assert keyd.control("counters")[1].startswith("c2sd, signed: 2")


def test_refusal_costs_one_request(keyd):
    edge = Edge(keyd)
    chains, _ = watch(keyd).list()
    key = chains["localhost"][0]
    assert edge.sign(key + 1)[0] == UNKNOWN_KEY
    assert edge.sign(key, RSA_SHA256)[0] == BAD_ALGORITHM
    assert edge.sign(key, data=DIGEST[:31])[0] == BAD_DATA
    assert edge.sign(key)[0] == OK


def test_inv_29_no_request_costs_the_connection(keyd):
    good = Edge(keyd)
    for packet in (b"x", b"\0" * 276, b"\1" * 277, b"\1\3" + b"\0" * 274, b"\1\1\xff\xff" + b"\0" * 272, b"z" * 50000):
        bad = Edge(keyd)
        bad.socket.send(packet)
        assert bad.is_closed()
    assert good.sign(0)[0] == UNKNOWN_KEY
    assert keyd.process.poll() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="roles have one user")
def test_an_edge_has_so_many_connections(keyd):
    """512 for a role: the next one waits in the kernel until one of them goes, and no other role is concerned."""
    edges = [Edge(keyd) for _ in range(512)]
    try:
        assert edges[-1].sign(1)[0] == UNKNOWN_KEY
        waiting, other = Edge(keyd), Edge(keyd, "s2sd")
        edges += [waiting, other]
        waiting.send(SIGN, 1, ECDSA_SHA256, DIGEST)
        assert other.sign(1)[0] == UNKNOWN_KEY
        waiting.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            waiting.socket.recv(1000)
        waiting.socket.settimeout(10 * PATIENCE)
        edges[0].close()
        assert struct.unpack("<BB", waiting.socket.recv(1000)[:2])[1] == UNKNOWN_KEY
    finally:
        for edge in edges:
            edge.close()


def test_other_users_are_strangers(keyd):
    for uid in (0, UID_BASE + ROLES["s2sd"]):
        with contextlib.suppress(PermissionError):
            assert Edge(keyd, "c2sd", uid=uid).is_closed()


def test_new_certificate_without_a_restart(keyd, tmp_path):
    crt, key = make_pair(tmp_path, "localhost")
    watcher, signer = watch(keyd), Edge(keyd)
    before, old_ticket = watcher.list()
    assert keyd.control("cert localhost", (crt, "rb"), (key, "rb")) == ["ok"]
    after, new_ticket = watcher.list()
    assert after["localhost"][0] != before["localhost"][0]
    assert after["second.example"] == before["second.example"]
    assert new_ticket != old_ticket
    status, signature = signer.sign(after["localhost"][0])
    assert status == OK and verify(tmp_path, after["localhost"][1], signature)
    assert signer.sign(before["localhost"][0])[0] == OK  # handshakes that began before


def test_broken_pair_changes_nothing(keyd, tmp_path):
    crt, _ = make_pair(tmp_path, "localhost", "one")
    _, key = make_pair(tmp_path, "localhost", "two")
    before, _ = watch(keyd).list()
    answer = keyd.control("cert localhost", (crt, "rb"), (key, "rb"))
    assert answer[0].startswith("error: ") and "does not belong" in answer[0]
    assert keyd.control("cert localhost")[0].startswith("error: ")
    assert watch(keyd).list()[0] == before


def test_makes_a_pair_for_a_new_domain(keyd, tmp_path):
    crt, key = tmp_path / "crt", tmp_path / "key"
    assert keyd.control("make third.example", (crt, "wb"), (key, "wb")) == ["ok"]
    assert "BEGIN CERTIFICATE" in crt.read_text() and "PRIVATE KEY" in key.read_text()
    chains, _ = watch(keyd).list()
    assert chains["third.example"][1] == crt.read_text()
    assert keyd.control("drop third.example") == ["ok"]
    assert any(line.startswith("localhost ECDSA-256 until 20") for line in keyd.control("certs"))


def test_killed_and_back(keyd):
    before, _ = watch(keyd).list()
    signer = Edge(keyd)
    assert signer.sign(before["localhost"][0])[0] == OK
    keyd.stop(signal.SIGKILL)
    assert signer.is_closed()
    keyd.start()
    assert watch(keyd).list()[0] == before
    assert Edge(keyd).sign(before["localhost"][0])[0] == OK


def test_one_broken_domain_does_not_stop_the_others(tmp_path):
    with Keyd() as k:
        k.start().stop()
        crt, _ = make_pair(tmp_path, "localhost")
        shutil.copy(crt, k.crt("localhost"))
        k.start()
        assert "localhost.crt: the certificate does not belong to the key in" in k.log()
        assert set(watch(k).list()[0]) == {"second.example"}
        k.stop()
        k.key("second.example").unlink()
        k.start()
        assert k.process.wait(10 * PATIENCE) == 1
        assert "second.example.key is missing" in k.log()
        k.process = None


def test_warns_of_the_end(tmp_path):
    with Keyd(domains=("localhost",)) as k:
        k.start().stop()
        subprocess.run(["openssl", "x509", "-in", str(k.crt("localhost")), "-signkey", str(k.key("localhost")), "-days",
                        "5", "-out", str(k.crt("localhost"))], check=True, capture_output=True)
        k.start()
        assert "localhost: the certificate ends on" in k.log()


def test_sandbox(keyd):
    status = pathlib.Path(f"/proc/{keyd.process.pid}/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert fields["NoNewPrivs"].strip() == "1" and fields["Seccomp"].strip() == "2"
    assert fields["Threads"].strip() == "1"
    if os.geteuid() == 0:
        assert fields["Uid"].split()[0] == str(UID_BASE + ROLES["keyd"])
        assert fields["CapEff"].strip() == "0" * 16
    assert SANITIZED or int(fields["VmLck"].split()[0]) > 0 or "secrets may be swapped out" in keyd.log()
    keyd.stop()
    done = subprocess.run([str(BUILD / "bin" / "keyd"), "--dir", str(keyd.dir), "--self-test"], capture_output=True,
                          env=ENVIRONMENT, timeout=30 * PATIENCE, check=False)
    assert done.returncode == 0, done.stderr

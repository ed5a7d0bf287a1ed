"""One port for clients and servers (M-07): c2sd hands servers over to s2sd, which believes nothing of it."""

import array
import asyncio
import contextlib
import fcntl
import os
import re
import socket

import pytest

from chat import clients
from peers import HOST, Authority, Jackdaw, linked
from rogue import OTHER, ROGUE, US, message, opening, result
from suite import PATIENCE, wait_for
from wire import STREAMS, TLS, Ended, Wire, header

pytestmark = pytest.mark.usefixtures("fresh")

THEM = "south.test"
SHARED = 'listener "c2s" { server_streams = true }\nlistener "c2s-direct" {\n\tport = 5223\n\ttls = direct\n}\n'
BYTES_MAX = 32768


class Shared(Jackdaw):
    """Whom servers reach where clients do."""

    def __init__(self, domain, authority=None, more="", c2sd="", **options):
        super().__init__(domain, authority, f"shared_listeners = true\n{more}", **options)
        self.settings["c2sd"] = SHARED + c2sd

    server_port = Jackdaw.port


@pytest.fixture(scope="module")
def suite(authority):
    with Shared(US, more="policy = optional\npreauth_seconds = 20\n") as s:
        s.routes = {name: authority.server_port for name in (ROGUE, OTHER)}
        s.begin("alice")
        yield s


def open_stream(suite, port=5222):
    wire = Wire.connect(suite, port)
    wire.send(opening())
    wire.features = wire.element()
    assert b"xmlns='jabber:server'" in wire.raw
    return wire


def secured(suite):
    wire = open_stream(suite)
    wire.ask_starttls()
    wire.handshake(sni=US)
    wire.restart()
    wire.send(opening())
    wire.element()
    return wire


# ---- what it is for ----

def test_m_07_a_client_and_a_server_on_one_port():
    """slixmpp and another Jackdaw, which shows a certificate."""
    certifier = Authority()

    async def story(ours, theirs):
        async with clients(ours, f"alice@{US}/a") as alice, clients(theirs, f"bob@{THEM}/b") as bob:
            bob.say(f"alice@{US}", "by the common door")
            assert (await alice.hear())["body"] == "by the common door"
            alice.say(f"bob@{THEM}/b", "and back")
            assert (await bob.hear())["body"] == "and back"
    with contextlib.closing(certifier), linked(Shared(US, certifier), Jackdaw(THEM, certifier)) as (ours, theirs):
        ours.begin("alice")
        theirs.begin("bob")
        asyncio.run(story(ours, theirs))
        rows = [row[1:5] for row in ours.s2s("list")[1:]]
        assert rows and all(row == ["both", THEM, "open", "tls"] for row in rows), rows


def test_m_07_starttls_and_dialback(suite, alice):
    with secured(suite) as wire:
        wire.send(result())
        assert wire.element().get("type") == "valid"
        wire.send(message())
        assert alice.hear() == "believe me"


def test_m_07_the_header_in_pieces(suite):
    with Wire.connect(suite) as wire:
        assert not wire.drip(opening())
        assert wire.element().tag == f"{{{STREAMS}}}features"


def test_m_07_two_at_once_and_one_that_says_more(suite):
    """What stands behind the header goes along, and nothing may stand behind starttls, there as anywhere (INV-9)."""
    with open_stream(suite) as first, Wire.connect(suite) as second:
        second.send(opening() + result())
        assert second.element().tag == f"{{{STREAMS}}}features"
        assert second.element().get("type") == "valid"
        first.send(f"<starttls xmlns='{TLS}'/><presence/>")
        with pytest.raises(Ended, match="policy-violation"):
            first.element()


def test_m_07_a_listener_without_it(suite):
    """Here that of direct TLS, which can't have it."""
    wire = Wire.connect(suite, 5223).handshake(sni=US)
    with wire:
        wire.send(opening())
        assert wire.ending() == "invalid-namespace"


def test_m_07_direct_tls_is_refused_with_its_line(suite):
    path = suite.dir / "etc" / "c2sd.conf"
    before = path.read_text(encoding="utf-8")
    path.write_text(before + 'listener "both" {\n\tport = 5225\n\ttls = direct\n\tserver_streams = true\n}\n', encoding="utf-8")
    try:
        done = suite.ctl("check", check=False)
        assert done.returncode != 0
        line = before.count("\n") + 4
        assert re.search(rf'c2sd\.conf:{line}: listener "both": server_streams needs STARTTLS', done.stdout + done.stderr)
    finally:
        path.write_text(before, encoding="utf-8")


# ---- s2sd is not there ----

def test_m_07_s2sd_begins_again_under_it(suite, alice):
    """Who comes meanwhile waits, and clients notice nothing."""
    suite.ctl("down", "s2sd")
    with Wire.connect(suite) as wire:
        wire.send(opening())
        wire.silence()
        suite.ctl("up", "s2sd")
        assert wire.element().tag == f"{{{STREAMS}}}features"
    suite.wait_linked()
    suite.kill("s2sd")
    suite.wait_linked()
    with open_stream(suite) as wire:
        wire.send(result())
        assert wire.element().get("type") == "valid"
        wire.send(message())
        assert alice.hear() == "believe me"


def test_m_07_s2sd_stays_away():
    with Shared(US, c2sd="preauth_seconds = 2\n") as suite:
        suite.begin("alice")
        suite.ctl("down", "s2sd")
        with Wire.connect(suite) as wire, Wire.at(suite, "session", f"alice@{US}") as alice:
            wire.send(opening())
            assert wire.ending() == "internal-server-error"
            assert b"xmlns='jabber:server'" in wire.raw
            assert alice.ask("<ping xmlns='urn:xmpp:ping'/>", to=US).get("type") == "result"
        suite.logged("c2sd", "no s2sd takes it")


def test_m_07_s2sd_does_not_share():
    """It takes its own ones only."""
    with Jackdaw(US) as suite:
        (suite.dir / "etc" / "c2sd.conf").write_text(SHARED + "preauth_seconds = 2\n", encoding="utf-8")
        suite.begin()
        assert not (suite.dir / "c2sd" / "s2sd.0.sock").exists()
        with Wire.connect(suite) as wire:
            wire.send(opening())
            assert wire.ending() == "internal-server-error"


def test_m_07_several_processes_take_turns(authority):
    secret = 'dialback_secret = "0123456789abcdef0123456789abcdef"\n'
    with Shared(US, more=f"policy = optional\n{secret}", jackdaw="s2sd = 2\n") as suite:
        suite.begin()
        wires = [open_stream(suite) for _ in range(4)]
        status = {name for name in suite.status() if name.startswith("s2sd")}
        assert status == {"s2sd.0", "s2sd.1"}
        assert [len(connections(suite, name)) for name in sorted(status)] == [2, 2]
        for wire in wires:
            wire.close()


# ---- a c2sd that somebody has taken over ----

def descriptors(suite, daemon="s2sd"):
    folder = f"/proc/{suite.pid(daemon)}/fd"
    return [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]


def connections(suite, daemon):
    """Those that this process has on the port of clients."""
    with open("/proc/net/tcp6", encoding="ascii") as f:
        rows = [line.split() for line in f][1:]
    shared = {f"socket:[{row[9]}]" for row in rows if row[3] == "01" and int(row[1].split(":")[1], 16) == suite.port}
    return shared & set(descriptors(suite, daemon))


class Door:
    """The socket through which c2sd hands over."""

    def __init__(self, suite):
        self.path = str(suite.dir / "c2sd" / "s2sd.0.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(10 * PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def hand_over(self, *files, data=b"x"):
        fds = array.array("i", [f if isinstance(f, int) else f.fileno() for f in files])
        more = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if files else []
        self.socket.sendmsg([data], more, 0, self.path)


def a_pipe(stack):
    ends = os.pipe()
    for end in ends:
        stack.callback(os.close, end)
    return [ends[0]]


def a_listener(stack):
    return [stack.enter_context(socket.create_server((HOST, 0)))]


def a_datagram_socket(stack):
    return [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))]


def a_unix_socket(stack):
    ends = socket.socketpair()
    return [stack.enter_context(end) for end in ends][:1]


def an_unconnected_socket(stack):
    return [stack.enter_context(socket.socket())]


def nothing(_stack):
    return []


def a_connection(stack):
    """The near end of one whose far end is us."""
    server = stack.enter_context(socket.create_server((HOST, 0)))
    stack.enter_context(socket.create_connection(server.getsockname()))
    return [stack.enter_context(server.accept()[0])]


def ten_connections(stack):
    return a_connection(stack) * 10


@pytest.mark.parametrize("make, data", [
    (a_pipe, b"x"), (a_listener, b"x"), (a_datagram_socket, b"x"), (a_unix_socket, b"x"), (an_unconnected_socket, b"x"),
    (nothing, b"x"), (ten_connections, b"x"), (a_connection, b"x" * (BYTES_MAX + 1))])
def test_inv_23_a_rogue_c2sd_hands_over_junk(suite, make, data):
    """A hundred times: all of it is closed, and those who come by the door are served as before."""
    pid = suite.pid("s2sd")
    with open_stream(suite, 5269):
        before = len(descriptors(suite))
        said = suite.logs()["s2sd.log"].count("handed over what is no connection")
        with contextlib.ExitStack() as stack, Door(suite) as door:
            files = make(stack)
            for _ in range(100):
                door.hand_over(*files, data=data)
            wait_for(lambda: suite.logs()["s2sd.log"].count("handed over what is no connection") == said + 100, 20, "100 lines")
        wait_for(lambda: len(descriptors(suite)) <= before, 10, "as many descriptors as before")
        with open_stream(suite):
            pass
    assert suite.pid("s2sd") == pid


def test_inv_23_a_rogue_c2sd_keeps_a_descriptor(suite, alice):
    """It may make the socket blocking, read what s2sd should get, and send nothing: that is this connection's harm alone."""
    pid = suite.pid("s2sd")
    with contextlib.ExitStack() as stack, Door(suite) as door:
        server = stack.enter_context(socket.create_server((HOST, 0)))
        for _ in range(10):
            far = stack.enter_context(socket.create_connection(server.getsockname()))
            near = stack.enter_context(server.accept()[0])
            door.hand_over(near, data=opening().encode())
            far.settimeout(10 * PATIENCE)
            assert b"stream" in far.recv(65536)
            fcntl.fcntl(near, fcntl.F_SETFL, fcntl.fcntl(near, fcntl.F_GETFL) & ~os.O_NONBLOCK)
            far.sendall(b" " * 5000)
        with open_stream(suite) as wire:
            wire.send(result())
            assert wire.element().get("type") == "valid"
            wire.send(message())
            assert alice.hear() == "believe me"
    assert suite.pid("s2sd") == pid


@pytest.mark.parametrize("data, error", [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "not-well-formed"),
    (header(US, xmlns="jabber:client").encode(), "invalid-namespace"),
    (opening(to="nowhere.test").encode(), "host-unknown"),
    (opening().encode() + b"<a>" + b"x" * 20000, "policy-violation"),
    (opening().encode() + message().encode(), "not-authorized"),
])
def test_inv_23_the_bytes_are_a_strangers(suite, data, error):
    with contextlib.ExitStack() as stack, Door(suite) as door:
        server = stack.enter_context(socket.create_server((HOST, 0)))
        wire = stack.enter_context(Wire(socket.create_connection(server.getsockname())))
        near = server.accept()[0]
        door.hand_over(near, data=data)
        near.close()
        wire.until(lambda: wire.is_over)
        assert wire.is_closed and f"<{error} ".encode() in wire.raw


@pytest.mark.skipif(os.geteuid() != 0, reason="roles have one user")
def test_inv_29_the_door_is_for_c2sd_alone(suite):
    door, folder = (os.stat(suite.dir / "c2sd" / name) for name in ("s2sd.0.sock", "."))
    assert door.st_mode & 0o777 == 0o600 and folder.st_mode & 0o007 == 0
    assert door.st_uid == folder.st_gid == os.stat(f"/proc/{suite.pid('c2sd')}").st_uid != os.stat(f"/proc/{suite.pid('s2sd')}").st_uid


# ---- limits ----

def test_inv_23_limits_by_source_hold_for_both_doors():
    with Shared(US, more='policy = optional\nexempt = {}\nsource_connections = 3\n') as suite:
        suite.begin()
        wires = [open_stream(suite), open_stream(suite), open_stream(suite, 5269)]
        for port in (5222, 5269):
            with Wire.connect(suite, port) as wire:
                wire.send(opening())
                wire.until(lambda w=wire: w.is_over)
                assert wire.raw == b""
        wires.pop().close()
        wait_for(lambda: len(suite.s2s("list")) == 2 + 1, 10, "one that is gone")
        with open_stream(suite):
            pass
        for wire in wires:
            wire.close()


def test_inv_15_who_proves_nothing_has_a_deadline():
    with Shared(US, more="policy = optional\npreauth_seconds = 2\n") as suite:
        suite.begin()
        with open_stream(suite) as wire:
            assert wire.ending() == "connection-timeout"

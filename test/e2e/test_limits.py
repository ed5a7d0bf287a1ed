"""Limits of client streams (SECURITY.md §4.3, INV-15, INV-23): deadlines, connections of one source, senders that are too fast and
readers that are too slow. Nobody else notices."""

import contextlib
import socket
import ssl
import threading
import time

import pytest

from scram import plain
from suite import PATIENCE, SANITIZED, Suite, wait_for
from wire import ASKED, AUTHENTICATED, CLEAR, HOST, SASL, SECURE, SESSION, Pair, Wire, encode, header


def limited(c2sd):
    """A fixture: a suite with these settings."""
    @pytest.fixture(scope="module")
    def fixture():
        with Suite(settings={"c2sd": c2sd}) as s:
            s.add_users("alice", "bob", "carol", "dave")
            yield s
    return fixture


DEADLINE = 2 * PATIENCE
ROOMY = "source_per_minute = 100000\nsource_connections = 1000\n"
hasty = limited(f"preauth_seconds = {DEADLINE}\ntls_seconds = {PATIENCE}\n")
crowded = limited("exempt = {}\nsource_connections = 4\nsource_per_minute = 100000\n")
rushed = limited("exempt = {}\nsource_connections = 1000\nsource_per_minute = 10\n")
paced = limited("exempt = {}\nrate_bytes = 50000\nburst_bytes = 100000\n" + ROOMY)
watchful = limited("idle_seconds = 1\ndead_seconds = 4\nstall_seconds = 5\n")
impatient = limited("stall_seconds = 5\n")
strict = limited("stanza_bytes = 10000\npreauth_bytes = 1024\nauth_failures = 2\nstanza_elements = 32\nstanza_depth = 8\n"
                 "stanza_attributes = 16\n")
full = limited("preauth_max = 20\n")
small = limited("connections_max = 5\n")


def ends(wire, seconds):
    """How long until the server ends the connection."""
    begin = time.monotonic()
    wire.until(lambda: wire.is_over, seconds)
    return time.monotonic() - begin


# ---- deadlines ----

@pytest.mark.parametrize("stage", [CLEAR, SECURE, ASKED, AUTHENTICATED])
def test_who_has_no_session_has_a_deadline(hasty, stage):
    with Wire.at(hasty, stage) as wire:
        assert wire.ending(DEADLINE + 5) in ("connection-timeout", "policy-violation")


@pytest.mark.parametrize("data", [b"", b"<", header().encode()[:50], header().encode() + b"<starttls xmlns='"], ids=repr)
def test_inv_23_who_says_half_of_it_has_a_deadline(hasty, data):
    with Wire.connect(hasty) as wire:
        wire.send(data)
        assert DEADLINE * 0.4 <= ends(wire, DEADLINE + 5)


def test_inv_23_bytes_are_no_respite(hasty):
    """A drip does not put the deadline off."""
    for drop in (b" ", b"x"):
        with Wire.connect(hasty) as wire:
            wire.send(header()[:30])
            begin = time.monotonic()
            with contextlib.suppress(ConnectionError):
                while time.monotonic() - begin < DEADLINE + 5:
                    wire.send(drop)
                    time.sleep(0.05)
                    with contextlib.suppress(TimeoutError):
                        if not wire.receive(0.001):
                            break
            assert time.monotonic() - begin < DEADLINE + 3


@pytest.mark.parametrize("way", ["starttls", "direct"])
@pytest.mark.parametrize("data", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], ids=repr)
def test_inv_15_half_a_handshake_has_a_deadline(hasty, way, data):
    with Wire.connect(hasty, 5222 if way == "starttls" else 5223) as wire:
        if way == "starttls":
            wire.open()
            wire.ask_starttls()
        wire.sock.sendall(data)
        wire.sock.settimeout(PATIENCE + 3)
        with contextlib.suppress(ConnectionError):
            assert wire.sock.recv(1000) == b""


@pytest.mark.parametrize("size", [70000, 1 << 20])
def test_inv_15_a_handshake_has_a_size(hasty, size):
    """64 KiB: a hello that never ends is cut."""
    with Wire.connect(hasty, 5223) as wire:
        records = b"".join(b"\x16\x03\x01\x40\x00" + (b"\x01\xff\xff\xff" if n == 0 else bytes(4)) + bytes(0x4000 - 4)
                           for n in range(size // 0x4000 + 1))
        wire.sock.settimeout(PATIENCE * 3)
        with contextlib.suppress(ConnectionError):
            wire.sock.sendall(records)
            while wire.sock.recv(1000):
                pass


def test_a_session_has_no_deadline(hasty):
    with Pair(hasty) as pair:
        time.sleep(DEADLINE + 2)
        pair.chat()


def test_who_is_silent_is_asked_and_then_given_up(watchful):
    """Half-open connections don't stay for ever; whoever gives a sign of life does."""
    with Wire.at(watchful, SESSION, "alice@localhost") as silent, Wire.at(watchful, SESSION, "bob@localhost") as awake:
        questions, end = 0, time.monotonic() + 7
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                question = awake.element(end - time.monotonic())
                assert question.find("{urn:xmpp:ping}ping") is not None
                questions += 1
                awake.send(f"<iq type='result' id='{question.get('id')}' to='{question.get('from')}'/>")
        assert questions >= 3
        silent.until(lambda: silent.is_over, 10 * PATIENCE)
        assert silent.is_closed
        awake.say(awake.jid, "still here")
        assert awake.hear() == "still here"


def test_inv_23_who_takes_nothing_is_given_up(watchful):
    with slow_reader(watchful, "bob@localhost") as bob, Wire.at(watchful, SESSION) as alice:
        for _ in range(1000):
            alice.say(bob.jid, "x" * 10000, type="headline")
            if bob.jid not in watchful.ctl("session", "list").stdout:
                break
        wait_for(lambda: bob.jid not in watchful.ctl("session", "list").stdout, 20, "the slow one given up")


def test_inv_23_many_that_say_nothing_hold_nobody_up(hasty):
    """Tarpits at every stage, and somebody logs in beside them in no time."""
    idle = [Wire.connect(hasty, port) for port in (5222, 5223) for _ in range(100)]
    try:
        begin = time.monotonic()
        with Wire.at(hasty, SESSION) as wire:
            assert time.monotonic() - begin < PATIENCE
            wire.say(wire.jid, "here")
            assert wire.hear() == "here"
    finally:
        for wire in idle:
            wire.close()


# ---- other figures ----

def test_settings_are_the_limits(strict):
    with Wire.at(strict, SECURE) as wire:
        wire.send_all_it_takes("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + "x" * 1024)
        assert wire.ending() == "policy-violation"
    with Wire.at(strict, SECURE) as wire:
        for _ in range(2):
            assert wire.plain("alice", "wrong") == "not-authorized"
        assert wire.ending() == "policy-violation"


@pytest.mark.parametrize("content", ["x" * 10000, "<x/>" * 33, "<x>" * 9, "<x" + "".join(f" a{n}=''" for n in range(17)) + "/>"],
                         ids=["bytes", "elements", "depth", "attributes"])
@pytest.mark.parametrize("drip", [False, True])
def test_inv_02_settings_of_sessions_are_the_limits(strict, content, drip):
    with Pair(strict) as pair, Wire.at(strict, SESSION) as wire:
        data = "<message to='bob@localhost'>" + content
        (wire.drip if drip else wire.send_all_it_takes)(data)
        assert wire.ending() == "policy-violation"
        pair.chat()


# ---- one source (preauth) ----

def is_served(suite, **options):
    """Whether a new connection gets an answer."""
    with contextlib.suppress(Exception):
        with Wire.connect(suite, **options) as wire:
            wire.open()
            return True
    return False


def test_a_source_has_so_many_connections(crowded):
    """Without a session; those that have one don't count, and another source is none of its business."""
    with Pair(crowded) as pair:
        held = [Wire.at(crowded, CLEAR) for _ in range(4)]
        try:
            assert not is_served(crowded)
            assert is_served(crowded, source="127.0.0.2")
            assert is_served(crowded, host="::1")
            pair.chat()
            held.pop().close()
            time.sleep(0.2)
            assert is_served(crowded)
        finally:
            for wire in held:
                wire.close()


def test_a_source_has_so_many_connections_in_a_minute(rushed):
    with Pair(rushed) as pair:  # two of ten
        assert sum(is_served(rushed) for _ in range(30)) in (8, 9)
        assert not is_served(rushed)
        assert is_served(rushed, source="127.0.0.2")
        pair.chat()


def test_inv_24_all_together_have_a_limit(full):
    """Over half of it, some of the new ones are dropped; at the limit, all; a session is no part of it."""
    with Pair(full) as pair:
        held = []
        try:
            for _ in range(200):
                with contextlib.suppress(Exception):
                    wire = Wire.connect(full)
                    wire.open()
                    held.append(wire)
            assert 10 <= len(held) <= 20
            pair.chat()
        finally:
            for wire in held:
                wire.close()
        time.sleep(0.3)
        assert is_served(full)


def test_no_more_connections_than_allowed(small):
    """The rest wait in the kernel until there is room; nobody is told a lie."""
    with Pair(small) as pair:
        held = [Wire.at(small, CLEAR) for _ in range(3)]
        waiting = Wire.connect(small)
        waiting.send(header())
        waiting.silence(0.5)
        pair.chat()
        held[0].close()
        waiting.element()
        for wire in (*held, waiting):
            wire.close()


# ---- fast senders, slow readers ----

def test_inv_23_a_fast_sender_is_paced_and_nothing_is_lost(paced):
    count, size = 60, 5000
    with Wire.at(paced, SESSION, "bob@localhost") as bob, Wire.at(paced, SESSION) as alice, \
            Pair(paced, "carol@localhost", "dave@localhost") as pair:
        def send():
            for n in range(count):
                alice.say(bob.jid, f"{n}:" + "x" * size)
        begin = time.monotonic()
        sender = threading.Thread(target=send)
        sender.start()
        got = []
        for n in range(count):
            got.append(bob.hear(30 * PATIENCE).split(":")[0])
            if n % 20 == 0:
                pair.chat(2 * PATIENCE)
        seconds = time.monotonic() - begin
        sender.join()
        assert got == [str(n) for n in range(count)]
        # (300 kB - the burst of 100 kB) at 50 kB/s
        assert 2 < seconds
        assert seconds < 8 or SANITIZED


def memory(suite, daemon):
    with open(f"/proc/{suite.pid(daemon)}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def slow_reader(suite, jid):
    """A session whose socket takes little and is not read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((HOST, suite.port))
    wire = Wire(sock, suite).starttls()
    wire.open()
    wire.log_in(jid)
    wire.bind("slow")
    return wire


def test_inv_23_a_slow_reader_disturbs_nobody(hasty):
    """20 MB for somebody who reads nothing: others chat on, and no daemon keeps them all."""
    with Pair(hasty, "carol@localhost", "dave@localhost") as pair, slow_reader(hasty, "bob@localhost") as bob, \
            Wire.at(hasty, SESSION) as alice:
        before = {d: memory(hasty, d) for d in ("c2sd", "sessiond", "router")}
        over = threading.Event()

        def send():
            with contextlib.suppress(OSError, ssl.SSLError):
                alice.sock.settimeout(1)
                for _ in range(2000):
                    alice.say(bob.jid, "x" * 10000, type="headline")
                    if over.is_set():
                        break
        sender = threading.Thread(target=send)
        sender.start()
        slowest, end = 0, time.monotonic() + 3
        while time.monotonic() < end:
            begin = time.monotonic()
            pair.chat()
            slowest = max(slowest, time.monotonic() - begin)
            time.sleep(0.02)
        over.set()
        sender.join()
        assert slowest < 1 * PATIENCE
        if not SANITIZED:
            for daemon, size in before.items():
                assert memory(hasty, daemon) - size < 16 << 20, daemon


def test_inv_23_a_reader_who_wakes_up_gets_all_in_order(hasty):
    with slow_reader(hasty, "bob@localhost") as bob, Wire.at(hasty, SESSION) as alice:
        for n in range(100):
            alice.say(bob.jid, f"{n}:" + "x" * 5000)
        alice.ask("<ping xmlns='urn:xmpp:ping'/>")
        time.sleep(0.5)
        assert [bob.hear().split(":")[0] for _ in range(100)] == [str(n) for n in range(100)]


def test_who_stops_reading_now_and_then_stays(impatient):
    """Twice for a moment, longer apart than anybody may take nothing: the kernel would count from the first time on."""
    with slow_reader(impatient, "bob@localhost") as bob, Wire.at(impatient, SESSION) as alice:
        for turn in range(2):
            for n in range(60):
                alice.say(bob.jid, f"{turn}-{n}:" + "x" * 10000)
            alice.ask("<ping xmlns='urn:xmpp:ping'/>")
            time.sleep(2)
            assert [bob.hear().split(":")[0] for _ in range(60)] == [f"{turn}-{n}" for n in range(60)]
            time.sleep(5)


def test_inv_23_who_never_reads_answers_cannot_ask_for_ever(hasty):
    """Questions by the thousand, no answer read: the connection stands still or ends, and c2sd stays small."""
    with Pair(hasty, "carol@localhost", "dave@localhost") as pair, slow_reader(hasty, "bob@localhost") as bob:
        before = memory(hasty, "c2sd")
        bob.sock.settimeout(0.5)
        question = "".join(f"<iq type='get' id='{'i' * 500}{n}'><query xmlns='jabber:iq:version'/></iq>" for n in range(50))
        with contextlib.suppress(OSError, ssl.SSLError):
            for _ in range(500):
                bob.send(question)
        pair.chat(2 * PATIENCE)
        if not SANITIZED:
            assert memory(hasty, "c2sd") - before < 16 << 20


# ---- what a restart of the edge does not undo ----

@pytest.fixture(name="strict_authd", scope="module")
def strict_authd_fixture():
    settings = {"authd": f"exempt = {{}}\nfailures = 2\npenalty_first = 300\n", "c2sd": ROOMY}
    with Suite(settings=settings) as s:
        s.add_user("alice@localhost")
        yield s


def test_penalties_are_authds_and_outlive_c2sd(strict_authd):
    """SECURITY.md §2.5: the source that has guessed waits for its answers, however often c2sd starts."""
    s = strict_authd
    def begin(wire, password):
        wire.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{encode(plain('alice', password))}</auth>")

    right = s.passwords["alice@localhost"]
    with Wire.at(s, SECURE) as wire:
        assert wire.plain("alice", right) == "success"
    for _ in range(2):
        with Wire.at(s, SECURE) as wire:
            assert wire.plain("alice", "wrong") == "not-authorized"
    with Wire.at(s, SECURE) as wire:
        begin(wire, "wrong")
        wire.silence(1)
    s.kill("c2sd")
    s.wait_linked()
    with Wire.at(s, SECURE) as wire:
        begin(wire, right)
        wire.silence(1)

"""TLS of client streams (RFC 6120 §5, XEP-0368): versions, ALPN, certificates by name, and channel binding through GnuTLS, with and
without somebody in between (INV-10)."""

import contextlib
import hashlib
import pathlib
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

import pytest

from suite import BUILD, PATIENCE, Suite, wait_for
from wire import BINDINGS, HOST, SECURE, SESSION, WAIT, Wire, tls_context

V = ssl.TLSVersion

pytestmark = pytest.mark.usefixtures("nobody_else_notices")


@pytest.fixture(scope="module")
def suite():
    with Suite(domains=("localhost", "example.org")) as s:
        for jid in ("alice@localhost", "bob@localhost", "carol@localhost", "alice@example.org"):
            s.add_user(jid)
        yield s


def secure(suite, way, **options):
    """A stream under TLS, by STARTTLS or from the first byte."""
    if way == "starttls":
        wire = Wire.connect(suite).starttls(**options)
    else:
        wire = Wire.connect(suite, 5223).handshake(**options)
    wire.open()
    return wire


WAYS = pytest.mark.parametrize("way", ["starttls", "direct"])


@WAYS
@pytest.mark.parametrize("version", [V.TLSv1_2, V.TLSv1_3], ids=lambda v: v.name)
def test_versions_that_are_good(suite, way, version):
    with secure(suite, way, version=version) as wire:
        assert wire.sock.version() == version.name.replace("_", ".")
        wire.log_in("alice@localhost")
        assert wire.bind().get("type") == "result"


@WAYS
@pytest.mark.parametrize("version", [V.TLSv1, V.TLSv1_1], ids=lambda v: v.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_versions_that_are_too_old(suite, way, version):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secure(suite, way, version=version)


@WAYS
def test_only_forward_secret_aead(suite, way):
    with secure(suite, way, version=V.TLSv1_2) as wire:
        name = wire.sock.cipher()[0]
        assert name.startswith("ECDHE-") and ("GCM" in name or "POLY1305" in name)
        assert wire.sock.compression() is None
    for weak in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"):
        context = tls_context(V.TLSv1_2)
        context.set_ciphers(weak + ":@SECLEVEL=0")
        with Wire.connect(suite, 5223) as wire, pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(wire.sock, server_hostname="localhost")


def test_alpn(suite):
    """XEP-0368: ours, none, and nobody else's."""
    with secure(suite, "direct", alpn="xmpp-client") as wire:
        assert wire.sock.selected_alpn_protocol() == "xmpp-client"
    with secure(suite, "direct") as wire:
        assert wire.sock.selected_alpn_protocol() is None
    for other in ("xmpp-server", "h2"):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            secure(suite, "direct", alpn=other)


@WAYS
def test_ipv6(suite, way):
    wire = Wire.connect(suite, 5222 if way == "starttls" else 5223, "::1")
    with (wire.starttls() if way == "starttls" else wire.handshake()):
        wire.open()
        wire.log_in("alice@localhost")
        assert wire.bind("six").get("type") == "result"
        assert wire.jid == "alice@localhost/six"


def certificate(suite, domain):
    return ssl.PEM_cert_to_DER_cert(suite.certificate(domain).read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n")


@pytest.mark.parametrize("domain", ["localhost", "example.org"])
def test_the_certificate_is_that_of_the_name(suite, domain):
    assert certificate(suite, "localhost") != certificate(suite, "example.org")
    expected = certificate(suite, domain)
    with Wire.connect(suite, 5223).handshake(sni=domain) as wire:
        assert wire.sock.getpeercert(True) == expected, "by SNI"
    with Wire.connect(suite).starttls(sni=None, to=domain) as wire:
        assert wire.sock.getpeercert(True) == expected, "by the stream's to"
    with Wire.connect(suite).starttls(sni=domain, to=domain) as wire:
        assert wire.sock.getpeercert(True) == expected, "by both"


@pytest.mark.parametrize("sni", [None, "elsewhere.example"])
def test_a_name_that_is_not_ours_gets_some_certificate(suite, sni):
    with Wire.connect(suite, 5223).handshake(sni=sni) as wire:
        assert wire.sock.getpeercert(True) in (certificate(suite, "localhost"), certificate(suite, "example.org"))


@WAYS
def test_the_certificate_is_valid_for_its_name(suite, way):
    context = ssl.create_default_context(cafile=suite.certificate())
    with Wire.connect(suite, 5222 if way == "starttls" else 5223) as wire:
        if way == "starttls":
            wire.open()
            wire.ask_starttls()
        context.wrap_socket(wire.sock, server_hostname="localhost").close()


def test_a_session_may_be_resumed_but_logs_in_again(suite):
    context = tls_context()
    with Wire.connect(suite, 5223) as wire:
        wire.handshake(context=context)
        wire.open()
        session = wire.sock.session
    with Wire.connect(suite, 5223) as wire:
        wire.handshake(context=context, session=session)
        wire.open()
        assert "PLAIN" in wire.mechanisms()
        wire.send("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")
        assert wire.ending() == "not-authorized"


@pytest.mark.parametrize("data", [b"hello\n", b"<?xml version='1.0'?><stream:stream>", b"\x16\x03\x01\xff\xff", bytes(1000)], ids=repr)
def test_no_tls_on_the_direct_port(suite, data):
    with Wire.connect(suite, 5223) as wire:
        wire.send(data)
        if data[0] == 0x16:
            wire.sock.shutdown(socket.SHUT_WR)
        else:
            wire.sock.settimeout(WAIT)
        with contextlib.suppress(ConnectionError):
            while wire.sock.recv(1000):
                pass


@WAYS
def test_inv_15_no_renegotiation(suite, way):
    """A client that asks for it under TLS 1.2 gets nowhere."""
    port = {"starttls": suite.port, "direct": suite.direct_port}[way]
    command = ["openssl", "s_client", "-connect", f"{HOST}:{port}", "-tls1_2", "-servername", "localhost"]
    if way == "starttls":
        command += ["-starttls", "xmpp", "-xmpphost", "localhost"]
    done = subprocess.run(command, input="R\n", capture_output=True, text=True, timeout=20 * PATIENCE, check=False)
    assert "RENEGOTIATING" in done.stdout + done.stderr
    assert done.returncode != 0 or "no renegotiation" in done.stderr.lower()


# ---- channel binding (XEP-0440, RFC 9266, RFC 5929) ----

class Bound(Wire):
    """A stream through GnuTLS, which tells its channel bindings."""

    def __init__(self, suite, port, priority="NORMAL"):
        ours, theirs = socket.socketpair()
        program = str(BUILD / "test" / "tool" / "tls_pipe")
        with theirs:
            self.pipe = subprocess.Popen([program, HOST, str(port), "localhost", priority], stdin=theirs, stdout=theirs)
        super().__init__(ours, suite)
        ours.settimeout(WAIT)
        line = b""
        while not line.endswith(b"\n"):
            byte = ours.recv(1)
            assert byte, "no TLS"
            line += byte
        words = line.decode().split()
        self.bindings = {name: bytes.fromhex(data) for name, data in zip(words[::2], words[1::2]) if data != "-"}

    def close(self):
        super().close()
        self.pipe.wait(WAIT)

    def scram_plus(self, suite, digest="256", binding="tls-exporter", data=None):
        return self.scram(f"SCRAM-SHA-{digest}-PLUS", "alice", suite.passwords["alice@localhost"], f"p={binding},,",
                          self.bindings[binding] if data is None else data)


TLS13, TLS12 = "NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"
# RFC 9266: under TLS 1.2 the exporter is unique only with an extended master secret; who has it may offer it.
BINDINGS_OF = {TLS13: {"tls-exporter", "tls-server-end-point"}, TLS12: {"tls-server-end-point"}}


@pytest.mark.parametrize("priority", BINDINGS_OF)
def test_bindings_are_told(suite, priority):
    with Bound(suite, suite.direct_port, priority) as wire:
        wire.open()
        told = {e.get("type") for e in wire.features.iterfind(f"{{{BINDINGS}}}sasl-channel-binding/{{{BINDINGS}}}channel-binding")}
        assert BINDINGS_OF[priority] <= told <= {"tls-exporter", "tls-server-end-point"}
        for digest in ("1", "256", "512"):
            assert f"SCRAM-SHA-{digest}-PLUS" in wire.mechanisms()


@pytest.mark.parametrize("digest", ["1", "256", "512"])
@pytest.mark.parametrize("priority, binding", [(p, b) for p, all_of in BINDINGS_OF.items() for b in sorted(all_of)])
def test_inv_10_binding_that_is_right(suite, digest, priority, binding):
    with Bound(suite, suite.direct_port, priority) as wire:
        wire.open()
        assert wire.scram_plus(suite, digest, binding) == "success"
        wire.open()
        assert wire.bind().get("type") == "result"


@pytest.mark.parametrize("digest", ["1", "256", "512"])
@pytest.mark.parametrize("binding", BINDINGS_OF[TLS13])
def test_inv_10_binding_that_is_wrong(suite, digest, binding):
    with Bound(suite, suite.direct_port) as wire:
        wire.open()
        right = wire.bindings[binding]
        for wrong in (b"", right[:-1], right + b"\0", bytes(len(right))):
            assert wire.scram_plus(suite, digest, binding, wrong) == "not-authorized"
        assert wire.scram_plus(suite, digest, binding) == "success"


def test_inv_10_one_binding_is_not_the_other(suite):
    with Bound(suite, suite.direct_port) as wire:
        wire.open()
        one, other = (wire.bindings[name] for name in ("tls-exporter", "tls-server-end-point"))
        assert wire.scram_plus(suite, binding="tls-exporter", data=other) == "not-authorized"
        assert wire.scram_plus(suite, binding="tls-server-end-point", data=one) == "not-authorized"


def test_the_end_point_is_the_hash_of_the_certificate(suite):
    """RFC 5929 §4; a client that knows only this one needs no more than the certificate."""
    with Wire.at(suite, SECURE) as wire:
        data = hashlib.sha256(wire.sock.getpeercert(True)).digest()
        password = suite.passwords["alice@localhost"]
        assert wire.scram("SCRAM-SHA-512-PLUS", "alice", password, "p=tls-server-end-point,,", data) == "success"


class Interceptor:
    """Somebody in between with a certificate of his own: ends the client's TLS, begins another to the server."""

    def __init__(self, suite):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="jackdaw-between-"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", self.home / "key", "-out", self.home / "cert"],
                       check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.home / "cert", self.home / "key")
        self.context.set_alpn_protocols(["xmpp-client"])
        self.suite = suite
        self.edit = lambda data: data  # of what the client gets
        self.server = socket.create_server((HOST, 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.server.accept()
                near = self.context.wrap_socket(client, server_side=True)
                far = Wire.connect(self.suite, 5223).handshake().sock
                threading.Thread(target=self.relay, args=(near, far), daemon=True).start()

    def relay(self, near, far):
        """Both ways in one thread: OpenSSL's objects must not be used by two."""
        other = {near: far, far: near}
        with contextlib.suppress(OSError, ValueError), near, far:
            while True:
                waiting = [one for one in other if one.pending()]
                for one in waiting or select.select([near, far], [], [])[0]:
                    one.settimeout(0)
                    try:
                        data = one.recv(65536)
                    except ssl.SSLWantReadError:
                        continue
                    if not data:
                        return
                    other[one].settimeout(WAIT)
                    other[one].sendall(self.edit(data) if one is far else data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()
        shutil.rmtree(self.home)


@pytest.fixture(scope="module")
def interceptor(suite):
    with Interceptor(suite) as between:
        yield between


@pytest.mark.parametrize("digest", ["1", "256", "512"])
@pytest.mark.parametrize("binding", ["tls-exporter", "tls-server-end-point"])
def test_inv_10_somebody_in_between(suite, interceptor, digest, binding):
    with Bound(suite, interceptor.port) as wire:
        wire.open()
        assert wire.scram_plus(suite, digest, binding) == "not-authorized"


def test_inv_10_without_binding_nobody_notices(suite, interceptor):
    """Which shows that the test before fails for the right reason."""
    with Bound(suite, interceptor.port) as wire:
        wire.open()
        assert wire.scram("SCRAM-SHA-256", "alice", suite.passwords["alice@localhost"]) == "success"


def test_inv_10_a_list_without_plus_is_noticed(suite, interceptor):
    """A client that could bind, and was told that we could not, says so: somebody has changed the list (RFC 5802 §6)."""
    with Bound(suite, interceptor.port) as wire:
        wire.open()
        assert wire.scram("SCRAM-SHA-256", "alice", suite.passwords["alice@localhost"], "y,,") == "not-authorized"


# ---- what was offered is signed (XEP-0474) ----

@pytest.mark.parametrize("priority", BINDINGS_OF)
@pytest.mark.parametrize("digest", ["1", "256", "512"])
def test_the_offer_is_signed(suite, digest, priority):
    with Bound(suite, suite.direct_port, priority) as wire:
        wire.open()
        assert wire.scram(f"SCRAM-SHA-{digest}", "alice", suite.passwords["alice@localhost"]) == "success"
        assert wire.offer_is_signed
    with Bound(suite, suite.direct_port, priority) as wire:
        wire.open()
        assert wire.scram_plus(suite, digest, "tls-server-end-point") == "success"
        assert wire.offer_is_signed


@pytest.mark.parametrize("taken", [
    b"<mechanism>SCRAM-SHA-512</mechanism>", b"<mechanism>SCRAM-SHA-256-PLUS</mechanism>", b"<channel-binding type='tls-exporter'/>"])
def test_a_list_that_was_trimmed_is_noticed(suite, interceptor, taken):
    seen = []

    def edit(data):
        seen.append(data)
        return data.replace(taken, b"")
    interceptor.edit = edit
    try:
        with Bound(suite, interceptor.port) as wire:
            wire.open()
            wire.scram("SCRAM-SHA-256", "alice", suite.passwords["alice@localhost"])
            assert wire.offer_is_signed is False
            assert taken in b"".join(seen)
    finally:
        interceptor.edit = lambda data: data


def test_a_failed_binding_changes_nothing_in_the_offer(suite):
    with Bound(suite, suite.direct_port) as wire:
        wire.open()
        assert wire.scram_plus(suite, binding="tls-unique", data=b"whatever") != "success"
        assert wire.scram("SCRAM-SHA-256", "alice", suite.passwords["alice@localhost"], "y,,") == "success"
        assert wire.offer_is_signed


def test_an_operator_may_forgive_nobody():
    settings = {"c2sd": "forgive_unknown_binding = false\n", "authd": "sign_offer = false\n"}
    with Suite(settings=settings) as strict:
        strict.add_user("alice@localhost")
        with Bound(strict, strict.direct_port) as wire:
            wire.open()
            assert wire.scram_plus(strict, binding="tls-unique", data=b"whatever") != "success"
            assert wire.scram("SCRAM-SHA-256", "alice", strict.passwords["alice@localhost"], "y,,") == "not-authorized"
            assert wire.scram("SCRAM-SHA-256", "alice", strict.passwords["alice@localhost"]) == "success"
            assert wire.offer_is_signed is False


def test_a_cut_connection_leaves_no_session(suite):
    wire = Wire.at(suite, SESSION, resource="cut")
    assert wire.jid in suite.ctl("session", "list").stdout
    wire.sock.shutdown(socket.SHUT_RDWR)
    wire.close()
    wait_for(lambda: wire.jid not in suite.ctl("session", "list").stdout, 10, "the session ended")


def test_plain_text_inside_a_session_of_tls(suite):
    """Bytes past TLS end the connection."""
    with Wire.at(suite, SESSION) as wire:
        raw = socket.socket(fileno=wire.sock.detach())
        raw.sendall(b"<message to='bob@localhost/witness'><body>smuggled</body></message>" + bytes(70000))
        wire.sock = raw
        raw.settimeout(WAIT)
        with contextlib.suppress(ConnectionError):
            while raw.recv(65536):
                pass

"""jackdawctl domain check: what the DNS and the certificate say, compared with what a domain needs (N-26, N-27, B-23)."""

import re
import subprocess

import pytest

import nameserver
from suite import Suite

pytestmark = pytest.mark.skipif(not nameserver.available(), reason="knot is not installed")


@pytest.fixture(scope="module")
def suite():
    with Suite(domains=("full.example", "plain.example", "empty.example", "wrong.example"), start=False) as s:
        conf = s.dir / "etc" / "jackdaw.conf"
        conf.write_text(conf.read_text() + '\ncomponents = {"rooms.full.example", "gateway.example"}\n')
        s.up()
        yield s


@pytest.fixture(scope="module")
def dns(suite):
    c2s, c2s_direct, s2s, s2s_direct = (port + suite.offset for port in (5222, 5223, 5269, 5270))
    zones = {
        "full.example": f"""
_xmpp-client._tcp SRV 5 0 {c2s} chat
_xmpps-client._tcp SRV 5 0 {c2s_direct} chat
_xmpp-server._tcp SRV 5 0 {s2s} chat
_xmpp-server._tcp SRV 9 0 {s2s} backup
_xmpps-server._tcp SRV 5 0 {s2s_direct} chat
_xmpp-server._tcp.rooms SRV 5 0 {s2s} chat
_xmpps-server._tcp.rooms SRV 5 0 {s2s_direct} chat
chat A 192.0.2.7
chat AAAA 2001:db8::7
backup A 192.0.2.8""",
        "plain.example": "@ A 192.0.2.9",
        "empty.example": "",
        "wrong.example": f"""
_xmpp-client._tcp SRV 5 0 4711 chat
_xmpp-server._tcp SRV 0 0 {s2s} .
_xmpps-server._tcp SRV 5 0 {s2s_direct} nowhere
chat A 192.0.2.7""",
        "gateway.example": "",
    }
    with nameserver.Nameserver(zones) as server:
        yield server


def check(suite, domain, resolver):
    """The exit status, and the lines as (word, rest)."""
    done = suite.ctl("domain", "check", domain, resolver, check=False)
    assert done.stderr == ""
    return done.returncode, [tuple(line.split(None, 1)) for line in done.stdout.splitlines()]


def issued(suite, domain, *names):
    """A certificate of a CA for these names, imported for the domain."""
    home = suite.home
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=home, check=True, capture_output=True)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-subj", "/CN=CA", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *curve, "-subj", "/CN=x", "-keyout", "own.key", "-out", "own.csr")
    (home / "own.ext").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
    openssl("x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "own.ext",
            "-out", "own.crt")
    suite.ctl("cert", "import", domain, home / "own.key", home / "own.crt")


def test_all_is_well(suite, dns):
    issued(suite, "full.example", "full.example", "rooms.full.example")
    status, lines = check(suite, "full.example", dns.resolver)
    assert {word for word, _ in lines} == {"ok", "note"}, lines
    assert [rest for word, rest in lines if word == "note" and "does not pass on signatures" in rest]
    assert status == 0
    text = [rest for _, rest in lines]
    port = suite.offset + 5269
    assert f"_xmpp-server._tcp.full.example SRV 5 0 {port} chat.full.example (2001:db8::7, 192.0.2.7)" in text
    assert f"_xmpp-server._tcp.full.example SRV 9 0 {port} backup.full.example (192.0.2.8)" in text
    assert f"_xmpp-server._tcp.rooms.full.example SRV 5 0 {port} chat.full.example (2001:db8::7, 192.0.2.7)" in text
    assert [rest for rest in text if rest.startswith("certificate of rooms.full.example: that of full.example")]
    # A component has no clients of its own.
    assert not [rest for rest in text if rest.startswith("_xmpp-client._tcp.rooms")]


def test_a_name_is_missing_in_the_certificate(suite, dns):
    issued(suite, "full.example", "full.example")
    status, lines = check(suite, "full.example", dns.resolver)
    assert status == 1
    assert [line for line in lines if line[0] not in ("ok", "note")] == [
        ("wrong", "certificate of rooms.full.example: that of full.example is shown, which lacks this name")]
    issued(suite, "full.example", "full.example", "*.full.example")
    assert check(suite, "full.example", dns.resolver)[0] == 0


def test_records_are_missing(suite, dns):
    status, lines = check(suite, "empty.example", dns.resolver)
    assert status == 1
    port = suite.offset
    assert ("missing", f"_xmpp-client._tcp.empty.example SRV 0 5 {5222 + port} HOST") in lines
    assert ("missing", f"_xmpp-server._tcp.empty.example SRV 0 5 {5269 + port} HOST") in lines
    assert ("wish", f"_xmpps-server._tcp.empty.example SRV 0 5 {5270 + port} HOST would allow TLS from the first byte") in lines
    assert [rest for word, rest in lines if word == "wish" and "self-signed" in rest]


def test_the_domain_itself_has_an_address(suite, dns):
    """Which leads to the usual port only, and this suite has another one."""
    status, lines = check(suite, "plain.example", dns.resolver)
    assert status == 1
    assert ("missing", f"_xmpp-server._tcp.plain.example SRV 0 5 {5269 + suite.offset} HOST") in lines


def test_records_are_wrong(suite, dns):
    status, lines = check(suite, "wrong.example", dns.resolver)
    assert status == 1
    found = {rest.split()[0]: (word, rest) for word, rest in lines}
    word, rest = found["_xmpp-client._tcp.wrong.example"]
    assert word == "ok" and rest.endswith(f"the port here is {5222 + suite.offset}")
    word, rest = found["_xmpp-server._tcp.wrong.example"]
    assert word == "wrong" and "there is no such service" in rest
    word, rest = found["_xmpps-server._tcp.wrong.example"]
    assert word == "wrong" and "nowhere.wrong.example has no address" in rest


def test_dnssec_and_dane(suite):
    """A zone that is signed, one that is not, and a record that says something of a certificate in each."""
    s2s = 5269 + suite.offset
    zone = f"_xmpp-server._tcp SRV 5 0 {s2s} chat\nchat A 192.0.2.7\n_{s2s}._tcp.chat TLSA 3 1 1 " + 32 * "ab"
    with nameserver.Nameserver({"full.example": zone, "plain.example": zone}, signed=("full.example",)) as signed:
        done = suite.ctl("domain", "check", "full.example", signed.resolver, signed.anchor, check=False)
        assert re.search(rf"^ok +_{s2s}\._tcp\.chat\.full\.example TLSA 3 1 1 (ab){{32}}, by DNSSEC$", done.stdout, re.M), done.stdout
        assert re.search(r"^ok +_xmpp-server\._tcp\.full\.example: DNSSEC vouches", done.stdout, re.M)
        done = suite.ctl("domain", "check", "plain.example", signed.resolver, signed.anchor, check=False)
        assert re.search(rf"^note +_{s2s}\._tcp\.chat\.plain\.example TLSA .* is not used", done.stdout, re.M), done.stdout
        assert re.search(r"^note +_xmpp-server\._tcp\.plain\.example: not signed", done.stdout, re.M)
        done = suite.ctl("domain", "check", "plain.example", signed.resolver, "none", check=False)
        assert "DNSSEC was not asked for" in done.stdout


def test_a_component_of_its_own(suite, dns):
    status, lines = check(suite, "gateway.example", dns.resolver)
    assert status == 1
    assert not [rest for _, rest in lines if "client" in rest.split()[0]]


def test_what_cannot_be_asked(suite, dns):
    done = suite.ctl("domain", "check", "unknown.example", dns.resolver, check=False)
    assert done.returncode == 1 and "not served" in done.stderr
    done = suite.ctl("domain", "check", "full.example", "nonsense", check=False)
    assert done.returncode == 1 and "192.0.2.53@5353" in done.stderr
    # A server that knows nothing of it.
    with nameserver.Nameserver({"other.example": ""}) as other:
        status, lines = check(suite, "full.example", other.resolver)
    assert status == 1
    assert [rest for word, rest in lines if word == "unknown" and "failed" in rest]

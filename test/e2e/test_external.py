"""SASL EXTERNAL of clients (RFC 6120 §13.8.4, XEP-0178 §2): who may log in with a certificate, as whom, and as whom not."""

import asyncio
import ssl

import pytest

from chat import clients
from peers import Authority
from suite import PATIENCE, Suite
from wire import SASL, Wire, condition, tls_context

XMPP_ADDR = "1.3.6.1.5.5.7.8.5"
OTHER_PORT = 5224
LISTENERS = f"""
listener "c2s" {{
	port = 5222
	client_certificates = true
}}
listener "c2s-direct" {{
	port = 5223
	tls = direct
	client_certificates = true
}}
listener "without" {{
	port = {OTHER_PORT}
	tls = direct
}}
"""
MANY = [f"a{n}@localhost" for n in range(20)]

pytestmark = pytest.mark.usefixtures("nobody_else_notices")


class People(Authority):
    """Gives certificates to people: file name → whose addresses, and what else is in them."""

    def person(self, name, *addresses, more="", usage=None, ca="ca"):
        alternatives = [f"otherName.{n}={XMPP_ADDR};UTF8:{a}" for n, a in enumerate(addresses, 1)]
        usage = f"extendedKeyUsage={usage}\n" if usage else ""
        (self.home / f"{name}.ext").write_text(
            f"{usage}subjectAltName=@names\n[names]\n" + "\n".join([*alternatives, more]) + "\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=alice@localhost",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                     "-days", "30", "-extfile", f"{name}.ext", "-out", f"{name}.crt")

    def own(self, name):
        """Certificate and key, as Python's TLS wants them."""
        key, certificate = self.files(name)
        return certificate, key

    def another_ca(self):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-subj", "/CN=Jackdaw test CA", "-keyout", "other.key", "-out", "other.pem")


@pytest.fixture(scope="module")
def people():
    people = People()
    people.another_ca()
    people.person("alice", "alice@localhost", usage="clientAuth")
    people.person("spelled", "ALICE@LocalHost")
    people.person("twice", "alice@localhost", "Alice@localhost")
    people.person("both", "alice@localhost", "bob@localhost", "alice@example.org")
    people.person("elsewhere", "alice@example.org")
    people.person("abroad", "alice@far.example", "alice@localhost")
    people.person("nobody", "nobody@localhost")
    people.person("gone", "gone@localhost")
    people.person("lost", "alice@localhost")
    people.person("stolen", "alice@localhost")
    people.person("brief", "bob@localhost")
    people.person("strange", "alice@localhost", ca="other")
    people.person("server", "alice@localhost", usage="serverAuth")
    people.person("session", "alice@localhost/desk")
    people.person("domain", "localhost")
    people.person("names", more="DNS.1=localhost\nemail.1=alice@localhost")
    people.person("many", "alice@localhost", *MANY)
    people.revoke("lost")
    yield people
    people.close()


def settings(people, authd="true"):
    return {"c2sd": f'\nclient_ca_file = "{people.ca}"\nclient_crl_file = "{people.crl}"\n{LISTENERS}',
            "authd": f"\nclient_certificates = {authd}\n"}


@pytest.fixture(scope="module")
def suite(people):
    with Suite(domains=("localhost", "example.org"), settings=settings(people)) as s:
        for jid in ("alice@localhost", "bob@localhost", "carol@localhost", "gone@localhost", "alice@example.org"):
            s.add_user(jid)
        yield s


def shown(suite, own, port=5223, domain="localhost", version=None, **attributes):
    """A secure stream whose client has shown this certificate (None: none), with its features."""
    wire = Wire.connect(suite, port)
    options = {"own": own, "version": version}
    wire = wire.starttls(**options) if port == 5222 else wire.handshake(**options)
    wire.open(domain, **attributes)
    return wire


def external(wire, authzid=b""):
    """"success", or what is wrong. authzid: None for no initial response."""
    answer = wire.auth("EXTERNAL", authzid)
    if answer.tag == f"{{{SASL}}}challenge":
        assert answer.text == "="
        answer = wire.respond(b"")
    return "success" if answer.tag == f"{{{SASL}}}success" else condition(answer)


def bound(wire, jid, resource="r"):
    wire.open(jid.split("@")[1])
    assert wire.bind(resource).get("type") == "result"
    return wire.jid == f"{jid}/{resource}"


@pytest.mark.parametrize("port", [5222, 5223])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda v: v.name)
def test_a_certificate_logs_in(suite, people, port, version):
    with shown(suite, people.own("alice"), port, version=version) as wire:
        assert wire.mechanisms()[0] == "EXTERNAL"
        assert external(wire) == "success"
        assert bound(wire, "alice@localhost")


@pytest.mark.parametrize("name", ["alice", "spelled", "twice"])
@pytest.mark.parametrize("authzid", [None, b"", b"alice@localhost", b"Alice@LOCALHOST"])
def test_as_who_the_certificate_says(suite, people, name, authzid):
    with shown(suite, people.own(name)) as wire:
        assert external(wire, authzid) == "success"
        assert bound(wire, "alice@localhost")


@pytest.mark.parametrize("authzid", [
    b"bob@localhost", b"carol@localhost", b"nobody@localhost", b"alice@example.org", b"alice@far.example", b"alice", b"localhost",
    b"alice@localhost/desk", b"@", b"alice@localhost@localhost"])
def test_inv_07_as_nobody_else(suite, people, authzid):
    with shown(suite, people.own("alice")) as wire:
        assert external(wire, authzid) == "invalid-authzid"
        assert external(wire) == "success"


@pytest.mark.parametrize("authzid", [b"alice@localhost\0", b"\0alice@localhost", b"al\xffice@localhost"])
def test_an_authzid_that_is_no_text(suite, people, authzid):
    with shown(suite, people.own("alice")) as wire:
        assert external(wire, authzid) == "malformed-request"


def test_who_has_several_addresses_says_which(suite, people):
    """XEP-0178 §2, 11.2"""
    for jid in ("alice@localhost", "bob@localhost", "alice@example.org"):
        domain = jid.split("@")[1]
        with shown(suite, people.own("both"), domain=domain) as wire:
            assert external(wire) == "invalid-authzid"
            assert external(wire, b"carol@localhost") == "invalid-authzid"
            assert external(wire, jid.encode()) == "success"
            assert bound(wire, jid)


def test_inv_07_the_domain_is_that_of_the_stream(suite, people):
    with shown(suite, people.own("both"), domain="example.org") as wire:
        assert external(wire, b"bob@localhost") == "invalid-authzid"
    with shown(suite, people.own("elsewhere")) as wire:
        assert "EXTERNAL" not in wire.mechanisms()
        assert external(wire) == "invalid-mechanism"


def test_addresses_elsewhere_do_not_count(suite, people):
    with shown(suite, people.own("abroad")) as wire:
        assert external(wire, b"alice@far.example") == "invalid-authzid"
        assert external(wire) == "success"
        assert bound(wire, "alice@localhost")


def test_a_name_without_an_account_is_nobody(suite, people):
    with shown(suite, people.own("nobody")) as wire:
        assert external(wire) == "not-authorized"
    with shown(suite, people.own("gone")) as wire:
        suite.ctl("user", "del", "gone@localhost")
        assert external(wire) == "not-authorized"


@pytest.mark.parametrize("name", ["strange", "server", "session", "domain", "names", "many", "lost"])
def test_inv_07_certificates_that_are_nobodys(suite, people, name):
    """Of another CA (with the same name), for another purpose, of a session, of a domain, with the address in the wrong place, with too
    many of them, revoked. The stream goes on: there are passwords."""
    with shown(suite, people.own(name)) as wire:
        assert "EXTERNAL" not in wire.mechanisms()
        for authzid in (b"", b"alice@localhost"):
            assert external(wire, authzid) == "invalid-mechanism"
        wire.log_in("bob@localhost")
        assert wire.bind().get("type") == "result"


def test_who_shows_nothing_has_a_password(suite):
    with shown(suite, None) as wire:
        assert "EXTERNAL" not in wire.mechanisms()
        assert external(wire, b"alice@localhost") == "invalid-mechanism"
        wire.log_in("alice@localhost")


def test_a_listener_that_does_not_ask(suite, people):
    with shown(suite, people.own("alice"), OTHER_PORT) as wire:
        assert "EXTERNAL" not in wire.mechanisms()
        assert external(wire) == "invalid-mechanism"


def test_inv_08_nothing_in_clear(suite, people):
    with Wire.connect(suite) as wire:
        wire.open()
        assert external(wire, b"alice@localhost") == "encryption-required"
    with shown(suite, people.own("alice"), 5222) as wire:
        assert external(wire) == "success"


def test_a_resumed_session_has_shown_nothing(suite, people):
    """A session of TLS of who has shown a certificate is not taken up by who has none, at whichever listener."""
    context = tls_context(own=people.own("alice"))
    for port in (5223, OTHER_PORT):
        with Wire.connect(suite, port) as wire:
            wire.handshake(context=context)
            wire.open()
            session = wire.sock.session
        with Wire.connect(suite, 5223) as wire:
            wire.handshake(context=context, session=session)
            wire.open()
            assert not wire.sock.session_reused


def test_who_the_client_says_it_is(suite, people):
    """RFC 6120 §6.4.6: the header's from, and the identity."""
    with shown(suite, people.own("alice"), **{"from": "bob@localhost"}) as wire:
        wire.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
        assert wire.ending() == "invalid-from"


def test_a_certificate_and_a_password_are_two_people(suite, people):
    """Who shows a certificate may log in as somebody else with that one's password, and as nobody else without."""
    with shown(suite, people.own("alice")) as wire:
        wire.log_in("bob@localhost")
        assert wire.bind("r").get("type") == "result"
        assert wire.jid == "bob@localhost/r"
    with shown(suite, people.own("alice")) as wire:
        assert wire.plain("bob", "wrong") == "not-authorized"
        assert wire.plain("alice", suite.passwords["alice@localhost"], "bob@localhost") == "invalid-authzid"


def test_the_list_is_signed_with_it(suite, people):
    """XEP-0474: the mechanisms of this stream."""
    with shown(suite, people.own("alice")) as wire:
        assert wire.scram("SCRAM-SHA-256", "alice", suite.passwords["alice@localhost"]) == "success"
        assert wire.offer_is_signed


def test_a_certificate_that_is_revoked_ends_its_sessions(suite, people):
    """RFC 6120 §13.7.2.3. The list comes with a reload; who has another certificate notices nothing; the list that was there is not lost
    by one that is none."""
    with shown(suite, people.own("stolen")) as wire, shown(suite, people.own("alice"), 5222) as other:
        for stream, resource in ((wire, "stolen"), (other, "own")):
            assert external(stream) == "success"
            assert bound(stream, "alice@localhost", resource)
        people.revoke("stolen")
        suite.ctl("reload", "c2sd")
        assert wire.ending() == "reset"
        other.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
        assert other.element().get("type") == "result"
    with shown(suite, people.own("stolen")) as wire:
        assert "EXTERNAL" not in wire.mechanisms()
    good = people.crl.read_text()
    people.crl.write_text("nonsense")
    assert "revocation lists" in suite.ctl("reload", "c2sd", check=False).stderr
    people.crl.write_text("")
    assert "client_crl_file: nothing is in the file" in suite.ctl("reload", "c2sd", check=False).stderr
    people.crl.unlink()
    assert f"client_crl_file: {people.crl}: No such file" in suite.ctl("reload", "c2sd", check=False).stderr
    people.crl.write_text(good)
    with shown(suite, people.own("stolen")) as wire:
        assert "EXTERNAL" not in wire.mechanisms()


def test_a_certificate_that_expires_ends_its_sessions(suite, people):
    """RFC 6120 §13.7.2.3"""
    people.shorten("brief", 10 * PATIENCE)
    with shown(suite, people.own("brief")) as wire:
        assert external(wire) == "success"
        assert bound(wire, "bob@localhost", "brief")
        assert wire.ending(20 * PATIENCE) == "reset"


def test_slixmpp(suite, people):
    async def logs_in():
        async with clients(suite, "alice@localhost", password="wrong", mechanism="EXTERNAL", own=people.own("alice")) as alice:
            assert alice.boundjid.bare == "alice@localhost"
    asyncio.run(logs_in())


def test_authd_must_believe_it_too(people):
    with Suite(settings=settings(people, "false")) as suite:
        suite.add_user("alice@localhost")
        with shown(suite, people.own("alice")) as wire:
            assert external(wire) == "invalid-mechanism"
            wire.log_in("alice@localhost")


def test_a_listener_that_asks_needs_a_ca():
    with Suite(start=False, settings={"c2sd": LISTENERS}) as suite:
        done = suite.ctl("up", "--detach", check=False)
        assert done.returncode != 0
        assert 'listener "c2s": client_certificates needs client_ca_file' in done.stdout + done.stderr

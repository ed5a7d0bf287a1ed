"""SASL on client streams (RFC 6120 §6): mechanisms, identities (INV-7), failures that tell nothing, framing, channel binding flags."""

import itertools

import pytest

from scram import DIGESTS, Scram, parse_challenge, plain
from suite import Suite
from wire import AUTHENTICATED, SASL, SECURE, SESSION, Wire, condition, decode, encode

USER, JID = "alice", "alice@localhost"

pytestmark = pytest.mark.usefixtures("nobody_else_notices")


@pytest.fixture(scope="module")
def suite():
    """alice has another password in the other domain."""
    with Suite(domains=("localhost", "example.org")) as s:
        for jid in (JID, "bob@localhost", "carol@localhost", "alice@example.org"):
            s.add_user(jid)
        s.add_user("odd=name@localhost", "pass,word=with ß\u00a0and \u2460")
        yield s


@pytest.fixture
def wire(suite):
    with Wire.at(suite, SECURE) as w:
        yield w


@pytest.fixture
def password(suite):
    return suite.passwords[JID]


# ---- what is offered, what works ----

def test_mechanisms_in_order(wire):
    """The strongest first, with channel binding before without, PLAIN last."""
    digests = ("SHA-512", "SHA-256", "SHA-1")
    assert wire.mechanisms() == [f"SCRAM-{d}-PLUS" for d in digests] + [f"SCRAM-{d}" for d in digests] + ["PLAIN"]


@pytest.mark.parametrize("mechanism", DIGESTS)
@pytest.mark.parametrize("header", ["n,,", f"n,a={JID},"])
def test_scram(wire, password, mechanism, header):
    assert wire.scram(mechanism, USER, password, header) == "success"
    wire.open()
    assert wire.bind().get("type") == "result"
    assert wire.jid.startswith(JID + "/")


@pytest.mark.parametrize("authzid", ["", JID, "ALICE@LocalHost"])
def test_plain(wire, password, authzid):
    assert wire.plain(USER, password, authzid) == "success"


@pytest.mark.parametrize("name", ["Alice", "ＡＬＩＣＥ"])
def test_names_are_prepared(wire, password, name):
    assert wire.scram("SCRAM-SHA-256", name, password) == "success"
    wire.open()
    wire.bind("x")
    assert wire.jid == JID + "/x"


@pytest.mark.parametrize("mechanism", [*DIGESTS, "PLAIN"])
def test_odd_characters(suite, wire, mechanism):
    """RFC 5802 §5.1 escapes "," and "="; a password is prepared as RFC 8265 says, here by hand: the space of U+00A0."""
    name, secret = "odd=name", suite.passwords["odd=name@localhost"].replace("\u00a0", " ")
    login = wire.plain if mechanism == "PLAIN" else lambda *a: wire.scram(mechanism, *a)
    assert login(name, secret) == "success"


# ---- identities (INV-7) ----

FOREIGN = ["bob@localhost", "alice@example.org", "alice@localhost/here", "localhost", "alice", "@localhost", "nobody@localhost"]


@pytest.mark.parametrize("mechanism", [*DIGESTS, "PLAIN"])
@pytest.mark.parametrize("authzid", FOREIGN)
def test_inv_07_nobody_acts_for_somebody_else(wire, password, mechanism, authzid):
    if mechanism == "PLAIN":
        got = wire.plain(USER, password, authzid)
    else:
        got = wire.scram(mechanism, USER, password, f"n,a={authzid},")
    assert got in ("invalid-authzid", "not-authorized")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN"])
@pytest.mark.parametrize("domain, of", list(itertools.product(["localhost", "example.org"], repeat=2)))
def test_inv_07_an_account_is_that_of_its_domain(suite, mechanism, domain, of):
    """The same name in the other domain is somebody else."""
    secret = suite.passwords[f"{USER}@{of}"]
    for name in (USER, f"{USER}@{of}"):
        with Wire.connect(suite).starttls(to=domain) as wire:
            wire.open(domain)
            got = wire.plain(name, secret) if mechanism == "PLAIN" else wire.scram(mechanism, name, secret)
            assert got == ("success" if (name, of) == (USER, domain) else "not-authorized")


def test_inv_07_a_mechanism_must_be_offered(wire, password):
    for mechanism in ("DIGEST-MD5", "CRAM-MD5", "EXTERNAL", "ANONYMOUS"):
        assert condition(wire.auth(mechanism, plain(USER, password))) == "invalid-mechanism"


@pytest.mark.parametrize("mechanism", ["", "plain", "PLAIN ", "PLAIN SCRAM-SHA-256", "SCRAM-SHA-1-PLUS-PLUS", "SCRAM", "x" * 1000])
def test_mechanisms_that_are_none(wire, password, mechanism):
    assert condition(wire.auth(mechanism, plain(USER, password))) in ("invalid-mechanism", "malformed-request")


def test_a_mechanism_that_is_switched_off():
    with Suite(settings={"c2sd": "mechanisms = {SCRAM-SHA-256}\n"}) as suite:
        suite.add_user(JID)
        with Wire.at(suite, SECURE) as wire:
            assert wire.mechanisms() == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
            for mechanism in ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-512"):
                assert condition(wire.auth(mechanism, b"n,,n=alice,r=abc")) == "invalid-mechanism"
            wire.log_in(JID)


# ---- failures that tell nothing ----

def transcript(suite, mechanism, user, secret):
    """What the server says to a login, with what is random taken out."""
    with Wire.at(suite, SECURE) as wire:
        start = len(wire.raw)
        if mechanism == "PLAIN":
            assert wire.plain(user, secret) != "success"
            return wire.raw[start:], None
        exchange = Scram(mechanism, user, secret)
        challenge = decode(wire.auth(mechanism, exchange.first()))
        nonce, salt, rounds = parse_challenge(challenge)
        middle = len(wire.raw)
        answer = wire.respond(exchange.final(challenge))
        assert condition(answer) == "not-authorized"
        return (len(challenge) - len(nonce), len(nonce) - len(exchange.nonce), len(salt), rounds, wire.raw[middle:]), salt


@pytest.mark.parametrize("mechanism", [*DIGESTS, "PLAIN"])
def test_inv_16_unknown_users_look_like_wrong_passwords(suite, mechanism):
    known, salt = transcript(suite, mechanism, USER, "wrong")
    unknown, fake = transcript(suite, mechanism, "nobody", "wrong")
    assert known == unknown
    if mechanism != "PLAIN":
        assert salt == transcript(suite, mechanism, USER, "wrong again")[1]
        assert fake == transcript(suite, mechanism, "nobody", "wrong again")[1], "an account has the same salt each time"
        assert fake != transcript(suite, mechanism, "nobody2", "wrong")[1]
        assert fake != salt


@pytest.mark.parametrize("header", ["n,,", f"n,a={JID},", "n,a=bob@localhost,", "y,,"])
def test_inv_16_an_authzid_tells_no_more(suite, header):
    """Whether the account exists makes no difference for what else is wrong."""
    def says(user):
        with Wire.at(suite, SECURE) as wire:
            return wire.scram("SCRAM-SHA-256", user, "wrong", header.replace("alice", user))
    assert says(USER) == says("nobody")


@pytest.mark.parametrize("user", ["", " ", "a b", "a@b", "a/b", "\u200b", "x" * 1024, "<>", "ß" * 600])
def test_names_that_nobody_can_have(wire, user):
    assert wire.scram("SCRAM-SHA-256", user, "x") in ("not-authorized", "malformed-request")
    assert wire.plain(user, "x") in ("not-authorized", "malformed-request")


def test_the_right_password_after_a_wrong_one(wire, password):
    assert wire.scram("SCRAM-SHA-256", USER, "wrong") == "not-authorized"
    assert wire.plain(USER, "wrong") == "not-authorized"
    assert wire.scram("SCRAM-SHA-1", USER, password) == "success"


def test_five_failures_end_the_stream(wire):
    for _ in range(5):
        assert wire.scram("SCRAM-SHA-256", USER, "wrong") == "not-authorized"
    assert wire.ending() == "policy-violation"


def test_five_failures_of_any_kind_end_the_stream(wire):
    """Also of those that never reach a password."""
    for _ in range(5):
        wire.auth("ANONYMOUS")
    assert wire.ending() == "policy-violation"


# ---- framing (RFC 6120 §6.4) ----

def test_without_initial_response(wire, password):
    exchange = Scram("SCRAM-SHA-256", USER, password)
    answer = wire.auth("SCRAM-SHA-256")
    assert answer.tag == f"{{{SASL}}}challenge" and decode(answer) == b""
    answer = wire.respond(exchange.final(decode(wire.respond(exchange.first()))))
    assert answer.tag == f"{{{SASL}}}success"
    exchange.verify(decode(answer))


def test_plain_without_initial_response(wire, password):
    assert decode(wire.auth("PLAIN")) == b""
    assert wire.respond(plain(USER, password)).tag == f"{{{SASL}}}success"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_an_empty_initial_response(wire, mechanism):
    """"=" is one of no bytes, which these mechanisms don't know."""
    wire.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>=</auth>")
    assert condition(wire.element()) in ("malformed-request", "not-authorized")


BAD_BASE64 = ["x", "A===", "====", "AB*D", "QUJD=", "QUI", "=QUJD", "QQ==QQ==", "QR==", "<b/>", "QUJD<b/>", "&#1234;", "Q\u00dcJD"]


@pytest.mark.parametrize("text", BAD_BASE64)
def test_base64_that_is_none(wire, text):
    wire.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256'>{text}</auth>")
    assert condition(wire.element()) in ("incorrect-encoding", "malformed-request")


@pytest.mark.parametrize("text", BAD_BASE64)
def test_base64_that_is_none_in_a_response(wire, password, text):
    wire.auth("SCRAM-SHA-256", b"n,,n=alice,r=abc")
    wire.send(f"<response xmlns='{SASL}'>{text}</response>")
    assert condition(wire.element()) in ("incorrect-encoding", "malformed-request")
    assert wire.scram("SCRAM-SHA-256", USER, password) == "success"


@pytest.mark.parametrize("attribute", ["", "xmlns:x='urn:x' x:mechanism='PLAIN'"])
def test_auth_without_mechanism(wire, attribute):
    wire.send(f"<auth xmlns='{SASL}' {attribute}>=</auth>")
    assert condition(wire.element()) in ("invalid-mechanism", "malformed-request")


def test_abort(wire, password):
    for begin in (None, b"n,,n=alice,r=abc"):
        assert wire.auth("SCRAM-SHA-256", begin).tag == f"{{{SASL}}}challenge"
        wire.send(f"<abort xmlns='{SASL}'/>")
        assert condition(wire.element()) == "aborted"
    assert wire.scram("SCRAM-SHA-256", USER, password) == "success"


def test_abort_right_behind_auth(wire, password):
    """The client does not wait for the challenge: it is aborted all the same, and at the end there is one answer."""
    wire.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256'>{encode(b'n,,n=alice,r=abc')}</auth><abort xmlns='{SASL}'/>")
    answer = wire.element()
    if answer.tag == f"{{{SASL}}}challenge":
        answer = wire.element()
    assert condition(answer) == "aborted"
    assert wire.scram("SCRAM-SHA-256", USER, password) == "success"


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_a_new_exchange_takes_the_place_of_the_old(wire, password, mechanism):
    """RFC 6120 §6.4.2: the one that was under way is given up without a word."""
    assert wire.auth("SCRAM-SHA-256", b"n,,n=alice,r=abc").tag == f"{{{SASL}}}challenge"
    if mechanism == "PLAIN":
        assert wire.plain(USER, password) == "success"
    else:
        assert wire.scram(mechanism, USER, password) == "success"
    wire.open()
    assert wire.bind().get("type") == "result"


def test_a_new_exchange_right_behind_another(wire, password):
    """The client has not waited for the challenge of the first."""
    exchange = Scram("SCRAM-SHA-256", USER, password)
    wire.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>{encode(b'n,,n=alice,r=abc')}</auth>"
              f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256'>{encode(exchange.first())}</auth>")
    challenge = wire.element()
    if b"r=abc" in decode(challenge):
        challenge = wire.element()
    answer = wire.respond(exchange.final(decode(challenge)))
    assert answer.tag == f"{{{SASL}}}success"
    exchange.verify(decode(answer))


def test_exchanges_that_are_given_up_are_counted(wire):
    """Five, as failures are: a client cannot try for ever."""
    wire.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256'>{encode(b'n,,n=alice,r=abc')}</auth>" * 6)
    assert wire.ending() == "policy-violation"


def test_who_one_says_one_is(suite, password):
    """RFC 6120 §6.4.6: under TLS `from` must be who authenticates; what was said in clear is nobody's word."""
    for claim, ending in ((JID, None), (f"{JID.upper()}/x", None), ("bob@localhost", "invalid-from"), ("localhost", "invalid-from")):
        with Wire.connect(suite) as wire:
            wire.open(**{"from": "bob@localhost"})
            wire.ask_starttls()
            wire.handshake().open(**{"from": claim})
            if ending is None:
                assert wire.scram("SCRAM-SHA-256", USER, password) == "success"
            else:
                wire.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{encode(plain(USER, password))}</auth>")
                assert wire.ending() == ending


def test_a_nonce_is_new_each_time(suite):
    nonces = set()
    for _ in range(3):
        with Wire.at(suite, SECURE) as wire:
            for _ in range(2):
                challenge = decode(wire.auth("SCRAM-SHA-256", b"n,,n=alice,r=abc"))
                nonces.add(parse_challenge(challenge)[0])
                wire.send(f"<abort xmlns='{SASL}'/>")
                wire.element()
    assert len(nonces) == 6 and all(n.startswith(b"abc") and len(n) >= 3 + 16 for n in nonces)


# ---- the messages of SCRAM ----

@pytest.mark.parametrize("first", [
    b"", b"n", b"n,", b"n,,", b"n,,n=alice", b"n,,r=abc", b"n,,r=abc,n=alice", b"n,,n=alice,r=", b"n,,n=,r=abc", b"x,,n=alice,r=abc",
    b"n,,m=ext,n=alice,r=abc", b"n,x=y,n=alice,r=abc", b"n,a=,n=alice,r=abc", b"n,,n=al=ice,r=abc", b"n,,n=al=2cice,r=abc",
    b"n,,n=alice,r=a b", b"n,,n=alice,r=a\x00b", b"n,,n=al\xffice,r=abc", b"p,,n=alice,r=abc", b"p=,,n=alice,r=abc",
    b"n,,n=alice,r=" + b"x" * 5000, b"n=alice,r=abc",
], ids=repr)
def test_first_messages_that_are_bad(wire, password, first):
    assert condition(wire.auth("SCRAM-SHA-256", first)) in ("malformed-request", "not-authorized")
    assert wire.scram("SCRAM-SHA-256", USER, password) == "success"


def change_final(name, final):
    """A client's final message with one thing wrong."""
    head, proof = final.rsplit(b",p=", 1)
    binding, nonce = head.split(b",", 1)
    return {
        "another nonce": b"%s,%sx,p=%s" % (binding, nonce, proof),
        "only our nonce": b"%s,r=abc,p=%s" % (binding, proof),
        "another binding": b"c=eSws,%s,p=%s" % (nonce, proof),
        "no binding": b"%s,p=%s" % (nonce, proof),
        "no proof": head,
        "empty proof": head + b",p=",
        "half a proof": final[:-20],
        "proof with a bit flipped": final[:-3] + (b"A" if final[-3:-2] != b"A" else b"B") + final[-2:],
        "proof twice": final + b",p=" + proof,
        "proof in front": b"p=%s,%s" % (proof, head),
        "something mandatory": b"m=x," + final,
        "nothing": b"",
        "the first again": b"n,,n=alice,r=abc",
    }[name]


@pytest.mark.parametrize("name", [
    "another nonce", "only our nonce", "another binding", "no binding", "no proof", "empty proof", "half a proof",
    "proof with a bit flipped", "proof twice", "proof in front", "something mandatory", "nothing", "the first again"])
def test_final_messages_that_are_bad(wire, password, name):
    exchange = Scram("SCRAM-SHA-256", USER, password)
    challenge = decode(wire.auth("SCRAM-SHA-256", exchange.first()))
    answer = wire.respond(change_final(name, exchange.final(challenge)))
    assert condition(answer) in ("not-authorized", "malformed-request")
    assert wire.scram("SCRAM-SHA-256", USER, password) == "success"


def test_a_proof_counts_once(suite, password):
    """A final message of one exchange is worth nothing in another."""
    with Wire.at(suite, SECURE) as one, Wire.at(suite, SECURE) as two:
        exchange = Scram("SCRAM-SHA-256", USER, password)
        final = exchange.final(decode(one.auth("SCRAM-SHA-256", exchange.first())))
        two.auth("SCRAM-SHA-256", exchange.first())
        assert condition(two.respond(final)) == "not-authorized"
        assert one.respond(final).tag == f"{{{SASL}}}success"


@pytest.mark.parametrize("data", [
    b"alice", b"\0alice", b"\0\0", b"\0alice\0", b"\0\0secret", b"alice\0secret", b"\0alice\0secret\0", b"\0al\xffice\0secret", b"\0" * 10,
    b"\0alice\0" + b"x" * 5000,
], ids=repr)
def test_plain_messages_that_are_bad(wire, password, data):
    assert condition(wire.auth("PLAIN", data)) in ("malformed-request", "not-authorized")
    assert wire.plain(USER, password) == "success"


# ---- channel binding flags (RFC 5802 §6) ----

@pytest.mark.parametrize("mechanism, header", [
    ("SCRAM-SHA-256", "y,,"),  # "you cannot", to a server that offers it
    ("SCRAM-SHA-256", "p=tls-exporter,,"),  # binding with a mechanism that has none
    ("SCRAM-SHA-256-PLUS", "n,,"),  # none with one that has
    ("SCRAM-SHA-256-PLUS", "y,,"),
    ("SCRAM-SHA-256-PLUS", "p=tls-unique,,"),
    ("SCRAM-SHA-256-PLUS", "p=tls-nonsense,,"),
    ("SCRAM-SHA-256-PLUS", "p=TLS-EXPORTER,,"),
])
def test_flags_that_are_wrong(wire, password, mechanism, header):
    assert wire.scram(mechanism, USER, password, header) != "success"
    assert wire.scram("SCRAM-SHA-256", USER, password) == "success"


def test_a_client_that_knows_only_tls_unique_is_let_in(wire, password):
    """slixmpp 1.8 tries -PLUS with it, and then says "y": it has seen our list, so nobody has changed that."""
    assert wire.scram("SCRAM-SHA-256-PLUS", USER, password, "p=tls-unique,,", b"whatever") != "success"
    assert wire.scram("SCRAM-SHA-256", USER, password, "y,,") == "success"


@pytest.mark.parametrize("binding", ["tls-exporter", "tls-server-end-point"])
def test_a_client_that_could_bind_is_not_let_in_with_y(wire, password, binding):
    assert wire.scram("SCRAM-SHA-256-PLUS", USER, password, f"p={binding},,", b"wrong") == "not-authorized"
    assert wire.scram("SCRAM-SHA-256", USER, password, "y,,") == "not-authorized"


def test_tls_unique_counts_on_its_stream_only(suite, wire, password):
    assert wire.scram("SCRAM-SHA-256-PLUS", USER, password, "p=tls-unique,,", b"whatever") != "success"
    with Wire.at(suite, SECURE) as other:
        assert other.scram("SCRAM-SHA-256", USER, password, "y,,") == "not-authorized"


# ---- afterwards ----

@pytest.mark.parametrize("stage", [AUTHENTICATED, SESSION])
def test_sasl_is_done_once(suite, password, stage):
    with Wire.at(suite, stage) as wire:
        wire.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{encode(plain('bob', suite.passwords['bob@localhost']))}</auth>")
        assert wire.ending() in ("policy-violation", "not-authorized", "unsupported-stanza-type")


def test_a_new_password_counts_at_once(suite):
    suite.add_user("dave@localhost", "old")
    with Wire.at(suite, SECURE) as wire:
        assert wire.scram("SCRAM-SHA-256", "dave", "old") == "success"
    suite.ctl("user", "passwd", "dave@localhost", input="new\n")
    with Wire.at(suite, SECURE) as wire:
        assert wire.scram("SCRAM-SHA-256", "dave", "old") == "not-authorized"
        assert wire.scram("SCRAM-SHA-256", "dave", "new") == "success"
    suite.ctl("user", "del", "dave@localhost")
    with Wire.at(suite, SECURE) as wire:
        assert wire.scram("SCRAM-SHA-256", "dave", "new") == "not-authorized"

"""A client that is only bytes: it sends whatever a test wants, and understands what comes back. The stages of a stream
(RFC 6120 §4.3) are one method each: `open`, `starttls`, `auth`, `bind`; `Wire.at(suite, stage)` has gone as far as a stage."""

import base64
import contextlib
import socket
import ssl
import time
import xml.etree.ElementTree as ET

from scram import Scram, plain
from suite import PATIENCE

CLIENT = "jabber:client"
STREAMS = "http://etherx.jabber.org/streams"
ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
BINDINGS = "urn:xmpp:sasl-cb:0"
LIMITS = "urn:xmpp:stream-limits:0"

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
HOST = "127.0.0.1"
WAIT = 10 * PATIENCE

# How far a stream has come: where a client can be when it says something.
CLEAR, SECURE, ASKED, AUTHENTICATED, SESSION = "clear", "secure", "asked", "authenticated", "session"
OPTIONAL_PORT = 5224
OPTIONAL_LISTENERS = "".join(
    f'listener "{name}" {{\n\tport = {port}\n\ttls = {tls}\n}}\n'
    for name, port, tls in (("c2s", 5222, "required"), ("c2s-direct", 5223, "direct"), ("lan", OPTIONAL_PORT, "optional")))


def header(to="localhost", declaration="<?xml version='1.0'?>", **attributes):
    """A stream header; an attribute that is None is left out."""
    given = {"to": to, "version": "1.0", "xmlns": CLIENT, "xmlns:stream": STREAMS, **attributes}
    text = "".join(f" {name}='{value}'" for name, value in given.items() if value is not None)
    return f"{declaration}<stream:stream{text}>"


def tls_context(version=None, alpn=None, own=None):
    """A client's TLS that trusts everybody: certificates have tests of their own. own: its certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = version or ssl.TLSVersion.TLSv1_2
    context.maximum_version = version or ssl.TLSVersion.MAXIMUM_SUPPORTED
    if alpn:
        context.set_alpn_protocols([alpn])
    if own:
        context.load_cert_chain(*own)
    return context


def encode(data):
    """Base64 as SASL has it in XML: nothing at all is "="."""
    return base64.b64encode(data).decode() or "="


def decode(element):
    return b"" if element.text in (None, "=") else base64.b64decode(element.text, validate=True)


def condition(element):
    """What an <error/> or <failure/> says."""
    return next(child.tag.split("}")[1] for child in element if not child.tag.endswith("}text"))


class Ended(Exception):
    """The server has ended the stream or the connection."""


class Wire:
    def __init__(self, sock, suite=None):
        self.sock = sock
        self.suite = suite
        self.jid = None
        self.offer_is_signed = None  # whether the last challenge's h= fitted what came in the features
        self.raw = b""
        self.restart()

    @classmethod
    def connect(cls, suite, port=5222, host=HOST, source=None):
        """port: before the suite's offset"""
        sock = socket.create_connection((host, port + suite.offset), WAIT, source and (source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock, suite)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.close()

    # ---- bytes ----

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def drip(self, data):
        """One byte in a packet; True if the server did not want them all."""
        data = data.encode() if isinstance(data, str) else data
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for n in range(len(data)):
                self.send(data[n:n + 1])
            return False
        return True

    def send_all_it_takes(self, data):
        """As send, where the server may be gone before the end."""
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            self.send(data)

    def receive(self, seconds):
        """Feeds the parser; False at the end of the connection."""
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError) as e:
            if isinstance(e, ssl.SSLWantReadError):
                raise
            data = b""
        self.raw += data
        if data:
            self.parser.feed(data)
            self.take_events()
        else:
            self.is_over = True
        return bool(data)

    # ---- XML ----

    def restart(self):
        """What comes next is a stream from its beginning."""
        self.parser = ET.XMLPullParser(("start", "end"))
        self.header = None
        self.features = None
        self.elements = []
        self.depth = 0
        self.is_closed = False  # </stream:stream> came
        self.is_over = False  # nothing more comes

    def take_events(self):
        for event, element in self.parser.read_events():
            if event == "start":
                if self.depth == 0:
                    self.header = element
                self.depth += 1
                continue
            self.depth -= 1
            if self.depth == 1:
                self.elements.append(element)
                self.header.remove(element)
            elif self.depth == 0:
                self.is_closed = True

    def until(self, condition_met, seconds=WAIT):
        end = time.monotonic() + seconds
        while not condition_met():
            if self.is_over:
                raise Ended(self.raw[-500:])
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"nothing more within {seconds} s")
            with contextlib.suppress(ssl.SSLWantReadError):
                self.receive(left)

    def element(self, seconds=WAIT):
        """The next child of the stream. One that ends it is no answer to anything."""
        self.until(lambda: self.elements, seconds)
        element = self.elements.pop(0)
        if element.tag == f"{{{STREAMS}}}error":
            raise Ended(condition(element))
        return element

    def wait_for(self, accepts, seconds=WAIT):
        """The next child that is wanted; others are left out."""
        while True:
            element = self.element(seconds)
            if accepts(element):
                return element

    def ending(self, seconds=WAIT, version="1.0"):
        """How the server ended the stream: the condition of its error, or "closed". Asserts the order that RFC 6120 §4.4 and
        §4.9.1 demand: its header, at most one error and nothing behind it, the closing tag, the end of the connection."""
        self.until(lambda: self.is_over, seconds)
        assert self.header is not None, f"no header: {self.raw[-500:]}"
        check_header(self.header, version)
        errors = [e for e in self.elements if e.tag == f"{{{STREAMS}}}error"]
        assert self.is_closed, f"no closing tag: {self.raw[-500:]}"
        if not errors:
            return "closed"
        assert errors == self.elements[-1:], f"not the last one: {self.raw[-500:]}"
        defined = [e for e in errors[0] if e.tag.startswith(f"{{{ERRORS}}}")]
        assert defined and defined[0] is errors[0][0] and not defined[0].text
        return condition(errors[0])

    def silence(self, seconds=0.3):
        """Asserts that the stream goes on and nothing comes."""
        with contextlib.suppress(TimeoutError):
            self.until(lambda: self.elements, seconds)
            raise AssertionError(ET.tostring(self.elements[0]))

    # ---- the stages ----

    def open(self, to="localhost", **attributes):
        """Header to features; returns the features."""
        self.restart()
        self.send(header(to, **attributes))
        self.features = self.element()
        check_header(self.header)
        assert self.features.tag == f"{{{STREAMS}}}features"
        return self.features

    def ask_starttls(self):
        self.send(f"<starttls xmlns='{TLS}'/>")
        assert self.element().tag == f"{{{TLS}}}proceed"

    def handshake(self, sni="localhost", context=None, session=None, **options):
        """options: of a context of its own (tls_context); session: one of the context that it may take up."""
        self.sock.settimeout(WAIT)
        self.sock = (context or tls_context(**options)).wrap_socket(self.sock, server_hostname=sni, session=session)
        return self

    def starttls(self, sni="localhost", to="localhost", **options):
        self.open(to)
        self.ask_starttls()
        return self.handshake(sni, **options)

    def mechanisms(self):
        return [e.text for e in self.features.iterfind(f"{{{SASL}}}mechanisms/{{{SASL}}}mechanism")]

    def bindings_told(self):
        return [e.get("type") for e in self.features.iterfind(f"{{{BINDINGS}}}sasl-channel-binding/{{{BINDINGS}}}channel-binding")]

    def auth(self, mechanism, initial=None):
        """Sends <auth/>; initial: bytes, or None for none. Returns the answer."""
        content = "" if initial is None else encode(initial)
        self.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{content}</auth>")
        return self.element()

    def respond(self, data):
        self.send(f"<response xmlns='{SASL}'>{encode(data)}</response>")
        return self.element()

    def scram(self, mechanism, user, password, header="n,,", binding=b""):
        """A whole exchange: "success", or the condition of the failure."""
        exchange = Scram(mechanism, user, password, header, binding)
        answer = self.auth(mechanism, exchange.first())
        if answer.tag == f"{{{SASL}}}challenge":
            self.offer_is_signed = exchange.signs_offer(decode(answer), self.mechanisms(), self.bindings_told())
            answer = self.respond(exchange.final(decode(answer)))
        if answer.tag != f"{{{SASL}}}success":
            return condition(answer)
        exchange.verify(decode(answer))
        return "success"

    def plain(self, user, password, authzid=""):
        answer = self.auth("PLAIN", plain(user, password, authzid))
        return "success" if answer.tag == f"{{{SASL}}}success" else condition(answer)

    def log_in(self, jid, mechanism="SCRAM-SHA-256"):
        """From a secure stream with its features to one that is authenticated, with its features."""
        user, domain = jid.split("@")
        assert self.scram(mechanism, user, self.suite.passwords[jid]) == "success"
        self.open(domain)
        return self

    def bind(self, resource=None):
        """Returns the answer."""
        wish = "" if resource is None else f"<resource>{resource}</resource>"
        self.send(f"<iq type='set' id='bind'><bind xmlns='{BIND}'>{wish}</bind></iq>")
        answer = self.element()
        assert (answer.tag, answer.get("id")) == (f"{{{CLIENT}}}iq", "bind")
        if answer.get("type") == "result":
            self.jid = answer.findtext(f"{{{BIND}}}bind/{{{BIND}}}jid")
        return answer

    @classmethod
    def at(cls, suite, stage, jid="alice@localhost", resource=None):
        """A client at a stage, its header and features exchanged."""
        wire = cls.connect(suite)
        domain = jid.split("@")[1]
        if stage == CLEAR:
            wire.open(domain)
            return wire
        wire.starttls(to=domain)
        wire.open(domain)
        if stage == ASKED:
            wire.exchange = Scram("SCRAM-SHA-256", jid.split("@")[0], suite.passwords[jid])
            wire.challenge = wire.auth("SCRAM-SHA-256", wire.exchange.first())
            assert wire.challenge.tag == f"{{{SASL}}}challenge"
        elif stage != SECURE:
            wire.log_in(jid)
        if stage == SESSION:
            assert wire.bind(resource).get("type") == "result"
        return wire

    @classmethod
    def before_header(cls, suite, stage, jid="alice@localhost"):
        """A client from which the header of a stage is expected: of the first stream, behind TLS, behind SASL."""
        if stage == CLEAR:
            return cls.connect(suite)
        wire = cls.connect(suite).starttls()
        if stage == AUTHENTICATED:
            wire.open()
            assert wire.scram("SCRAM-SHA-256", jid.split("@")[0], suite.passwords[jid]) == "success"
        wire.restart()
        return wire

    # ---- stanzas ----

    def appear(self):
        """It is available, and has heard so."""
        self.send("<presence/>")
        self.wait_for(lambda e: e.tag == f"{{{CLIENT}}}presence")

    def say(self, to, text, **attributes):
        more = "".join(f" {name}='{value}'" for name, value in attributes.items())
        self.send(f"<message to='{to}'{more}><body>{text}</body></message>")

    def hear(self, seconds=WAIT):
        """The body of the next message that has one."""
        message = self.wait_for(lambda e: e.find(f"{{{CLIENT}}}body") is not None, seconds)
        return message.findtext(f"{{{CLIENT}}}body")

    def ask(self, payload, type="get", id="q", to=None):
        """The answer to an iq."""
        address = f" to='{to}'" if to else ""
        self.send(f"<iq type='{type}' id='{id}'{address}>{payload}</iq>")
        return self.wait_for(lambda e: e.tag == f"{{{CLIENT}}}iq" and e.get("id") == id)


def check_header(element, version="1.0"):
    """What RFC 6120 §4.7 demands of ours."""
    assert element.tag == f"{{{STREAMS}}}stream"
    assert len(element.get("id") or "") >= 16
    assert element.get("version") == version
    assert element.get("from") and element.get(LANG)


def stanza_error(element):
    """(type, condition) of a stanza of type error."""
    error = element.find(f"{{{CLIENT}}}error")
    assert element.get("type") == "error" and error is not None, ET.tostring(element)
    return error.get("type"), condition(error)


def refused(element):
    return stanza_error(element)[1]


class Pair:
    """Two that chat beside a test: whatever happens to others, they notice nothing."""

    def __init__(self, suite, one="bob@localhost", two="carol@localhost"):
        self.one = Wire.at(suite, SESSION, one, "witness")
        self.two = Wire.at(suite, SESSION, two, "witness")
        self.count = 0

    def chat(self, seconds=WAIT):
        self.count += 1
        for a, b in ((self.one, self.two), (self.two, self.one)):
            a.say(b.jid, f"{self.count}", type="chat")
            assert b.hear(seconds) == f"{self.count}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.one.close()
        self.two.close()

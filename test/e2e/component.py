"""A component that is only bytes (XEP-0114), as the libraries of old components have it: no declaration, no version, no `from`
(F-20). What it hears is checked byte for byte: behind the handshake there are stanzas and white space, and nothing else (F-23)."""

import asyncio
import contextlib
import hashlib
import secrets

from slixmpp.componentxmpp import ComponentXMPP

from wire import CLIENT, STREAMS, WAIT, Ended, Wire, condition

COMPONENT = "jabber:component:accept"
PORT = 5347
STANZAS = {f"{{{COMPONENT}}}{name}" for name in ("message", "presence", "iq")}


def settings(secrets_of, more=""):
    """What jackdaw.conf and componentd.conf say of these components: name → secret."""
    names = ", ".join(f'"{name}"' for name in secrets_of)
    return {"jackdaw": f"components = {{{names}}}\n",
            "componentd": more + "".join(f'component "{name}" {{\n\tsecret = "{secret}"\n}}\n'
                                         for name, secret in secrets_of.items())}


def header(name, ns=COMPONENT, more=""):
    to = f" to='{name}'" if name else ""
    return f"<stream:stream xmlns='{ns}' xmlns:stream='{STREAMS}'{to}{more}>"


class Component(Wire):
    name = None

    @classmethod
    def at(cls, suite, name, secret="secret", port=PORT, **options):
        """One that has proved itself."""
        component = cls.connect(suite, port, **options)
        component.begin(name)
        assert component.prove(secret) == "handshake"
        return component

    def begin(self, name, **options):
        """Header for header; returns the id of the stream."""
        self.restart()
        self.name = name
        self.send(header(name, **options))
        self.until(lambda: self.header is not None)
        assert self.header.tag == f"{{{STREAMS}}}stream" and self.header.get("from") == name
        assert self.header.get("id") and self.header.get("version") is None
        self.silence(0.05)
        return self.header.get("id")

    def digest(self, secret):
        return hashlib.sha1((self.header.get("id") + secret).encode()).hexdigest()

    def prove(self, secret, change=lambda text: text):
        """The verdict: "handshake", or the condition of a stream error."""
        self.send(f"<handshake>{change(self.digest(secret))}</handshake>")
        try:
            answer = self.element()
        except Ended as ended:
            return str(ended)
        assert answer.tag == f"{{{COMPONENT}}}handshake" and not len(answer) and not answer.text
        return "handshake"

    def stanza(self, seconds=WAIT):
        element = self.element(seconds)
        assert element.tag in STANZAS, element.tag
        return element

    def listen(self, seconds=0.1):
        """Takes what comes for a while."""
        with contextlib.suppress(TimeoutError):
            self.until(lambda: False, seconds)

    def ask(self, to, payload, type="get", id=None, sender=None):
        """The answer to an iq."""
        id = id or secrets.token_hex(4)
        self.send(f"<iq type='{type}' id='{id}' to='{to}' from='{sender or self.name}'>{payload}</iq>")
        return self.wait_for(lambda e: e.tag == f"{{{COMPONENT}}}iq" and e.get("id") == id)

    def answer(self, request, payload="", type="result"):
        self.send(f"<iq type='{type}' id='{request.get('id')}' to='{request.get('from')}' "
                  f"from='{request.get('to')}'>{payload}</iq>")

    def ending(self, seconds=WAIT):
        """How the server ended the stream, and that it closed the connection altogether (F-26)."""
        self.until(lambda: self.is_over, seconds)
        assert self.header is not None and self.is_closed, self.raw[-500:]
        errors = [e for e in self.elements if e.tag == f"{{{STREAMS}}}error"]
        assert errors == self.elements[-1:], self.raw[-500:]
        return condition(errors[0]) if errors else "closed"


class Echo(ComponentXMPP):
    """One made with slixmpp, which says what it hears. It comes back when its connection ends, until `stop`."""

    def __init__(self, suite, name, secret):
        super().__init__(name, secret, "127.0.0.1", PORT + suite.offset)
        self.ready, self.starts, self.stopping = asyncio.Event(), 0, False
        for plugin in ("xep_0030", "xep_0199", "xep_0012"):
            self.register_plugin(plugin)
        self["xep_0030"].add_identity(category="client", itype="bot", name="Echo", jid=name)
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("disconnected", self.on_disconnected)
        self.add_event_handler("message", self.on_message)

    def on_start(self, _):
        self.starts += 1
        self.ready.set()

    def on_disconnected(self, _):
        if not self.stopping:
            self.connect()

    def on_message(self, message):
        if message["type"] in ("chat", "normal") and message["body"]:
            message.reply(message["body"]).send()

    async def stop(self):
        self.stopping = True
        await self.disconnect(wait=1)


def error_of(element, ns=COMPONENT):
    """(type, condition) of a stanza of type error."""
    assert element.get("type") == "error"
    error = element.find(f"{{{ns}}}error")
    return error.get("type"), condition(error)


def client_error(element):
    return error_of(element, CLIENT)

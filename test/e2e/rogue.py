"""A server that is only bytes, from both sides: what it says as one that connects, and one that is authoritative for some names and
is connected to."""

import contextlib
import socket
import threading

from peers import HOST
from suite import PATIENCE
from wire import Wire, header

US, ROGUE, OTHER = "north.test", "rogue.test", "other.test"
SERVER, DB, SM = "jabber:server", "jabber:server:dialback", "urn:xmpp:sm:3"
KEY = "0123456789abcdef"
DIALBACK_FEATURE = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"


def opening(to=US, whence=ROGUE, **more):
    return header(to, xmlns=SERVER, **{"xmlns:db": DB, "from": whence, **more})


def result(kind=None, whence=ROGUE, to=US, key=KEY):
    typed = f" type='{kind}'" if kind else ""
    return f"<db:result from='{whence}' to='{to}'{typed}>{'' if kind else key}</db:result>"


def verify(kind=None, whence=ROGUE, to=US, id="1", key=KEY):
    typed = f" type='{kind}'" if kind else ""
    return f"<db:verify from='{whence}' to='{to}' id='{id}'{typed}>{'' if kind else key}</db:verify>"


def message(whence=f"mallory@{ROGUE}", to=f"alice@{US}", text="believe me"):
    return f"<message from='{whence}' to='{to}'><body>{text}</body></message>"


class Authority:
    """The server that is authoritative for the rogue's names. `answer(asked, send)`: what it does when it is asked; `on_open(send)`:
    what it says behind our header, instead of its features; `on_element(wire, element)`: what it does with all else. `results` has
    all else, with the connection that it came on, `wires` all connections; those in `is_deaf` are not read any more."""

    def __init__(self):
        self.socket = socket.create_server((HOST, 0))
        self.server_port = self.socket.getsockname()[1]
        self.asked, self.results, self.wires, self.is_deaf = [], [], [], set()
        self.reset()
        threading.Thread(target=self.serve, daemon=True).start()

    @staticmethod
    def valid(asked, send):
        send(verify("valid", asked.get("to"), asked.get("from"), asked.get("id")))

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.socket.accept()
                threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock):
        wire = Wire(sock)
        self.wires.append(wire)
        with contextlib.suppress(Exception):
            wire.until(lambda: wire.header is not None)
            wire.send(header(wire.header.get("from"), xmlns=SERVER,
                             **{"xmlns:db": DB, "from": wire.header.get("to"), "id": "theirs"}))
            if self.on_open:
                self.on_open(wire.send)
            else:
                wire.send(f"<stream:features>{DIALBACK_FEATURE}{self.features}</stream:features>")
            while wire not in self.is_deaf:
                element = wire.element(30 * PATIENCE)
                if element.tag == f"{{{DB}}}verify":
                    self.asked.append(element)
                    self.answer(element, wire.send)
                else:
                    self.results.append((wire, element))
                    self.on_element(wire, element)

    def reset(self):
        self.answer, self.on_open, self.features = self.valid, None, ""
        self.on_element = lambda _wire, _element: None
        for everything in (self.asked, self.results, self.wires):
            everything.clear()

    def takes_all(self, wire, element):
        """For on_element: every key is right, and stream management is switched on."""
        if element.tag == f"{{{DB}}}result":
            wire.send(result("valid", element.get("to"), element.get("from")))
        elif element.tag == f"{{{SM}}}enable":
            wire.send(f"<enabled xmlns='{SM}'/>")

    def acknowledges(self, wire, element):
        """The same for one that says what it has when it is asked."""
        self.takes_all(wire, element)
        if element.tag == f"{{{SM}}}r":
            stanzas = sum(1 for on, e in self.results if on is wire and e.tag.startswith(f"{{{SERVER}}}"))
            wire.send(f"<a xmlns='{SM}' h='{stanzas}'/>")

    def heard(self, name):
        """The elements of this name that have come, whichever stream they came on."""
        return [element for _, element in self.results if element.tag.endswith("}" + name)]

    def close(self):
        self.socket.close()


def connect(suite, whence=ROGUE, to=US):
    wire = Wire.connect(suite, 5269)
    wire.send(opening(to, whence))
    wire.features = wire.element()
    return wire


def proved(suite, whence=ROGUE):
    wire = connect(suite, whence)
    wire.send(result(whence=whence))
    answer = wire.element()
    assert (answer.tag, answer.get("type")) == (f"{{{DB}}}result", "valid")
    return wire

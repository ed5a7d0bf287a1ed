"""Scenarios: who sends what, who receives what, as text (docs/scenarios.md). A file of test/scenarios has several, each under a
line "== title"; each has accounts of its own, made for it, so they do not disturb each other on their one suite."""

import contextlib
import pathlib
import re
import time
import xml.etree.ElementTree as ET

from suite import PATIENCE
from wire import CLIENT, SESSION, Wire

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "scenarios"
NS = f"{{{CLIENT}}}"
QUIET = 0.15 * PATIENCE  # how long "nothing" is waited for, behind a question to the server


class Wrong(AssertionError):
    """A step that did not go as it says; names file and line."""


class Scenario:
    def __init__(self, path, line, title):
        self.path, self.line, self.title = path, line, title
        self.steps = []  # (line, words, stanza)

    @property
    def name(self):
        return f"{self.path.stem}: {self.title}"

    def people(self):
        """The local parts in it, in the order in which they come."""
        found = {}
        for _, words, stanza in self.steps:
            names = re.findall(r"\{([a-z]+)(?:/[a-z]+)?\}", stanza)
            names += [words[0].split("/")[0]] if "/" in words[0] else []
            found.update(dict.fromkeys(n for n in names if n not in ("any", "domain", "nobody")))
        return list(found)


def read(path):
    scenarios, stanza = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("== "):
            scenarios.append(Scenario(path, number, text[3:]))
        elif line[0] in " \t":
            stanza[2] += text
        else:
            stanza = [number, text.rstrip(":").split(), ""]
            scenarios[-1].steps.append(stanza)
    return scenarios


def all_scenarios():
    return [s for path in sorted(FOLDER.glob("*.scn")) for s in read(path)]


# ---- comparing ----

def parse(text):
    return ET.fromstring(f"<x xmlns='{CLIENT}'>{text}</x>")[0]


def text_of(element):
    return (element.text or "").strip()


def difference(want, got):
    """Where they differ, or None. Attributes that are not named count only if they are `type`; "{any}" is any value; an element
    <any/> among the children stands for any others."""
    if want.tag != got.tag:
        return f"<{got.tag}> instead of <{want.tag}>"
    for name, value in want.attrib.items():
        if got.get(name) is None or value not in ("{any}", got.get(name)):
            return f"{name} is {got.get(name)!r}, not {value!r}"
    if "type" not in want.attrib and got.get("type") and len(want.tag.split(CLIENT)) == 2 and want.tag != NS + "error":
        return f"type is {got.get('type')!r}, not absent"
    if text_of(want) not in ("{any}", text_of(got)):
        return f"the text of <{want.tag}> is {text_of(got)!r}, not {text_of(want)!r}"
    wanted = [c for c in want if not c.tag.endswith("}any")]
    open_ended = len(wanted) < len(want)
    rest = list(got)
    for child in wanted:
        reasons = []
        while rest:
            candidate = rest.pop(0)
            reason = difference(child, candidate)
            if reason is None:
                break
            reasons.append(reason)
            if not open_ended:
                return reason
        else:
            return reasons[0] if reasons else f"<{child.tag}> is missing"
    return None if open_ended or not rest else f"<{rest[0].tag}> is more than was expected"


# ---- playing ----

class Stage:
    """One scenario being played; accounts: local part → JID."""

    def __init__(self, suite, accounts):
        self.suite, self.accounts = suite, accounts
        self.wires, self.pings = {}, 0

    def fill(self, text):
        def known(match):
            name = match.group(1)
            if name == "any":
                return match.group(0)
            if name == "domain":
                return "localhost"
            local, _, resource = name.partition("/")
            bare = "nobody-at-all@localhost" if local == "nobody" else self.accounts[local]
            return f"{bare}/{resource}" if resource else bare
        return re.sub(r"\{([a-z]+(?:/[a-z]+)?)\}", known, text)

    def wire(self, name):
        return self.wires[name]

    def settle(self, *names):
        """All that is under way has arrived: every client asks the server something; what comes meanwhile stays to be received."""
        for name in names or self.wires:
            wire, self.pings = self.wires[name], self.pings + 1
            wire.send(f"<iq type='get' to='localhost' id='settle{self.pings}'><ping xmlns='urn:xmpp:ping'/></iq>")
            kept = []
            while True:
                element = wire.element()
                if element.get("id") == f"settle{self.pings}":
                    break
                kept.append(element)
            wire.elements[:0] = kept

    def forget(self):
        self.settle()
        for wire in self.wires.values():
            wire.elements.clear()

    # each: name, further words, stanza

    def connects(self, name, _words, _stanza):
        local, resource = name.split("/")
        self.wires[name] = Wire.at(self.suite, SESSION, self.accounts[local], resource)

    def comes(self, name, words, stanza):
        """Logs in, asks for the roster, is available; "with priority N". What it is sent at first is forgotten."""
        self.connects(name, words, stanza)
        wire = self.wire(name)
        wire.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
        priority = f"<priority>{words[2]}</priority>" if words[:2] == ["with", "priority"] else ""
        wire.send(f"<presence>{priority}</presence>")
        self.forget()

    def leaves(self, name, _words, _stanza):
        wire = self.wires.pop(name)
        wire.send("</stream:stream>")
        wire.until(lambda: wire.is_over)
        wire.close()

    def sends(self, name, _words, stanza):
        self.wire(name).send(self.fill(stanza))
        self.settle(name)

    def receives(self, name, words, stanza):
        if words == ["nothing"]:
            self.nothing(name)
            return
        want = parse(self.fill(stanza))
        try:
            got = self.wire(name).element(5 * PATIENCE)
        except TimeoutError:
            raise Wrong(f"expected {ET.tostring(want, encoding='unicode')}\nbut nothing came") from None
        why = difference(want, got)
        if why:
            raise Wrong(f"{why}\nexpected {ET.tostring(want, encoding='unicode')}\n     got {ET.tostring(got, encoding='unicode')}")

    def nothing(self, name):
        self.settle()
        wire = self.wire(name)
        with contextlib.suppress(TimeoutError):
            wire.until(lambda: wire.elements, QUIET)
        if wire.elements:
            raise Wrong("expected nothing\n     got " + ET.tostring(wire.elements[0], encoding="unicode"))

    def friends(self, one, two):
        """Both subscribe to each other, by short-lived sessions."""
        wires = [Wire.at(self.suite, SESSION, self.accounts[n], "befriending") for n in (one, two)]
        for wire in wires:
            wire.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        for a, b, to_b, to_a in ((*wires, two, one), (*reversed(wires), one, two)):
            a.send(f"<presence to='{self.accounts[to_b]}' type='subscribe'/>")
            b.wait_for(lambda e: e.tag == NS + "presence" and e.get("type") == "subscribe")
            b.send(f"<presence to='{self.accounts[to_a]}' type='subscribed'/>")
            a.wait_for(lambda e: e.tag == NS + "presence" and e.get("type") == "subscribed")
        for wire in wires:
            wire.ask("<ping xmlns='urn:xmpp:ping'/>", id="done", to="localhost")
            wire.send("</stream:stream>")
            wire.until(lambda w=wire: w.is_over)
            wire.close()

    # ---- the whole ----

    def step(self, words, stanza):
        if words[1:2] == ["and"]:
            self.friends(words[0], words[2])
        elif words == ["all", "forget"]:
            self.forget()
        elif words == ["pause"]:
            time.sleep(QUIET)
        else:
            getattr(self, words[1])(words[0], words[2:], stanza)

    def play(self, scenario):
        for line, words, stanza in scenario.steps:
            try:
                self.step(words, stanza)
            except Exception as e:
                where = f"{scenario.path.name}:{line}: {' '.join(words)}"
                raise Wrong(f"{scenario.name}\n{where}: {e}") from (None if isinstance(e, Wrong) else e)

    def close(self):
        for wire in self.wires.values():
            wire.close()

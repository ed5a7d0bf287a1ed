"""Four clients under one roof. Each can do what a step of test_life.py asks for, by its own means where it has them and by raw
stanzas through its API where it has none.

A new client is a class here, and a line in CLIENTS. What `Client` leaves open is how it connects (`login`), how a stanza is sent
(`send`) and where those that come are found (`self.inbox`)."""

import asyncio
import contextlib
import os
import pathlib
import queue
import re
import shutil
import subprocess
import threading
import time
import xml.etree.ElementTree as ET

import chat
from profanity import Profanity
from relay import HOST, Relay
from suite import PATIENCE, wait_for

HERE = pathlib.Path(__file__).parent
XMPPJS = HERE / "xmppjs"
WAIT = 20 * PATIENCE
NS = {
    "c": "jabber:client", "roster": "jabber:iq:roster", "carbons": "urn:xmpp:carbons:2", "mam": "urn:xmpp:mam:2",
    "rsm": "http://jabber.org/protocol/rsm", "blocking": "urn:xmpp:blocking", "vcard": "vcard-temp",
}


class Missing(Exception):
    """A client that is not installed here; the text says what to do."""


def parse(text):
    """A stanza as a client prints it, with or without its namespace."""
    return ET.fromstring(f"<s xmlns='jabber:client'>{text}</s>")[0]


class Client:
    """What every step needs, by raw stanzas."""

    name = "?"
    resource = "life"

    def __init__(self, suite, home):
        self.suite, self.home = suite, home
        self.bare = f"{self.name}@localhost"
        self.relay = Relay(suite.port)
        self.inbox = queue.Queue()
        self.heard = []  # all stanzas that a wait has passed over
        self.count = 0

    # ---- stanzas ----

    def send(self, xml):
        raise NotImplementedError

    def wait_for(self, accepts, what):
        """The first stanza that is wanted, also among those that came while others were awaited."""
        for old in self.heard:
            if accepts(old):
                self.heard.remove(old)
                return old
        end = time.monotonic() + WAIT
        while True:
            try:
                stanza = self.inbox.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                seen = [ET.tostring(s).decode() for s in self.heard[-5:]]
                raise AssertionError(f"{self.name}: no {what}; there were {seen}") from None
            if accepts(stanza):
                return stanza
            self.heard.append(stanza)

    def ask(self, payload, kind="get", to=None):
        """The answer to an iq."""
        self.count += 1
        id = f"{self.name}-{self.count}"
        self.send(f"<iq id='{id}' type='{kind}'" + (f" to='{to}'" if to else "") + f">{payload}</iq>")
        answer = self.wait_for(lambda s: s.tag.endswith("}iq") and s.get("id") == id and s.get("type") in ("result", "error"),
                               f"answer to {payload}")
        assert answer.get("type") == "result", ET.tostring(answer)
        return answer

    # ---- the steps ----

    def login(self):
        """The full JID."""
        raise NotImplementedError

    def available(self):
        self.send("<presence/>")

    def add(self, jid, name):
        self.ask(f"<query xmlns='{NS['roster']}'><item jid='{jid}' name='{name}'/></query>", "set")

    def roster(self):
        """Bare JID → subscription."""
        answer = self.ask(f"<query xmlns='{NS['roster']}'/>")
        return {item.get("jid"): item.get("subscription") for item in answer.iterfind("roster:query/roster:item", NS)}

    def subscribe(self, jid):
        self.send(f"<presence to='{jid}' type='subscribe'/>")

    def allow(self, jid):
        self.wait_for(lambda s: s.tag.endswith("}presence") and s.get("type") == "subscribe" and s.get("from") == jid, "request")
        self.send(f"<presence to='{jid}' type='subscribed'/>")

    def sees(self, jid):
        """Waits for available presence of a bare JID."""
        self.wait_for(lambda s: s.tag.endswith("}presence") and not s.get("type") and s.get("from").startswith(jid + "/"),
                      f"presence of {jid}")

    def say(self, jid, text):
        self.send(f"<message to='{jid}' type='chat'><body>{text}</body></message>")

    def hear(self, jid, text):
        return self.wait_for(lambda s: s.tag.endswith("}message") and s.findtext("c:body", None, NS) == text, f"message {text!r}")

    def carbons_on(self):
        self.ask(f"<enable xmlns='{NS['carbons']}'/>", "set")

    def hear_copy(self, jid, text, direction):
        path = f"carbons:{direction}/{{urn:xmpp:forward:0}}forwarded/c:message/c:body"
        self.wait_for(lambda s: s.findtext(path, None, NS) == text, f"{direction} copy of {text!r}")

    def archive(self, jid):
        """The texts that were exchanged with somebody."""
        self.ask(f"<query xmlns='{NS['mam']}' queryid='life'><x xmlns='jabber:x:data' type='submit'>"
                 f"<field var='FORM_TYPE' type='hidden'><value>{NS['mam']}</value></field>"
                 f"<field var='with'><value>{jid}</value></field></x></query>", "set")
        results = [s for s in self.heard if s.find("mam:result", NS) is not None]
        return [s.findtext(".//c:body", None, NS) for s in results]

    def block(self, jid):
        self.ask(f"<block xmlns='{NS['blocking']}'><item jid='{jid}'/></block>", "set")

    def blocked(self):
        answer = self.ask(f"<blocklist xmlns='{NS['blocking']}'/>")
        return {item.get("jid") for item in answer.iterfind("blocking:blocklist/blocking:item", NS)}

    def unblock(self, jid):
        self.ask(f"<unblock xmlns='{NS['blocking']}'><item jid='{jid}'/></unblock>", "set")

    def set_vcard(self, name):
        self.ask(f"<vCard xmlns='{NS['vcard']}'><FN>{name}</FN></vCard>", "set")

    def vcard(self, jid):
        """The name in somebody's vCard."""
        return self.ask(f"<vCard xmlns='{NS['vcard']}'/>", to=jid).findtext("vcard:vCard/vcard:FN", None, NS)

    def heard_again(self, text):
        """Whether a message that was heard has come once more."""
        return any(s.findtext("c:body", None, NS) == text for s in self.heard)

    # ---- losing the connection ----

    def cut(self):
        self.relay.cut()

    def is_back(self):
        """Waits until the client is connected again; most come again by themselves."""
        wait_for(lambda: self.relay.accepted > 1, 20, f"{self.name} comes again")

    def close(self):
        self.relay.close()


class Piped(Client):
    """A program that takes "send XML" on its standard input and prints "online JID", "stanza XML", "lost …"."""

    def command(self):
        raise NotImplementedError

    def login(self):
        env = dict(os.environ, NODE_EXTRA_CA_CERTS=str(self.suite.certificate()))
        self.online = queue.Queue()
        self.log = open(self.home / "client.log", "w+", encoding="utf-8")
        self.child = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                      bufsize=1, env=env)
        threading.Thread(target=self.read, daemon=True).start()
        try:
            return self.online.get(timeout=WAIT)
        except queue.Empty:
            raise AssertionError(f"{self.name}: no session") from None

    def read(self):
        for line in self.child.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "stanza":
                self.inbox.put(parse(rest))
            elif word == "online":
                self.online.put(rest)
            self.log.write(line)
            self.log.flush()

    def send(self, xml):
        self.child.stdin.write(f"send {xml}\n")
        self.child.stdin.flush()

    def close(self):
        if hasattr(self, "child"):
            self.child.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(2)
            self.child.kill()
            self.child.wait()
            self.log.seek(0)
            print(f"---- {self.name}\n" + self.log.read()[-8000:])
            self.log.close()
        super().close()

    def arguments(self):
        return [f"{self.bare}/{self.resource}", self.suite.passwords[self.bare], HOST, str(self.relay.port)]


class Strophe(Piped):
    name = "strophe"

    def command(self):
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libstrophe"], capture_output=True, text=True, check=False)
        if flags.returncode != 0:
            raise Missing("libstrophe-dev is not installed: etc/bootstrap test")
        program = self.home / "strophe"
        subprocess.run([os.environ.get("CC", "cc"), "-Wall", "-Wextra", "-Werror", "-o", program, HERE / "strophe.c",
                        *flags.stdout.split()], check=True)
        return [program, *self.arguments(), self.suite.certificate()]

    def is_back(self):
        """libstrophe may only find a broken connection when it writes: so it gets a whitespace keepalive (RFC 6120 §4.6.1)."""
        asked = time.monotonic()
        def came():
            nonlocal asked
            if time.monotonic() > asked + 1:
                asked = time.monotonic()
                self.send(" ")
            return not self.online.empty()
        try:
            wait_for(came, 20, f"{self.name} is online again")
        except AssertionError:
            print((self.home / "client.log").read_text(encoding="utf-8")[-4000:])
            raise


class XmppJs(Piped):
    name = "xmppjs"

    def command(self):
        if not shutil.which("node") or not (XMPPJS / "node_modules" / "@xmpp" / "client").is_dir():
            raise Missing("xmpp.js is not installed: etc/bootstrap test")
        return ["node", XMPPJS / "client.js", *self.arguments()]


class Slixmpp(Client):
    """With slixmpp's own plugins for everything."""

    name = "slixmpp"
    plugins = ("xep_0030", "xep_0054", "xep_0059", "xep_0191", "xep_0198", "xep_0280", "xep_0297", "xep_0313")

    def login(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        return self.do(self.start())

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(WAIT)

    async def start(self):
        asyncio.set_event_loop(self.loop)
        self.xmpp = chat.Client(self, f"{self.bare}/{self.resource}", self.suite.passwords[self.bare])
        self.xmpp.ca_certs = str(self.suite.certificate())
        for plugin in self.plugins:
            self.xmpp.register_plugin(plugin)
        for event in ("message", "message_error", "carbon_sent", "carbon_received"):
            self.xmpp.add_event_handler(event, lambda s: self.inbox.put(parse(str(s))))
        for event in ("presence_available", "presence_subscribe"):
            self.xmpp.add_event_handler(event, lambda s: self.inbox.put(parse(str(s))))
        await self.xmpp.login(presence=False)
        return str(self.xmpp.boundjid)

    # What chat.Client wants to know of a suite
    port = property(lambda self: self.relay.port)
    passwords = property(lambda self: self.suite.passwords)

    def certificate(self, domain):
        return self.suite.certificate(domain)

    def send(self, xml):
        self.loop.call_soon_threadsafe(self.xmpp.send_raw, xml)

    def available(self):
        self.loop.call_soon_threadsafe(self.xmpp.send_presence)

    def add(self, jid, name):
        self.do(as_coroutine(lambda: self.xmpp.update_roster(jid, name=name)))

    def roster(self):
        self.do(as_coroutine(self.xmpp.get_roster))
        return {jid: self.xmpp.client_roster[jid]["subscription"] for jid in self.xmpp.client_roster.keys()}

    def carbons_on(self):
        self.do(as_coroutine(self.xmpp["xep_0280"].enable))

    def archive(self, jid):
        async def texts():
            return [m["mam_result"]["forwarded"]["stanza"]["body"] async for m in self.xmpp["xep_0313"].iterate(with_jid=jid)]
        return self.do(texts())

    def block(self, jid):
        self.do(as_coroutine(lambda: self.xmpp["xep_0191"].block(jid)))

    def blocked(self):
        answer = self.do(as_coroutine(self.xmpp["xep_0191"].get_blocked))
        return {str(j) for j in answer["blocklist"]["items"]}

    def unblock(self, jid):
        self.do(as_coroutine(lambda: self.xmpp["xep_0191"].unblock(jid)))

    def set_vcard(self, name):
        card = self.xmpp["xep_0054"].make_vcard()
        card["FN"] = name
        self.do(as_coroutine(lambda: self.xmpp["xep_0054"].publish_vcard(card)))

    def vcard(self, jid):
        return self.do(as_coroutine(lambda: self.xmpp["xep_0054"].get_vcard(jid)))["vcard_temp"]["FN"]

    def cut(self):
        """slixmpp leaves it to the program whether to come again."""
        lost = self.xmpp.ended
        lost.clear()
        super().cut()
        self.do(asyncio.wait_for(lost.wait(), WAIT))
        self.loop.call_soon_threadsafe(self.xmpp.connect, (HOST, self.relay.port))

    def close(self):
        if hasattr(self, "xmpp"):
            with contextlib.suppress(Exception):
                self.do(self.xmpp.logout())
            self.loop.call_soon_threadsafe(self.loop.stop)
        super().close()


async def as_coroutine(start):
    """slixmpp's futures are made in the thread of its loop."""
    return await start()


class Terminal(Client):
    """Profanity, by what a person types and sees; what it has no command for goes through its XML console."""

    name = "profanity"

    def login(self):
        if not shutil.which("profanity") or not shutil.which("tmux"):
            raise Missing("profanity or tmux is not installed: etc/bootstrap test")
        self.window = Profanity(self.suite, f"{self.bare}/{self.resource}", self.home, self.relay.port, rows=160)
        self.window.shows("Profanity")
        self.window.type("/reconnect 1")
        self.window.login()
        return re.search(rf"{self.bare}/\S+", self.window.screen()).group()

    def available(self):
        pass  # it is from the start

    def console(self):
        self.window.type("/win 1")

    def add(self, jid, name):
        self.window.type(f"/roster add {jid} {name}")
        self.window.shows(re.escape(jid))

    def roster(self):
        self.console()
        self.window.type("/roster")
        self.window.shows(r"jid:|Roster:")
        return {jid: None for jid in re.findall(r"\S+@localhost", self.window.screen())}

    def subscribe(self, jid):
        self.window.type(f"/sub request {jid}")

    def allow(self, jid):
        self.console()
        self.window.shows(f"authorization request from {jid}")
        self.window.type(f"/sub allow {jid}")

    def sees(self, jid):
        self.window.shows(r"Online \(\d+\)\s*\n[^\n]*Fred")  # the roster's panel on the right

    def say(self, jid, text):
        self.window.type(f"/msg {jid} {text}")

    def hear(self, jid, text):
        self.window.type(f"/msg {jid}")
        self.window.shows(re.escape(text))

    def heard_again(self, text):
        return self.window.screen().count(text) > 1

    def is_back(self):
        """Before that it takes no command. As with libstrophe below, it may have to write to find out; not more often than it comes again."""
        asked = time.monotonic()
        def came():
            nonlocal asked
            if self.relay.accepted == 1 and time.monotonic() > asked + 3:
                asked = time.monotonic()
                self.window.type("/ping")
            return self.relay.accepted > 1
        wait_for(came, 20, f"{self.name} comes again")
        self.window.shows("Connection re-established")

    def carbons_on(self):
        self.window.type("/carbons on")

    def hear_copy(self, jid, text, direction):
        self.hear(jid, text)

    def send(self, xml):
        self.window.type("/xmlconsole")
        self.window.type(xml)

    def ask(self, payload, kind="get", to=None):
        """Sends an iq through the XML console; what that shows behind it when the answer is there, broken lines put together."""
        self.count += 1
        id = f"{self.name}-{self.count}"
        self.send(f"<iq id='{id}' type='{kind}'" + (f" to='{to}'" if to else "") + f">{payload}</iq>")
        self.window.shows(rf'RECV:\n\S+ - <iq [^>]*id="{id}"')
        return re.sub(r"\s*\n\s+", " ", self.window.screen()).partition(f"id='{id}'")[2]

    def archive(self, jid):
        shown = self.ask(
            f"<query xmlns='{NS['mam']}' queryid='life'><x xmlns='jabber:x:data' type='submit'>"
            f"<field var='FORM_TYPE' type='hidden'><value>{NS['mam']}</value></field>"
            f"<field var='with'><value>{jid}</value></field></x></query>", "set")
        return re.findall("<body>(.*?)</body>", shown)

    def block(self, jid):
        """Others may see it before the client has the answer."""
        self.window.type(f"/blocked add {jid}")
        self.console()
        self.window.shows(f"{jid} successfully blocked")

    def blocked(self):
        self.console()
        self.window.type("/blocked")
        self.window.shows("Blocked users:")
        return set(re.findall(r"\S+@localhost", self.window.screen().rpartition("Blocked users:")[2])) - {self.bare}

    def unblock(self, jid):
        self.window.type(f"/blocked remove {jid}")

    def set_vcard(self, name):
        self.ask(f"<vCard xmlns='{NS['vcard']}'><FN>{name}</FN></vCard>", "set")

    def vcard(self, jid):
        shown = self.ask(f"<vCard xmlns='{NS['vcard']}'/>", to=jid)
        return re.findall("<FN>(.*?)</FN>", shown)[-1]

    def close(self):
        if hasattr(self, "window"):
            print(f"---- {self.name}\n" + self.window.screen())
            self.window.close()
        super().close()


CLIENTS = [Slixmpp, Terminal, Strophe, XmppJs]

"""slixmpp clients for the tests: log in, talk, remember what came."""

import asyncio
import contextlib
import logging

import slixmpp

from suite import PATIENCE

logging.getLogger("slixmpp").setLevel(logging.CRITICAL)


class Hears:
    """Keeps every message and presence in queues."""

    def listen(self):
        self.messages = asyncio.Queue()
        self.presences = asyncio.Queue()
        self.add_event_handler("message", self.messages.put_nowait)
        self.add_event_handler("message_error", self.messages.put_nowait)
        self.add_event_handler("presence", self.presences.put_nowait)

    def say(self, to, text, **more):
        self.send_message(mto=to, mbody=text, mtype="chat", **more)

    async def hear(self, seconds=20):
        """The next message with a body."""
        while True:
            message = await asyncio.wait_for(self.messages.get(), seconds * PATIENCE)
            if message["body"] or message["type"] == "error":
                return message

    async def see(self, predicate, seconds=20):
        """The next presence that satisfies the predicate."""
        while True:
            presence = await asyncio.wait_for(self.presences.get(), seconds * PATIENCE)
            if predicate(presence):
                return presence

    async def nothing(self, seconds=0.5):
        """Asserts that no message comes for a while."""
        with contextlib.suppress(asyncio.TimeoutError):
            message = await asyncio.wait_for(self.messages.get(), seconds)
            raise AssertionError(f"unexpected: {message}")


class Client(Hears, slixmpp.ClientXMPP):
    """A user's client."""

    def __init__(self, suite, jid, password=None, mechanism=None, direct=False, own=None):
        # slixmpp 1.8 knows no channel binding of TLS 1.3: it tries -PLUS with one that is gone, and then says "y". A client that is
        # told its mechanism tries nothing before, so it must not claim to know any.
        super().__init__(jid, password or suite.passwords[slixmpp.JID(jid).bare], sasl_mech=mechanism)
        self.suite = suite
        self.listen()
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.failed = asyncio.Event()
        self.direct = direct
        self.ca_certs = str(suite.certificate(slixmpp.JID(jid).domain))
        if own:
            self.certfile, self.keyfile = map(str, own)
        self.auto_reconnect = False
        self.auto_authorize = None
        if mechanism:
            credentials = self.plugin["feature_mechanisms"].sasl_callback
            self.plugin["feature_mechanisms"].sasl_callback = (
                lambda required, optional: {**credentials(required, optional), "channel_binding": None})
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("failed_all_auth", lambda _: self.failed.set())
        self.add_event_handler("disconnected", lambda _: self.ended.set())

    async def on_start(self, _event):
        self.started.set()

    async def login(self, presence=True):
        port = self.suite.direct_port if self.direct else self.suite.port
        self.connect((getattr(self.suite, "host", "127.0.0.1"), port), use_ssl=self.direct, disable_starttls=self.direct)
        waits = [asyncio.ensure_future(e.wait()) for e in (self.started, self.failed, self.ended)]
        _, pending = await asyncio.wait(waits, timeout=20 * PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        assert self.started.is_set(), f"{self.boundjid}: no session"
        await self.get_roster()
        if presence:
            self.send_presence()
        return self

    async def logout(self):
        self.disconnect(wait=1)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.ended.wait(), 5 * PATIENCE)

    async def knows(self, contact, subscription, seconds=20):
        """Until the roster says so: its push comes behind the presence that it is about (RFC 6121 §3.1.6)."""
        async def pushed():
            while self.client_roster[contact]["subscription"] != subscription:
                await asyncio.sleep(0.02)
        await asyncio.wait_for(pushed(), seconds * PATIENCE)


@contextlib.asynccontextmanager
async def logged_in(made):
    """These clients (one alone: it, not a list), logged out at the end."""
    try:
        for client in made:
            await client.login()
        yield made if len(made) > 1 else made[0]
    finally:
        for client in made:
            await client.logout()


def clients(suite, *jids, **options):
    """Logged-in clients for these JIDs."""
    return logged_in([Client(suite, jid, **options) for jid in jids])


async def befriend(one, two):
    """Both subscribe to each other."""
    for a, b in ((one, two), (two, one)):
        a.send_presence(pto=b.boundjid.bare, ptype="subscribe")
        await b.see(lambda p: p["type"] == "subscribe" and p["from"].bare == a.boundjid.bare)
        b.send_presence(pto=a.boundjid.bare, ptype="subscribed")
        await a.see(lambda p: p["type"] == "subscribed")

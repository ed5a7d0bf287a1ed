"""componentd, as components see it: XEP-0114 with what REQUIREMENTS 3.1 and 3.2 say of it."""

import asyncio

import pytest
from slixmpp.componentxmpp import ComponentXMPP

from chat import clients
from component import PORT, Component, settings
from suite import Suite, wait_for
from wire import SESSION, WAIT, Wire

ECHO, OTHER, BELOW, DEFAULT = "echo.example.net", "other.example.net", "gateway.localhost", "default.example.net"
SECRETS = {ECHO: "secret", OTHER: "another", BELOW: "third"}
MORE = ('wait_seconds = 1\nkeepalive_seconds = 1\nlinger_seconds = 1\nsecret = "of all"\n'
        'listener "component" {\n\taddress = "127.0.0.1"\n}\n'
        'listener "component6" {\n\taddress = "::1"\n}\n'
        'listener "tls" {\n\tport = 5348\n\ttls = direct\n}\n'
        'listener "intranet" {\n\taddress = "*"\n\tport = 5275\n\tallow = {"127.0.0.2", "::1"}\n}\n')


@pytest.fixture(scope="module")
def suite():
    both = settings(SECRETS, MORE)
    both["jackdaw"] = both["jackdaw"].replace("}", f', "{DEFAULT}"}}')
    with Suite(settings=both) as s:
        for name in ("alice", "bob", "carol"):
            s.add_user(f"{name}@localhost")
        yield s


@pytest.fixture
def echo(suite):
    with gone(suite, ECHO), Component.at(suite, ECHO) as component:
        yield component


@pytest.fixture
def alice(suite):
    with Wire.at(suite, SESSION) as wire:
        yield wire


class gone:
    """Until the name is free: the connection of the test before may still be there."""

    def __init__(self, suite, name):
        self.suite, self.name = suite, name

    def __enter__(self):
        wait_for(lambda: not streams(self.suite, self.name), 10, f"{self.name} is free")

    def __exit__(self, *_):
        pass


def streams(suite, name):
    """How many connections serve it."""
    rows = [line.split() for line in suite.ctl("component", "list").stdout.splitlines()]
    return next(int(row[1]) for row in rows if row[0] == name)


# ---- a real component ----

class Echo(ComponentXMPP):
    def __init__(self, suite, name, secret):
        super().__init__(name, secret, "127.0.0.1", PORT + suite.offset)
        self.ready = asyncio.Event()
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0199")
        self["xep_0030"].add_identity(category="client", itype="bot", name="Echo", jid=name)
        self.add_event_handler("session_start", lambda _: self.ready.set())
        self.add_event_handler("message", self.on_message)

    def on_message(self, message):
        if message["type"] in ("chat", "normal") and message["body"]:
            message.reply(message["body"]).send()


def test_a_component_made_with_slixmpp(suite):
    async def story():
        echo = Echo(suite, ECHO, SECRETS[ECHO])
        echo.connect()
        await asyncio.wait_for(echo.ready.wait(), WAIT)
        try:
            async with clients(suite, "alice@localhost/a") as alice:
                for to in (f"any.body@{ECHO}/at all", f"room@{ECHO}", ECHO):
                    alice.say(to, f"hello {to}")
                    answer = await alice.hear()
                    assert answer["body"] == f"hello {to}" and answer["from"] == to
                alice.register_plugin("xep_0030")
                info = await alice["xep_0030"].get_info(jid=ECHO, timeout=WAIT)
                assert ("client", "bot", None, "Echo") in info["disco_info"]["identities"]
                alice.register_plugin("xep_0199")
                assert await alice["xep_0199"].ping(ECHO, timeout=WAIT) > 0
        finally:
            await echo.disconnect(wait=1)
    with gone(suite, ECHO):
        asyncio.run(story())

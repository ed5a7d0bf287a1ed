"""The fixtures of componentd's tests: a suite with components of every kind, and two that are connected."""

import pytest

from component import Component, settings
from suite import Suite, wait_for
from wire import SESSION, Wire

ALL = "of-all-of-them"  # the secret of those without one of their own
ECHO, OTHER, BELOW, DEFAULT = "echo.example.net", "other.example.net", "gateway.localhost", "default.example.net"
SHARED, KICKING, FREE = "shared.example.net", "kicking.example.net", "free.example.net"
SECRETS = {ECHO: "secret", OTHER: "tell-nobody", BELOW: "third"}
MORE = ('wait_seconds = 1\nkeepalive_seconds = 1\nlinger_seconds = 1\nhandshake_seconds = 3\nsecret = "of-all-of-them"\n'
        'listener "component" {\n\taddress = "127.0.0.1"\n}\n'
        'listener "tls" {\n\tport = 5348\n\ttls = direct\n}\n'
        'listener "intranet" {\n\taddress = "*"\n\tport = 5275\n\tallow = {"127.0.0.2", "192.0.2.0/24"}\n}\n'
        f'component "{SHARED}" {{\n\tconflict = share\n}}\ncomponent "{KICKING}" {{\n\tconflict = "kick-old"\n}}\n'
        f'component "{FREE}" {{\n\tvalidate_from = false\n}}\n')


@pytest.fixture(scope="module")
def suite():
    both = settings(SECRETS, MORE)
    names = ", ".join(f'"{name}"' for name in (*SECRETS, DEFAULT, SHARED, KICKING, FREE))
    both["jackdaw"] = f"components = {{{names}}}\n"
    with Suite(settings=both) as s:
        s.add_users("alice", "bob", "carol")
        yield s


def streams(suite, name):
    """How many connections serve it."""
    rows = [line.split() for line in suite.ctl("component", "list").stdout.splitlines()]
    return next(int(row[1]) for row in rows if row[0] == name)


def until_free(suite, name):
    """The connection of the test before may still be there."""
    wait_for(lambda: not streams(suite, name), 10, f"{name} is free")


@pytest.fixture
def echo(suite):
    until_free(suite, ECHO)
    with Component.at(suite, ECHO) as component:
        yield component


@pytest.fixture
def other(suite):
    until_free(suite, OTHER)
    with Component.at(suite, OTHER, SECRETS[OTHER]) as component:
        yield component


@pytest.fixture
def alice(suite):
    with Wire.at(suite, SESSION, "alice@localhost", "a") as wire:
        wire.send("<presence/>")
        yield wire

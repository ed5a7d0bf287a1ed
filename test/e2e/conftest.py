"""Fixtures: a suite that runs, with accounts, and slixmpp clients for them."""

import contextlib
import pathlib
import stat

import pytest

from rogue import Authority
from suite import Suite
from wire import SESSION, Pair, Wire


@pytest.fixture(scope="module")
def suite():
    """One suite for the tests of a file that only use it."""
    with Suite() as s:
        s.add_users("alice", "bob", "carol")
        yield s


@pytest.fixture
def own_suite():
    """A suite of one's own, for tests that break things."""
    with Suite() as s:
        s.add_users("alice", "bob")
        yield s


@pytest.fixture(scope="module")
def authority():
    """Another server, which is only bytes."""
    made = Authority()
    yield made
    made.close()


@pytest.fixture
def fresh(authority):
    """It has forgotten what the test before said and heard."""
    authority.reset()


@pytest.fixture
def alice(suite):
    """She is available, in the first domain of a suite that federates."""
    with Wire.at(suite, SESSION, f"alice@{suite.domain}") as wire:
        wire.appear()
        yield wire


@pytest.fixture(scope="module")
def witnesses(suite):
    """Two who have nothing to do with what a test does."""
    with Pair(suite) as pair:
        yield pair


@pytest.fixture
def nobody_else_notices(witnesses):
    """For files about what one stream may do: the others chat on."""
    yield
    witnesses.chat()


@pytest.fixture
def folder(tmp_path_factory):
    """A path for a suite; daemons of other users must be able to pass through to it."""
    home = tmp_path_factory.mktemp("ctl")
    for part in (home, *home.parents):
        if part.owner() == pathlib.Path.home().owner() and part != pathlib.Path("/"):
            with contextlib.suppress(PermissionError):
                part.chmod(part.stat().st_mode | stat.S_IXOTH)
    return home / "suite"

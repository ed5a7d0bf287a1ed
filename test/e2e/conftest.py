"""Fixtures: a suite that runs, with accounts, and slixmpp clients for them."""

import pytest

from suite import Suite


@pytest.fixture(scope="module")
def suite():
    """One suite for the tests of a file that only use it."""
    with Suite() as s:
        for name in ("alice", "bob", "carol"):
            s.add_user(f"{name}@localhost")
        yield s


@pytest.fixture
def own_suite():
    """A suite of one's own, for tests that break things."""
    with Suite() as s:
        for name in ("alice", "bob"):
            s.add_user(f"{name}@localhost")
        yield s

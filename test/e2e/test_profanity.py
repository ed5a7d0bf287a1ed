"""Two who chat with Profanity."""

import shutil

import pytest

from profanity import Profanity


@pytest.fixture
def profanities(suite, tmp_path):
    opened = []

    def start(jid):
        home = tmp_path / jid.split("@")[0]
        home.mkdir()
        opened.append(Profanity(suite, jid, home))
        return opened[-1]
    yield start
    for p in opened:
        p.close()


def test_profanity_is_there():
    assert shutil.which("profanity") and shutil.which("tmux")


def test_two_profanities_chat(profanities):
    alice, bob = profanities("alice@localhost"), profanities("bob@localhost")
    alice.login()
    bob.login()
    alice.type("/msg bob@localhost hello from alice")
    bob.shows("alice@localhost")
    bob.type("/msg alice@localhost")
    bob.shows("hello from alice")
    bob.type("hello from bob")
    alice.shows("hello from bob")


def test_profanity_subscribes_and_finds_offline_messages(profanities):
    alice = profanities("alice@localhost")
    alice.login()
    alice.type("/msg carol@localhost are you there")
    alice.shows("are you there")
    carol = profanities("carol@localhost")
    carol.login()
    carol.type("/msg alice@localhost")
    carol.shows("are you there")
    carol.type("/sub request alice@localhost")
    alice.shows("carol@localhost.*(subscription|request)|[Rr]eceived.*subscription")
    alice.type("/sub allow carol@localhost")
    carol.shows("accepted|allowed|online")

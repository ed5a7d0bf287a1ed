"""Profanity, the terminal client, driven through tmux as a person would."""

import os
import re
import shutil
import subprocess
import uuid

import pytest

from suite import wait_for


class Profanity:
    """One Profanity in a tmux window of its own."""

    def __init__(self, suite, jid, home):
        self.suite, self.jid = suite, jid
        self.name = f"jackdaw-{uuid.uuid4().hex[:8]}"
        self.socket = f"/tmp/{self.name}.tmux"
        env = dict(os.environ, HOME=str(home), XDG_CONFIG_HOME=str(home / "config"), XDG_DATA_HOME=str(home / "data"),
                   TERM="screen", LANG="C.UTF-8")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", self.name, "-x", "120", "-y", "40", "profanity", env=env)

    def tmux(self, *args, env=None):
        return subprocess.run(["tmux", "-S", self.socket, *args], env=env, capture_output=True, text=True, check=True).stdout

    def type(self, line):
        self.tmux("send-keys", "-t", self.name, "-l", "--", line)
        self.tmux("send-keys", "-t", self.name, "Enter")

    def screen(self):
        return self.tmux("capture-pane", "-p", "-t", self.name)

    def shows(self, pattern, seconds=20):
        try:
            wait_for(lambda: re.search(pattern, self.screen()), seconds, f"{self.jid}: {pattern}")
        except AssertionError:
            print(self.screen())
            raise

    def login(self):
        self.shows("Profanity")
        self.type(f"/connect {self.jid} server 127.0.0.1 port {self.suite.port} tls trust")
        self.shows("[Pp]assword")
        self.type(self.suite.passwords[self.jid])
        self.shows(rf"{self.jid}/\S+ logged in successfully")

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, capture_output=True)


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

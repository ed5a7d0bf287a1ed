"""Profanity, the terminal client, driven through tmux as a person would."""

import os
import re
import subprocess
import uuid

from suite import wait_for


class Profanity:
    """One Profanity in a tmux window of its own."""

    def __init__(self, suite, jid, home, port=None, rows=40):
        self.suite, self.jid, self.port = suite, jid, port or suite.port
        self.name = f"jackdaw-{uuid.uuid4().hex[:8]}"
        self.socket = f"/tmp/{self.name}.tmux"
        env = dict(os.environ, HOME=str(home), XDG_CONFIG_HOME=str(home / "config"), XDG_DATA_HOME=str(home / "data"),
                   TERM="screen", LANG="C.UTF-8")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", self.name, "-x", "120", "-y", str(rows),
                  "profanity", env=env)

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
        self.type(f"/connect {self.jid} server 127.0.0.1 port {self.port} tls trust")
        self.shows("[Pp]assword")
        self.type(self.suite.passwords[self.jid.split('/')[0]])
        self.shows(rf"{self.jid.split('/')[0]}/\S+ logged in successfully")

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, capture_output=True)

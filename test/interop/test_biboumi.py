"""A real gateway: Debian's biboumi between a client of ours and somebody on an IRC server (ngircd), both started here; also while
daemons die under it."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time

import pytest

from suite import PATIENCE, Suite, wait_for
from wire import CLIENT, SESSION, Wire

NAME = "irc.localhost"
ROOM = f"#rook@{NAME}"
MUC = "http://jabber.org/protocol/muc"
# biboumi knows the usual port only: the address keeps tests apart.
HOST = f"127.{secrets.randbelow(250) + 2}.{secrets.randbelow(250)}.{secrets.randbelow(250) + 1}"

pytestmark = pytest.mark.skipif(not shutil.which("biboumi") or not shutil.which("ngircd"),
                                reason="biboumi and ngircd are not installed")


@contextlib.contextmanager
def program(*command, log):
    with open(log, "ab") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=log.parent)
    try:
        yield child
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
        child.kill()
        child.wait()


class Irc:
    """Somebody on IRC."""

    def __init__(self, nick):
        def answers():
            try:
                self.sock = socket.create_connection((HOST, 6667), 1)
                return True
            except OSError:
                return False
        wait_for(answers, 20, "ngircd")
        self.text = ""
        self.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        self.hears(" 001 ")
        self.send("JOIN #rook")
        self.hears(" 366 ")

    def send(self, *lines):
        self.sock.sendall("".join(line + "\r\n" for line in lines).encode())

    def hears(self, part):
        """All up to the line with this in it."""
        end = time.monotonic() + 30 * PATIENCE
        while part not in self.text:
            self.sock.settimeout(max(0.1, end - time.monotonic()))
            data = self.sock.recv(4096).decode()
            assert data, self.text
            for line in data.splitlines():
                if line.startswith("PING"):
                    self.send("PONG" + line[4:])
            self.text += data
        before, self.text = self.text.split(part, 1)
        return before


@pytest.fixture(scope="module")
def suite():
    with Suite() as s:
        s.add_user("alice@localhost")
        s.ctl("component", "add", NAME, input="the gateway's\n")
        yield s


@pytest.fixture(scope="module")
def gateway(suite, tmp_path_factory):
    home = tmp_path_factory.mktemp("biboumi")
    home.chmod(0o755)
    (home / "ngircd.conf").write_text(f"[Global]\nName = irc.test\nInfo = test\nListen = {HOST}\nPorts = 6667\nServerUID = {os.getuid()}\n"
                                      "[Limits]\nMaxConnectionsIP = 0\n[Options]\nDNS = no\nIdent = no\nPAM = no\n")
    (home / "biboumi.cfg").write_text(
        f"hostname={NAME}\npassword=the gateway's\nxmpp_server_ip=127.0.0.1\nport={5347 + suite.offset}\nfixed_irc_server={HOST}\n"
        f"db_name={home}/biboumi.sqlite\nlog_level=0\nlog_file={home}/biboumi.log\nidentd_port=0\n")
    with program("ngircd", "-n", "-f", str(home / "ngircd.conf"), log=home / "ngircd.out"), \
            program("biboumi", str(home / "biboumi.cfg"), log=home / "biboumi.out"):
        wait_for(lambda: connections(suite) == 1, 20, "biboumi is connected")
        yield
        print((home / "biboumi.log").read_text()[-3000:])


def connections(suite):
    rows = [line.split() for line in suite.ctl("component", "list").stdout.splitlines()]
    return next(int(row[1]) for row in rows if row[0] == NAME)


def heard(alice, text):
    alice.wait_for(lambda e: e.tag == f"{{{CLIENT}}}message" and (e.findtext(f"{{{CLIENT}}}body") or "") == text, 30 * PATIENCE)


def join(alice):
    alice.send(f"<presence to='{ROOM}/alice'><x xmlns='{MUC}'/></presence>")
    alice.wait_for(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == f"{ROOM}/alice" and e.get("type") is None,
                   60 * PATIENCE)


def talk(alice, bob, word):
    alice.send(f"<message to='{ROOM}' type='groupchat'><body>{word} from alice</body></message>")
    bob.hears(f"PRIVMSG #rook :{word} from alice")
    bob.send(f"PRIVMSG #rook :{word} from bob")
    heard(alice, f"{word} from bob")


def test_a_room_of_irc(suite, gateway):
    bob = Irc("bob")
    with Wire.at(suite, SESSION, "alice@localhost", "irc") as alice:
        alice.send("<presence/>")
        info = alice.ask("<query xmlns='http://jabber.org/protocol/disco#info'/>", to=NAME)
        assert info.get("type") == "result" and info[0].find("{http://jabber.org/protocol/disco#info}identity") is not None
        items = alice.ask("<query xmlns='http://jabber.org/protocol/disco#items'/>", to="localhost", id="items")
        assert [item.get("jid") for item in items[0]] == [NAME]
        join(alice)
        talk(alice, bob, "hello")
        alice.send(f"<message to='bob@{NAME}' type='chat'><body>in private</body></message>")
        bob.hears("PRIVMSG bob :in private")
        for daemon in ("router", "sessiond"):
            suite.kill(daemon)
            talk(alice, bob, f"after {daemon}")
            suite.wait_linked()
        assert connections(suite) == 1
        suite.ctl("restart", "componentd")
        wait_for(lambda: connections(suite) == 1, 60, "biboumi is back")
        join(alice)
        talk(alice, bob, "after componentd")

"""F15, a full disk (SECURITY.md §3.8, §4.1): archives stand still first, then nothing new is stored and senders are told; what was
acknowledged comes, once; who is online goes on; with room all is as before, and nobody restarted anything."""

import contextlib
import tempfile

import pytest

import harness
from conftest import MAY_MOUNT, MIB, SmallDisk
from suite import BUILD, wait_for
from wire import CLIENT, SESSION, Pair, Wire, refused, stanza_error

MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
SAYS = {"low": "are left on this file system; make room", "tight": "nothing is archived until there is room",
        "full": "this file system is full", "room": "there is room again"}


def said(suite, what):
    return sum(SAYS[what] in line for line in suite.logs()["storaged.log"].splitlines())


def wait_said(suite, what, times=1):
    wait_for(lambda: said(suite, what) >= times, 10, f"said that it is {what}")


def ballast(suite):
    return suite.dir / "storaged" / "data" / "ballast"


def send(wire, to, text):
    """The refusal of a message, or None: then it is in custody."""
    name = text.split("x")[0]
    wire.say(to, text, id=name, type="chat")
    with contextlib.suppress(TimeoutError):
        return stanza_error(wire.wait_for(lambda e: e.tag == f"{{{CLIENT}}}message" and e.get("id") == name, 1.5))
    return None


def offline(suite, jid):
    """All that waits for somebody, in its order: it comes on, takes it, and goes."""
    bodies = []
    with Wire.at(suite, SESSION, jid) as wire:
        wire.send("<presence/>")
        with contextlib.suppress(TimeoutError):
            while True:
                bodies.append(wire.hear(1.5))
    return bodies


def archive(suite, jid):
    """The bodies in somebody's archive, oldest first."""
    bodies = []
    with Wire.at(suite, SESSION, jid) as wire:
        wire.send(f"<iq type='set' id='m'><query xmlns='{MAM}'><set xmlns='{RSM}'><max>100</max></set></query></iq>")
        while True:
            e = wire.element()
            if e.tag == f"{{{CLIENT}}}iq" and e.get("id") == "m":
                assert e.get("type") == "result"
                return bodies
            found = e.find(f".//{{{CLIENT}}}body")
            if found is not None:
                bodies.append(found.text)


def test_a_disk_fills_and_is_emptied_again(small):
    suite, disk = small
    pids = {name: pid for name, (pid, _, _) in suite.status().items()}
    with Wire.at(suite, SESSION) as alice, Pair(suite, "bob@localhost", "alice@localhost") as pair:
        wait_for(lambda: ballast(suite).stat().st_size == 8 * MIB, 5, "the ballast is there")
        assert send(alice, "carol@localhost", "one") is None

        disk.fill(28 * MIB)
        wait_said(suite, "low")
        assert send(alice, "carol@localhost", "two") is None

        disk.fill(18 * MIB)
        wait_said(suite, "tight")
        assert send(alice, "carol@localhost", "three") is None
        pair.chat()

        disk.fill(6 * MIB)
        wait_said(suite, "full")
        wait_for(lambda: not ballast(suite).exists(), 5, "the ballast is given up")
        assert send(alice, "carol@localhost", "four") == ("wait", "resource-constraint")
        answer = alice.ask("<query xmlns='jabber:iq:roster'><item jid='new@localhost'/></query>", "set", "roster")
        assert refused(answer) == "resource-constraint"
        answer = alice.ask("<vCard xmlns='vcard-temp'><FN>Alice</FN></vCard>", "set", "vcard")
        assert refused(answer) == "resource-constraint"
        pair.chat()

        # What waits is delivered and removed on a full disk too.
        assert offline(suite, "carol@localhost") == ["one", "two", "three"]
        assert offline(suite, "carol@localhost") == []

        disk.make_room()
        wait_said(suite, "room")
        wait_for(lambda: ballast(suite).exists(), 10, "the ballast is back")
        assert send(alice, "carol@localhost", "five") is None
        assert alice.ask("<query xmlns='jabber:iq:roster'><item jid='new@localhost'/></query>", "set").get("type") == "result"
        pair.chat()
    assert offline(suite, "carol@localhost") == ["five"]
    assert archive(suite, "carol@localhost") == ["one", "two", "five"]
    assert {name: pid for name, (pid, _, _) in suite.status().items()} == pids
    # Each state is said once, and how much is missing.
    assert {what: said(suite, what) for what in SAYS} == {"low": 1, "tight": 1, "full": 1, "room": 1}
    assert "are in no archive" in suite.logs()["storaged.log"]


def test_a_disk_that_is_full_at_once(small):
    """Nobody was warned: SQLite itself finds no room. What is delivered must still be removed, or it would come twice."""
    suite, disk = small
    wait_for(lambda: ballast(suite).exists(), 5, "the ballast is there")
    pid = suite.pid("storaged")
    with Wire.at(suite, SESSION) as alice:
        kept = [f"kept {n}" for n in range(20)]
        for text in kept[:-1]:
            alice.say("carol@localhost", text, type="chat")
        assert send(alice, "carol@localhost", kept[-1]) is None
        disk.fill_to_the_brim()
        answers = [send(alice, "carol@localhost", f"late {n} " + "x" * 20000) for n in range(3)]
        kept += [f"late {n} " + "x" * 20000 for n, answer in enumerate(answers) if answer is None]
        # The log lies there too: that it is full can be said when there is room again.
        wait_for(lambda: not ballast(suite).exists(), 10, "the ballast is given up")
        assert offline(suite, "carol@localhost") == kept
        assert offline(suite, "carol@localhost") == []
        disk.make_room()
        wait_said(suite, "room")
        assert send(alice, "carol@localhost", "room") is None
    assert offline(suite, "carol@localhost") == ["room"]
    assert suite.pid("storaged") == pid


def test_accounts_on_a_full_disk(small):
    """authd refuses what is new and does the rest: logins, removals; with room all is as before, and nobody restarted anything."""
    suite, disk = small
    pid, weight = suite.pid("authd"), suite.dir / "authd" / "data" / "ballast"
    wait_for(lambda: weight.exists() and weight.stat().st_size == 4 * MIB, 5, "the ballast is there")
    disk.fill(10 * MIB)
    wait_for(lambda: not ballast(suite).exists(), 10, "storaged has given up its own")
    disk.fill(5 * MIB)
    wait_for(lambda: "no account is made and no password changed" in suite.logs()["authd.log"], 10, "said that it is full")
    assert not weight.exists()
    for action in ("add", "passwd"):
        done = suite.ctl("user", action, "dora@localhost" if action == "add" else "bob@localhost", input="secret\n", check=False)
        assert done.returncode != 0 and "no room on the disk" in done.stderr, done
    suite.ctl("user", "del", "bob@localhost")
    with Pair(suite, "alice@localhost", "carol@localhost") as pair:
        pair.chat()
    disk.make_room()
    wait_for(weight.exists, 10, "the ballast is back")
    assert "there is room again" in suite.logs()["authd.log"]
    suite.add_user("dora@localhost")
    with Pair(suite, "alice@localhost", "dora@localhost") as pair:
        pair.chat()
    assert suite.pid("authd") == pid


def test_daemons_start_on_a_full_disk(small):
    """Killed on it, each is back, and what was kept comes."""
    suite, disk = small
    with Wire.at(suite, SESSION) as alice:
        assert send(alice, "carol@localhost", "kept") is None
    disk.fill_to_the_brim()
    wait_for(lambda: not ballast(suite).exists(), 10, "the ballast is given up")
    disk.fill_to_the_brim()
    for daemon in ("storaged", "sessiond", "router", "c2sd", "authd", "keyd"):
        suite.kill(daemon)
        suite.wait_linked()
    assert offline(suite, "carol@localhost") == ["kept"]
    assert offline(suite, "carol@localhost") == []
    disk.make_room()
    wait_for(lambda: ballast(suite).exists(), 20, "the ballast is back")
    with Wire.at(suite, SESSION) as alice:
        assert send(alice, "carol@localhost", "room") is None
    assert offline(suite, "carol@localhost") == ["room"]


@pytest.mark.skipif(not MAY_MOUNT, reason="needs to mount a file system")
def test_the_ledger_of_a_full_disk(tmp_path, monkeypatch):
    """Under load, four times, and connections are cut meanwhile, so that records of sessions have to be written: nothing acknowledged is
    lost, repeated or out of order, and no session is lost. Archives may have gaps, for they stood still."""
    disk = SmallDisk(tmp_path / "disk", 400)
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.owner() == "root" and folder.stat().st_mode & 0o5 != 0o5 and "pytest" in folder.name:
            folder.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
    try:
        with harness.swarming(BUILD, sessions=60, rate=200, tls=0, sleepers=0.3) as (suite, swarm):
            def fill():
                disk.fill_to_the_brim()
                swarm.say("churn")

            for _ in range(4):
                wait_for(lambda: ballast(suite).exists(), 20, "the ballast is there")
                result = swarm.fault("disk", fill)
                disk.make_room()
                assert result["is_back"], result
                result = swarm.fault("room", lambda: None)
                assert result["is_back"], result
            end = swarm.end()
            assert suite.pid("storaged")
        assert (end["lost"], end["repeated"], end["disordered"], end["sessions_lost"]) == (0, 0, 0, 0), end
        assert end["bounces"] > 0, end
    finally:
        disk.remove()

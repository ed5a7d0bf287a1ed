"""F17, a slow disk (SECURITY.md §4.1): a sync of storaged's that takes as long as the test likes. Who talks to somebody who is there does not
wait for it, no matter how long; what is to be stored is acknowledged when it is."""

import shutil

import pytest

import suite as e2e
from suite import BUILD, wait_for
from wire import CLIENT, SESSION, Pair, Wire

SM = "urn:xmpp:sm:3"


@pytest.fixture
def slow(tmp_path):
    """(suite, folder of storaged's data): its storaged is the one of test/faults/sabotage/disk.c."""
    programs = tmp_path / "bin"
    shutil.copytree(BUILD / "bin", programs)
    shutil.copy2(BUILD / "test" / "sabotage" / "disk" / "storaged", programs / "storaged")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    with e2e.Suite(programs=programs, settings={"sessiond": 'archive = "off"\n'}) as s:
        for name in ("alice", "bob", "carol", "dave"):
            s.add_user(f"{name}@localhost")
        yield s, s.dir / "storaged" / "data"


def in_custody(wire):
    wire.send(f"<r xmlns='{SM}'/>")
    return int(wire.wait_for(lambda e: e.tag == f"{{{SM}}}a").get("h"))


def test_who_is_there_does_not_wait_for_a_slow_disk(slow):
    suite, data = slow
    with Wire.at(suite, SESSION) as alice, Pair(suite, "bob@localhost", "carol@localhost") as pair:
        alice.send(f"<enable xmlns='{SM}'/>")
        assert alice.element().tag == f"{{{SM}}}enabled"
        pair.chat()
        moment = data / "fault.new"
        moment.write_text("hold archive.db-wal 1\n")
        moment.chmod(0o666)
        moment.rename(data / "fault")
        alice.say("dave@localhost", "stored", type="chat")
        wait_for((data / "held").exists, 10, "a sync that hangs")
        for _ in range(20):
            pair.chat()
        assert in_custody(alice) == 0
        (data / "held").unlink()
        wait_for(lambda: in_custody(alice) == 1, 10, "custody")
    with Wire.at(suite, SESSION, "dave@localhost") as dave:
        dave.send("<presence/>")
        assert dave.wait_for(lambda e: e.tag == f"{{{CLIENT}}}message").findtext(f"{{{CLIENT}}}body") == "stored"

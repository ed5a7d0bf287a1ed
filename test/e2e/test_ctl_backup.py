"""The operator's command: backup and restore."""

import asyncio
import io
import os
import shutil
import signal
import stat
import subprocess
import tarfile

import pytest

from chat import clients
from operate import NAMES, pids, refused, supervisor
from suite import Suite, wait_for


# ---- backup ----

@pytest.mark.parametrize("state", ["up", "down", "killed"])
def test_backup_and_restore(state, tmp_path):
    file = tmp_path / "backup.tar"
    with Suite() as s:
        s.add_user("alice@localhost")
        before = certificate_file(s)
        if state == "down":
            s.down()
        elif state == "killed":
            os.kill(supervisor(s), signal.SIGKILL)
            for name in NAMES:
                s.kill(name)
            wait_for(lambda: not any(pids(s).values()), 5, "all are dead")
        s.ctl("backup", file)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        names = subprocess.run(["tar", "-tf", file], capture_output=True, text=True, check=True).stdout.split()
        assert {"etc/jackdaw.conf", "keys/localhost.key", "authd/data/credentials.db",
                "storaged/data/main.db", "storaged/data/archive.db"} <= set(names)
        if state == "up":
            refused(s.ctl("restore", file, check=False), "running")
        else:
            s.up()
        s.ctl("user", "del", "alice@localhost")
        s.add_user("bob@localhost")
        s.ctl("domain", "add", "example.org")
        s.down()
        (s.dir / "keys" / "localhost.crt").unlink()
        s.ctl("restore", file)
        assert certificate_file(s) == before
        s.up()
        assert s.ctl("user", "list").stdout == "alice@localhost\n"
        assert s.ctl("domain", "list").stdout == "localhost\n"

        async def story():
            async with clients(s, "alice@localhost/one"):
                pass
        asyncio.run(story())


def certificate_file(suite):
    return (suite.dir / "keys" / "localhost.crt").read_bytes()


def test_a_damaged_backup_changes_nothing(tmp_path):
    with Suite() as s:
        s.add_user("alice@localhost")
        s.ctl("backup", tmp_path / "good")
        s.down()
        s.ctl("user", "add", "bob@localhost", input="pw\n")
        good = (tmp_path / "good").read_bytes()
        (tmp_path / "short").write_bytes(good[:len(good) // 2])
        (tmp_path / "other").write_bytes(b"something else" * 100)
        shutil.copy(tmp_path / "good", tmp_path / "more")
        evil = tmp_path / "etc"
        evil.mkdir()
        (evil / "x").write_text("x")
        subprocess.run(["tar", "-C", tmp_path, "--format=ustar", "-cf", tmp_path / "no mark", "etc/x"], check=True)
        for name in ("short", "other", "no mark"):
            refused(s.ctl("restore", tmp_path / name, check=False), name)
        refused(s.ctl("restore", tmp_path / "none", check=False), "No such file")
        refused(s.ctl("backup", tmp_path / "no" / "where", check=False), "No such file")
        assert s.ctl("user", "list").stdout.split() == ["alice@localhost", "bob@localhost"]
        assert not list(s.dir.rglob(".*.new"))


@pytest.mark.parametrize("name", ["../evil", "../../evil", "/tmp/jackdaw-evil", "etc/../../evil", "keys/../evil", "etc/sub/evil",
                                  "etc/.hidden", "authd/data/../evil", ".", "etc/", "evil"])
def test_inv_18_names_in_a_backup_lead_nowhere_else(tmp_path, name):
    """A member has one of the places that a suite has, or nothing is restored."""
    with Suite(start=False) as s:
        s.ctl("user", "add", "alice@localhost", input="pw\n")
        s.ctl("backup", tmp_path / "good")
        s.ctl("user", "add", "bob@localhost", input="pw\n")
        before = sorted(str(p) for p in s.home.rglob("*"))
        with tarfile.open(tmp_path / "good", "a", format=tarfile.USTAR_FORMAT) as tar:
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
        refused(s.ctl("restore", tmp_path / "good", check=False), "has no place in a suite")
        assert s.ctl("user", "list").stdout.split() == ["alice@localhost", "bob@localhost"]
        assert sorted(str(p) for p in s.home.rglob("*")) == before
        assert not os.path.exists("/tmp/jackdaw-evil")

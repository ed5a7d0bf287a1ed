"""What the daemons of a suite that root started may still do, seen from outside by /proc, and what each has in its memory."""

import asyncio
import base64
import contextlib
import grp
import os
import pathlib
import shutil
import sqlite3
import subprocess

import pytest

from chat import Client
from suite import BUILD, DAEMONS, Suite

UID_BASE = 64100
ROLES = ["router", "c2sd", "s2sd", "componentd", "sessiond", "authd", "storaged", "ctl", "keyd"]
ONE_USER = int(pathlib.Path("/proc/self/uid_map").read_text().split()[2]) < 65536

MECHANISMS = ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"]


@pytest.fixture(name="suite", scope="module")
def suite_fixture():
    with Suite() as s:
        s.add_user("alice@localhost")
        asyncio.run(log_in_each_way(s))
        yield s


async def log_in_each_way(suite):
    for mechanism in MECHANISMS:
        client = await Client(suite, "alice@localhost", mechanism=mechanism).login()
        await client.logout()


def threads(suite, daemon):
    """The status of each of its threads, as a dictionary."""
    for task in pathlib.Path(f"/proc/{suite.pid(daemon)}/task").iterdir():
        yield dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)


@pytest.mark.skipif(ONE_USER, reason="needs real root: in this user namespace there is no other user to become")
def test_each_role_has_a_user_of_its_own(suite):
    for daemon in DAEMONS:
        uid = str(UID_BASE + ROLES.index(daemon))
        for status in threads(suite, daemon):
            assert status["Uid"].split() == [uid] * 4 and status["Gid"].split() == [uid] * 4, daemon
            assert status["Groups"].split() == [], daemon


@pytest.mark.skipif(ONE_USER, reason="needs real root: without another user nobody is locked into his folder")
def test_each_daemon_sees_its_own_folder_only(suite):
    for daemon in DAEMONS:
        root = os.readlink(f"/proc/{suite.pid(daemon)}/root")
        assert root == str(suite.dir / daemon)


@pytest.mark.parametrize("daemon", DAEMONS)
def test_no_thread_keeps_a_capability(suite, daemon):
    found = list(threads(suite, daemon))
    assert len(found) > (daemon in ("c2sd", "authd", "storaged"))
    for status in found:
        for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[field], 16) == 0, f"{daemon}, {status['Name']}: {field}"
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", daemon


@pytest.mark.parametrize("daemon", DAEMONS)
def test_limits(suite, daemon):
    text = pathlib.Path(f"/proc/{suite.pid(daemon)}/limits").read_text()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in text.splitlines()[1:]}
    assert limits["Max core file size"] == ["0", "0"]
    if daemon in ("router", "sessiond", "c2sd"):
        assert limits["Max file size"] == ["0", "0"]


@pytest.mark.parametrize("daemon", DAEMONS)
def test_no_file_of_another_is_open(suite, daemon):
    """What an open descriptor leads to: sockets and pipes, /dev/null, the pid file and its lock, the log, files in data."""
    for fd in pathlib.Path(f"/proc/{suite.pid(daemon)}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(fd)
            allowed = (target.startswith(("socket:", "pipe:", "anon_inode:", str(suite.dir / daemon / "data")))
                       or target in ["/dev/null", *(f"{suite.dir}/run/{daemon}.0.{kind}" for kind in ("pid", "lock", "log-pipe"))])
            assert allowed, f"{daemon}: {target}"


# ---- memory ----

def memory(pid):
    """All that the process has mapped and may read."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *rest = line.split()
            if "r" not in rights or rest[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            start, end = (int(n, 16) for n in span.split("-"))
            if end - start > 1 << 30:
                continue  # reserved by a sanitizer
            with contextlib.suppress(OSError):
                mem.seek(start)
                yield mem.read(end - start)


def holders(suite, secrets):
    """The daemons in whose memory one of these byte strings stands."""
    found = set()
    for daemon in DAEMONS:
        if any(secret in chunk for chunk in memory(suite.pid(daemon)) for secret in secrets):
            found.add(daemon)
    return found


def verifiers(suite, folder):
    """From a copy: the files are authd's alone while it runs."""
    for name in ("credentials.db", "credentials.db-wal"):
        if (suite.dir / "authd" / "data" / name).exists():
            shutil.copy(suite.dir / "authd" / "data" / name, folder / name)
    with contextlib.closing(sqlite3.connect(folder / "credentials.db")) as db:
        rows = db.execute("SELECT stored_key, server_key FROM credential").fetchall()
    assert len(rows) >= 3
    return [key for row in rows for key in row]


def readable(suite):
    try:
        with open(f"/proc/{suite.pid('keyd')}/mem", "rb"):
            return True
    except PermissionError:
        return False


def test_only_keyd_has_the_private_key(suite):
    """As it stands in the file, and as the numbers that are computed with."""
    if not readable(suite):
        pytest.skip("the memory of other processes cannot be read here")
    lines = (suite.dir / "keys" / "localhost.key").read_text().splitlines()
    der = base64.b64decode("".join(line for line in lines if not line.startswith("-")))
    at = der.index(b"\x02\x01\x01\x04") + 4  # version 1, then the octets of the number
    number = der[at + 1:at + 1 + der[at]].lstrip(b"\0")
    assert holders(suite, [number, number[::-1], lines[1].encode()]) == {"keyd"}


def test_only_authd_has_verifiers(suite, tmp_path):
    if not readable(suite):
        pytest.skip("the memory of other processes cannot be read here")
    assert holders(suite, verifiers(suite, tmp_path)) == {"authd"}


def test_only_authd_has_the_key_that_opens_passwords(suite):
    if not readable(suite):
        pytest.skip("the memory of other processes cannot be read here")
    assert holders(suite, [(suite.dir / "authd" / "data" / "seal.key").read_bytes()[:32]]) == {"authd"}


def as_user(suite, uid, gid, groups, *args):
    """jackdawctl, called by somebody else."""
    def become():
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    return subprocess.run([str(BUILD / "bin" / "jackdawctl"), "--dir", str(suite.dir), *args], capture_output=True,
                          text=True, timeout=60, check=False, preexec_fn=become)


@pytest.mark.skipif(ONE_USER, reason="needs real root: in this user namespace there is no other user to become")
def test_members_of_admin_group_may_administer():
    group = grp.getgrnam("games")
    with Suite(start=False) as suite:
        conf = suite.dir / "etc" / "jackdaw.conf"
        conf.write_text(conf.read_text() + f'admin_group = "{group.gr_name}"\n')
        suite.up()
        suite.add_user("alice@localhost")
        member = as_user(suite, 65534, 65534, [group.gr_gid], "user", "list")
        assert (member.returncode, member.stdout) == (0, "alice@localhost\n"), member.stderr
        assert as_user(suite, 65534, 65534, [group.gr_gid], "session", "list").returncode == 0
        # sees who runs; what it can open there it may lock, and keeps nobody from starting with it
        seen = as_user(suite, 65534, 65534, [group.gr_gid], "status").stdout
        assert all(str(pid) in seen for pid, _, _ in suite.status().values()), seen
        for name in os.listdir(suite.dir / "run"):
            mode = (suite.dir / "run" / name).stat().st_mode
            assert mode & 0o077 == 0 or name.endswith(".pid"), name
        stranger = as_user(suite, 65534, 65534, [], "user", "list")
        assert stranger.returncode != 0 and "Permission denied" in stranger.stderr
        # no more than that: the folders of the daemons, their sockets and the supervisor's are not for them
        assert as_user(suite, 65534, 65534, [group.gr_gid], "log", "authd", "debug").returncode != 0
        assert as_user(suite, 65534, 65534, [group.gr_gid], "down").returncode != 0
        assert all(pid and state == "ready" for pid, state, _ in suite.status().values())
        for name in ("authd", "storaged", "c2sd", "router"):
            assert (suite.dir / name).stat().st_gid != group.gr_gid
        for file in (suite.dir / "etc").iterdir():
            assert (file.stat().st_gid == group.gr_gid) == (file.name == "jackdaw.conf")

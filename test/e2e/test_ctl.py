"""The operator's command: making, starting and watching a suite."""

import contextlib
import hashlib
import os
import pathlib
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import time

import pytest

from operate import CTL, NAMES, ctl, pids, refused, supervisor
from suite import BUILD, PATIENCE, PROGRAMS, Suite, free_offset, wait_for


# ---- the command line ----

@pytest.mark.parametrize("line", [
    [], ["nonsense"], ["user"], ["user", "nonsense"], ["user", "add"], ["user", "add", "a@b", "c"], ["--nonsense"],
    ["status", "--detach"], ["init", "--port-offset", "x"], ["init", "--port-offset", "70000"], ["--dir"],
    ["cert", "import", "localhost"],
])
def test_a_wrong_command_line_costs_one_line_and_status_2(line):
    done = ctl(*line)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_help_and_version():
    for word in ("init", "up", "user add", "session kick", "backup"):
        assert word in ctl("--help").stdout
    assert ctl("--version").stdout.startswith("jackdawctl ")
    assert len(ctl("version").stdout.splitlines()) == 1 + len(PROGRAMS)


# ---- init ----

def test_init_makes_a_suite_with_settings_that_pass(folder):
    done = ctl("init", "--dir", folder, "--domain", "Example.ORG", "--domain", "localhost", "--port-offset", 10000)
    assert done.returncode == 0, done.stderr
    assert ctl("--dir", folder, "domain", "list").stdout.split() == ["example.org", "localhost"]
    assert ctl("--dir", folder, "check").returncode == 0
    for daemon in PROGRAMS:
        assert (folder / "etc" / f"{daemon}.conf").exists()
    assert "15222" in subprocess.run([BUILD / "bin" / "c2sd", "--dir", folder, "-L"], capture_output=True, text=True,
                                     check=True).stdout
    key = (folder / "authd" / "data" / "authd.pub").read_bytes()
    assert len(key) == 32
    assert (folder / "c2sd" / "authd.pub").read_bytes() == key == (folder / "ctl" / "authd.pub").read_bytes()


def test_init_lets_nobody_look_into_what_is_secret(folder):
    ctl("init", "--dir", folder)
    for name in ("etc", "run", "log", "keys", "authd/data", "storaged/data", "ctl"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700, name
    for path in (folder / "authd" / "data").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_init_takes_an_empty_folder_and_no_other(folder):
    folder.mkdir()
    assert ctl("init", "--dir", folder).returncode == 0
    before = sorted(folder.rglob("*"))
    refused(ctl("init", "--dir", folder), "not empty")
    assert sorted(folder.rglob("*")) == before
    (folder.parent / "file").write_text("x")
    refused(ctl("init", "--dir", folder.parent / "file"), "no folder")
    refused(ctl("init", "--dir", folder.parent / "no" / "where"), "No such file")


def test_an_init_that_fails_leaves_nothing_behind(folder):
    refused(ctl("init", "--dir", folder, "--domain", "no domain"), "no domain")
    assert not folder.exists()
    folder.mkdir()
    refused(ctl("init", "--dir", folder, "--domain", "no domain"), "no domain")
    assert list(folder.iterdir()) == []


def test_init_in_the_current_folder(folder):
    folder.mkdir()
    assert ctl("init", "--dir", ".", cwd=folder).returncode == 0
    assert ctl("--dir", ".", "check", cwd=folder).returncode == 0
    assert ctl("--dir", "../suite", "check", cwd=folder).returncode == 0


def test_what_is_no_suite_is_said_so(folder):
    refused(ctl("--dir", folder, "status"), "does not exist", "jackdawctl init")
    refused(ctl("--dir", folder, "up", "--detach"), "jackdawctl init")
    folder.mkdir()
    refused(ctl("--dir", folder, "user", "list"), "jackdawctl init")


# ---- up, down, status ----

def test_up_status_down():
    with Suite(start=False) as s:
        done = s.ctl("status", check=False)
        assert done.returncode == 1
        assert [line.split()[0] for line in done.stdout.splitlines()] == ["NAME", *NAMES]
        start = time.monotonic()
        s.up()
        assert time.monotonic() - start < 2 * PATIENCE
        done = s.ctl("status")
        assert done.stdout.splitlines()[0].split() == ["NAME", "PID", "STATE", "LINK", "UPTIME", "RESTARTS"]
        rows = s.status()
        assert list(rows) == NAMES
        for name, (pid, state, link) in rows.items():
            assert pid > 0 and state == "ready"
            assert link == ("-" if name in ("router.0", "keyd.0") else "up")
        refused(s.ctl("up", "--detach", check=False), "running already", str(supervisor(s)))
        refused(s.ctl("up", check=False), "running already")
        assert pids(s) == {name: pid for name, (pid, _, _) in rows.items()}
        s.down()
        assert all(pid == 0 for pid in pids(s).values())
        s.down()
        s.up()


def test_up_in_the_foreground_shows_one_log_and_ends_with_ctrl_c():
    with Suite(start=False) as s:
        process = subprocess.Popen([CTL, "--dir", s.dir, "up"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, start_new_session=True)
        try:
            s.wait_linked()
            os.killpg(process.pid, signal.SIGINT)
            output = process.communicate(timeout=20 * PATIENCE)[0]
        finally:
            process.kill()
        assert process.returncode == 0
        for name in NAMES:
            assert any(f" {name} " in line and line.endswith(" ready") for line in output.splitlines()), output
        ends = [line.split()[1] for line in output.splitlines() if line.endswith(" stopping")]
        assert ends == list(reversed(NAMES))
        assert all(pid == 0 for pid in pids(s).values())


def test_two_suites_side_by_side():
    with Suite() as one, Suite() as other:
        assert set(pids(one).values()).isdisjoint(pids(other).values())
        one.down()
        assert other.ctl("status").returncode == 0


def test_a_taken_port_is_said_before_anything_starts():
    with Suite(start=False) as s, socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("::", s.port))
        other.listen()
        refused(s.ctl("up", "--detach", check=False), str(s.port), "taken", "port_offset")
        assert all(pid == 0 for pid in pids(s).values())


def test_a_broken_file_is_said_before_anything_starts():
    with Suite(start=False) as s:
        with open(s.dir / "etc" / "c2sd.conf", "a", encoding="utf-8") as f:
            f.write("\nnonsense = 1\n")
        n = len((s.dir / "etc" / "c2sd.conf").read_text().splitlines())
        refused(s.ctl("up", "--detach", check=False), f"c2sd.conf:{n}:", "nonsense")
        refused(s.ctl("check", check=False), f"c2sd.conf:{n}:")
        assert all(pid == 0 for pid in pids(s).values())


def test_files_of_a_newer_version_are_refused_with_the_reason():
    with Suite() as s:
        s.down()
        with sqlite3.connect(s.dir / "storaged" / "data" / "main.db") as db:
            db.execute("PRAGMA user_version = 999")
        done = s.ctl("up", "--detach", check=False)
        assert done.returncode == 1
        assert "storaged.0 does not come up" in done.stderr
        assert "newer version" in done.stderr
        assert all(pid == 0 for pid in pids(s).values())


def test_a_path_of_200_bytes_works():
    def long_path(home):
        path = home / ("d" * 100)
        path.mkdir()
        return path / ("e" * (200 - len(str(path)) - 1))

    with Suite(folder=long_path) as s:
        assert len(str(s.dir)) == 200
        assert s.ctl("status").returncode == 0
        s.add_user("alice@localhost")
        assert s.ctl("user", "list").stdout == "alice@localhost\n"
        s.ctl("reload")
        s.ctl("restart", "c2sd")
        s.ctl("session", "list")
        os.kill(supervisor(s), signal.SIGKILL)
        s.ctl("up", "--detach")


def test_a_failed_start_spares_what_ran_before(own_suite):
    s = own_suite
    before = pids(s)
    os.kill(supervisor(s), signal.SIGKILL)
    s.kill("storaged")
    wait_for(lambda: pids(s)["storaged.0"] == 0, 5, "storaged is dead")
    with contextlib.closing(sqlite3.connect(s.dir / "storaged" / "data" / "main.db")) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("PRAGMA user_version = 999")
    done = s.ctl("up", "--detach", check=False)
    assert done.returncode == 1 and "storaged.0 does not come up" in done.stderr
    after = pids(s)
    assert {name for name in before if after[name] != before[name]} == {"storaged.0"}
    with contextlib.closing(sqlite3.connect(s.dir / "storaged" / "data" / "main.db")) as db:
        db.execute(f"PRAGMA user_version = {version}")
    s.up()
    assert {name for name in before if pids(s)[name] != before[name]} == {"storaged.0"}


def test_several_instances():
    with Suite(settings={"jackdaw": "\nc2sd = 2\nsessiond = 2\n"}) as s:
        before = pids(s)
        assert set(before) == {*NAMES, "c2sd.1", "sessiond.1"}
        s.ctl("restart", "c2sd.1")
        after = pids(s)
        assert {name for name in before if before[name] != after[name]} == {"c2sd.1"}
        # An adopted instance keeps its listeners, another one beside it gets its own.
        os.kill(supervisor(s), signal.SIGKILL)
        os.kill(after["c2sd.1"], signal.SIGKILL)
        wait_for(lambda: pids(s)["c2sd.1"] == 0, 5, "c2sd.1 is down")
        s.up()
        assert pids(s)["c2sd.0"] == after["c2sd.0"]
        s.wait_linked()
        s.kill("c2sd.0")
        s.wait_linked()
        s.ctl("restart")
        s.wait_linked()


def test_free_offset_moves_every_port(folder):
    offset = free_offset()
    ctl("init", "--dir", folder, "--domain", "localhost", "--port-offset", offset)
    try:
        assert ctl("--dir", folder, "up", "--detach").returncode == 0
        for port in (5222, 5223):
            with socket.create_connection(("127.0.0.1", port + offset), 5):
                pass
    finally:
        ctl("--dir", folder, "down")


# ---- make run ----

@contextlib.contextmanager
def demo(folder, offset):
    """etc/demo, running; gives what it shows before the log, as lines."""
    script = pathlib.Path(__file__).resolve().parents[2] / "etc" / "demo"
    process = subprocess.Popen([script, BUILD], env={**os.environ, "JACKDAW_DIR": str(folder), "PORT_OFFSET": str(offset)},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        lines = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines[-4:])
        yield lines
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30 * PATIENCE)


def test_the_demonstration(folder):
    offset = free_offset()
    with demo(folder, offset) as lines:
        text = "".join(lines)
        assert f"port {5222 + offset} (STARTTLS) or {5223 + offset} (direct TLS)" in text
        accounts = [line.split() for line in lines if " JID " in line]
        assert [line[1] for line in accounts] == ["alice@localhost", "bob@localhost"]
        assert accounts[0][3] != accounts[1][3] and len(accounts[0][3]) >= 12
        shown = text.split("(SHA-256):")[1].split()[0]
        der = ssl.PEM_cert_to_DER_cert((folder / "keys" / "localhost.crt").read_text())
        assert shown.replace(":", "").lower() == hashlib.sha256(der).hexdigest()
        assert ctl("--dir", folder, "user", "list").stdout == "alice@localhost\nbob@localhost\n"
    with demo(folder, offset + 1) as again:
        assert [line for line in again if " JID " in line] == [line for line in lines if " JID " in line]
        assert f"port {5223 + offset}" in "".join(again)
    with socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("::", 5222 + offset))
        other.listen()
        with pytest.raises(AssertionError, match="PORT_OFFSET.*--port-offset"):
            with demo(folder, offset):
                pass

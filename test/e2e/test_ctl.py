"""The operator's command: making, starting, watching and administering a suite."""

import asyncio
import contextlib
import io
import hashlib
import os
import pathlib
import pty
import select
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import tarfile
import time

import pytest

from chat import clients
from suite import BUILD, DAEMONS, PATIENCE, PROGRAMS, Suite, free_offset, wait_for

CTL = str(BUILD / "bin" / "jackdawctl")
NAMES = [f"{daemon}.0" for daemon in DAEMONS]


def ctl(*args, **options):
    return subprocess.run([CTL, *map(str, args)], capture_output=True, text=True, check=False,
                          timeout=60 * PATIENCE, **options)


def refused(done, *words):
    """It has failed with one line that says all this."""
    assert done.returncode == 1, done.stdout + done.stderr
    line = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in line, line


def pids(suite):
    return {name: pid for name, (pid, _, _) in suite.status().items()}


def supervisor(suite):
    return int((suite.dir / "run" / "supervisor.pid").read_text())


def restarts(suite, name):
    lines = suite.ctl("status", check=False).stdout.splitlines()
    return next(line.split()[5] for line in lines if line.startswith(name + " "))


def is_back(suite, name, old):
    """The daemon runs as another process, and is ready."""
    pid, state, _ = suite.status()[name]
    return pid not in (0, old) and state == "ready"


@pytest.fixture
def folder(tmp_path_factory):
    """A path for a suite; daemons of other users must be able to pass through to it."""
    home = tmp_path_factory.mktemp("ctl")
    for part in (home, *home.parents):
        if part.owner() == pathlib.Path.home().owner() and part != pathlib.Path("/"):
            with contextlib.suppress(PermissionError):
                part.chmod(part.stat().st_mode | stat.S_IXOTH)
    return home / "suite"


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


# ---- supervision ----

@pytest.mark.parametrize("daemon", DAEMONS)
def test_what_dies_is_started_again(suite, daemon):
    name = f"{daemon}.0"
    before = int(restarts(suite, name))
    old = suite.kill(name)
    wait_for(lambda: is_back(suite, name, old), 5, f"{name} is back")
    assert int(restarts(suite, name)) == before + 1
    suite.wait_linked()


def test_what_dies_too_often_waits(own_suite):
    s = own_suite
    for _ in range(4):
        old = s.kill("keyd")
        wait_for(lambda: is_back(s, "keyd.0", old), 5, "keyd is another one")
        wait_for(lambda: s.status()["keyd.0"][1] == "ready", 5, "keyd is ready")
    s.kill("keyd")
    wait_for(lambda: s.status()["keyd.0"][1] == "paused", 5, "keyd waits")
    done = s.ctl("status", check=False)
    assert done.returncode == 1
    wait_for(lambda: s.status()["keyd.0"][1] == "ready", 5, "keyd is back after a second")
    s.kill("keyd")
    wait_for(lambda: s.status()["keyd.0"][1] == "paused", 5, "keyd waits again")
    s.ctl("restart", "keyd")
    assert s.status()["keyd.0"][1] == "ready"
    assert "for the 5th time" in s.logs()["supervisor.log"]


@pytest.mark.timeout(120 * PATIENCE)
def test_what_hangs_is_killed(own_suite):
    s = own_suite
    old = pids(s)
    os.kill(old["sessiond.0"], signal.SIGSTOP)
    os.kill(supervisor(s), signal.SIGKILL)
    os.kill(old["router.0"], signal.SIGSTOP)
    assert s.ctl("status", check=False).stdout.count("silent") == 2
    s.ctl("up", "--detach", check=False)  # adopts both; neither answers
    wait_for(lambda: is_back(s, "sessiond.0", old["sessiond.0"]) and is_back(s, "router.0", old["router.0"]), 25,
             "both are back")
    fresh = pids(s)
    os.kill(fresh["router.0"], signal.SIGSTOP)  # now by its silence on the notify socket
    wait_for(lambda: is_back(s, "router.0", fresh["router.0"]), 25, "router is back")
    assert {name for name in fresh if pids(s)[name] != fresh[name]} == {"router.0"}
    assert "no sign of life" in s.logs()["supervisor.log"]


def test_a_lost_supervisor_stops_nothing_and_the_next_one_adopts(own_suite):
    s = own_suite
    before = pids(s)
    os.kill(supervisor(s), signal.SIGKILL)
    wait_for(lambda: s.ctl("restart", check=False).returncode == 1, 5, "it is gone")
    assert s.ctl("status").returncode == 0  # and nobody has counted restarts
    assert restarts(s, "c2sd.0") == "-"
    refused(s.ctl("restart", "c2sd", check=False), "no supervisor", "up --detach")
    s.ctl("log", "router", "debug")
    s.ctl("user", "list")
    s.kill("authd")
    time.sleep(0.2)
    assert pids(s)["authd.0"] == 0

    s.up()
    after = pids(s)
    assert {name for name in before if after[name] != before[name]} == {"authd.0"}
    log = s.dir / "log" / "router.log"
    size = log.stat().st_size
    s.ctl("restart", "sessiond")
    wait_for(lambda: log.stat().st_size > size, 5, "the adopted router's log goes on")
    for name in ("router.0", "c2sd.0"):
        s.kill(name)
        wait_for(lambda name=name: is_back(s, name, after[name]), 5, f"{name} is back")
    s.wait_linked()
    with socket.create_connection(("127.0.0.1", s.port), 5):
        pass


def test_down_without_a_supervisor(own_suite):
    os.kill(supervisor(own_suite), signal.SIGKILL)
    own_suite.down()
    assert all(pid == 0 for pid in pids(own_suite).values())


def test_one_daemon_at_a_time(own_suite):
    s = own_suite
    before = pids(s)
    s.ctl("down", "keyd")
    assert s.status()["keyd.0"][:2] == (0, "down")
    assert s.ctl("status", "keyd", check=False).returncode == 1
    assert s.ctl("status", "router").returncode == 0
    s.ctl("up", "keyd")
    assert s.ctl("status").returncode == 0
    s.ctl("restart", "c2sd")
    after = pids(s)
    assert {name for name in before if after[name] != before[name]} == {"keyd.0", "c2sd.0"}
    s.ctl("restart")
    assert set(pids(s).values()).isdisjoint(after.values())
    for verb in ("restart", "reload", "down", "up", "status"):
        refused(s.ctl(verb, "nonsense", check=False), "there is no daemon nonsense here")
    refused(s.ctl("restart", "c2sd.7", check=False), "there is no daemon c2sd.7")


def test_connects_queue_while_c2sd_restarts(own_suite):
    s = own_suite
    s.ctl("down", "c2sd")
    with socket.create_connection(("127.0.0.1", s.port), 5) as early:
        early.sendall(b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
                      b" xmlns:stream='http://etherx.jabber.org/streams'>")
        s.ctl("up", "c2sd")
        early.settimeout(10 * PATIENCE)
        assert b"stream" in early.recv(4096)


def test_with_the_router_dead(own_suite):
    s = own_suite
    s.ctl("down", "router")
    assert s.ctl("status", check=False).returncode == 1
    assert s.status()["authd.0"][1:] == ("ready", "down")
    refused(s.ctl("user", "list", check=False), "router is down")
    refused(s.ctl("session", "list", check=False), "router is down")
    s.ctl("reload", "c2sd")
    s.ctl("restart", "keyd")
    s.ctl("log", "authd", "debug")
    s.ctl("cert", "list")
    s.ctl("domain", "add", "example.org", check=False)
    assert s.ctl("domain", "list").stdout.split() == ["localhost", "example.org"]
    s.down()


def test_logs_are_reopened_and_escaped(own_suite):
    s = own_suite
    log = s.dir / "log" / "supervisor.log"
    log.rename(s.dir / "log" / "supervisor.log.1")
    os.kill(supervisor(s), signal.SIGUSR1)
    s.ctl("restart", "keyd")
    old = s.kill("keyd")
    wait_for(lambda: is_back(s, "keyd.0", old), 5, "keyd is back")
    assert "keyd.0 was killed by SIGKILL" in log.read_text()
    with open(s.dir / "run" / "keyd.0.log-pipe", "wb", buffering=0) as pipe:
        pipe.write(b"raw \x1b[31m text\n" + b"x" * 10000 + b"\n")
    wait_for(lambda: "raw \\x1b[31m text" in s.logs()["keyd.log"], 5, "the line is there")
    assert max(map(len, s.logs()["keyd.log"].splitlines())) < 5000


def test_log_levels(suite):
    suite.ctl("log", "router", "debug")
    suite.ctl("log", "c2sd.0", "info")
    refused(suite.ctl("log", "router", "loud", check=False), "loud", "debug")
    suite.ctl("log", "router", "info")


# ---- settings ----

def test_reload(own_suite):
    s = own_suite
    before = pids(s)
    settings = s.dir / "etc" / "authd.conf"
    text = settings.read_text()
    settings.write_text(text + "\niterations = 5000\n")
    s.ctl("reload", "authd")
    assert "new settings are in force" in s.logs()["authd.log"]
    settings.write_text(text + "\niterations = soon\n")
    line = len(settings.read_text().splitlines())
    refused(s.ctl("reload", "authd", check=False), f"authd.conf:{line}:", "old settings")
    refused(s.ctl("restart", check=False), f"authd.conf:{line}:")
    assert pids(s) == before
    settings.unlink()
    s.ctl("reload")
    (s.dir / "etc" / "jackdaw.conf").write_text("domains = {\n")
    refused(s.ctl("reload", "router", check=False), "jackdaw.conf:")
    assert s.ctl("status", check=False).returncode == 0
    s.down()
    assert all(pid == 0 for pid in pids(s).values())


def test_domains_while_up_and_down():
    with Suite() as s:
        conf = s.dir / "etc" / "jackdaw.conf"
        conf.write_text(conf.read_text().replace('domains = {"localhost"}',
                                                 'domains = {\n\t"localhost", # ours\n}'))
        s.ctl("domain", "add", "Example.ORG")
        assert s.ctl("domain", "list").stdout.split() == ["localhost", "example.org"]
        assert "# ours" in conf.read_text()
        assert certificate(s, "example.org")
        s.add_user("alice@example.org")
        refused(s.ctl("domain", "add", "example.org", check=False), "already")
        refused(s.ctl("domain", "add", "no domain", check=False), "no domain name")
        s.down()
        s.ctl("domain", "add", "second.example")
        refused(s.ctl("user", "add", "x@third.example", input="pw\n", check=False), "jackdawctl domain add")
        s.up()
        s.add_user("bob@second.example")
        s.ctl("domain", "del", "example.org")
        refused(s.ctl("domain", "del", "example.org", check=False), "not served")
        assert s.ctl("domain", "list").stdout.split() == ["localhost", "second.example"]
        refused(s.ctl("user", "add", "c@example.org", input="pw\n", check=False), "jackdawctl domain add")
        s.ctl("restart")
        assert s.ctl("domain", "list").stdout.split() == ["localhost", "second.example"]


def test_a_suite_without_a_domain():
    with Suite(domains=()) as s:
        assert s.ctl("domain", "list").stdout == ""
        s.ctl("domain", "add", "example.org")
        s.add_user("alice@example.org")


# ---- certificates ----

def certificate(suite, name):
    """What the direct TLS port shows for a name, in DER; None when the handshake fails."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(OSError):
        with socket.create_connection(("127.0.0.1", suite.direct_port), 10 * PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname=name) as tls:
                return tls.getpeercert(binary_form=True)
    return None


def make_pair(where, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "30",
                    "-keyout", where / "key.pem", "-out", where / "crt.pem"], check=True, capture_output=True)
    return where / "key.pem", where / "crt.pem"


def test_certificates(tmp_path):
    key, crt = make_pair(tmp_path, "localhost")
    der = ssl.PEM_cert_to_DER_cert(crt.read_text())
    with Suite() as s:
        wait_for(lambda: certificate(s, "localhost"), 5, "a certificate")
        assert "localhost" in s.ctl("cert", "list").stdout
        refused(s.ctl("cert", "import", "other.example", key, crt, check=False), "domain add")
        refused(s.ctl("cert", "import", "localhost", tmp_path / "none", crt, check=False), "No such file")
        refused(s.ctl("cert", "import", "localhost", crt, key, check=False), "no private key")
        (tmp_path / "other").mkdir()
        other_key, _ = make_pair(tmp_path / "other", "localhost")
        before = certificate(s, "localhost")
        refused(s.ctl("cert", "import", "localhost", other_key, crt, check=False), "key")
        assert certificate(s, "localhost") == before != der
        s.ctl("cert", "import", "localhost", key, crt)
        wait_for(lambda: certificate(s, "localhost") == der, 5, "the new certificate")
        s.ctl("restart")
        wait_for(lambda: certificate(s, "localhost") == der, 5, "the new certificate, still")
        assert stat.S_IMODE((s.dir / "keys" / "localhost.key").stat().st_mode) == 0o600
        s.down()
        assert "localhost" in s.ctl("cert", "list").stdout
        s.ctl("cert", "import", "localhost", other_key, tmp_path / "other" / "crt.pem")
        s.up()
        wait_for(lambda: certificate(s, "localhost") not in (None, der), 5, "the other certificate")


def test_keys_in_another_folder(tmp_path):
    key, crt = make_pair(tmp_path, "localhost")
    keys = tmp_path / "keys"
    with Suite(settings={"keyd": f'\nkeys = "{keys}"\n'}) as s:
        s.ctl("cert", "import", "localhost", key, crt)
        assert (keys / "localhost.key").read_bytes() == key.read_bytes()
        s.ctl("domain", "add", "example.org")
        assert (keys / "example.org.crt").exists()
        s.ctl("backup", tmp_path / "backup")
        names = subprocess.run(["tar", "-tf", tmp_path / "backup"], capture_output=True, text=True, check=True).stdout
        assert "keys/example.org.key" in names.split()


# ---- accounts ----

@pytest.fixture(params=["up", "down"])
def accounts(request):
    with Suite(start=request.param == "up") as s:
        yield s


def test_accounts(accounts):
    s = accounts
    assert s.ctl("user", "add", "Alice@LOCALHOST", input="päss wörd\n").stdout == "alice@localhost: added\n"
    refused(s.ctl("user", "add", "alice@localhost", input="pw\n", check=False), "alice@localhost", "exists")
    s.ctl("user", "passwd", "alice@localhost", input="another")
    refused(s.ctl("user", "passwd", "bob@localhost", input="pw\n", check=False), "bob@localhost", "no such account")
    refused(s.ctl("user", "del", "bob@localhost", check=False), "no such account")
    refused(s.ctl("user", "add", "bob@example.org", input="pw\n", check=False), "jackdawctl domain add example.org")
    refused(s.ctl("user", "add", "bob", input="pw\n", check=False), "name@example.org")
    refused(s.ctl("user", "add", "bob@localhost/x", input="pw\n", check=False), "name@example.org")
    refused(s.ctl("user", "add", "bob@localhost", input="", check=False), "standard input")
    refused(s.ctl("user", "add", "bob@localhost", input="\n", check=False), "empty")
    assert s.ctl("user", "list").stdout == "alice@localhost\n"
    s.ctl("user", "add", "bob@localhost", input=" \n")
    assert s.ctl("user", "list", "localhost").stdout == "alice@localhost\nbob@localhost\n"
    assert s.ctl("user", "list", "example.org").stdout == ""
    s.ctl("user", "del", "bob@localhost")
    assert s.ctl("user", "list").stdout == "alice@localhost\n"


def test_import_and_a_long_list(accounts):
    s = accounts
    with open(s.dir / "etc" / "authd.conf", "a", encoding="utf-8") as f:
        f.write("\niterations = 4096\n")
    if s.start:
        s.ctl("reload", "authd")
    names = [f"user{n:04}@localhost" for n in range(1100 if not PATIENCE > 1 else 100)]
    lines = "".join(f"{name} password of {name}\n" for name in names)
    done = s.run(["--dir", str(s.dir), "user", "import"], input="# a comment\n\n" + lines, timeout=120)
    assert done.stdout == f"{len(names)} added, 0 refused\n"
    assert s.ctl("user", "list").stdout.split() == names
    done = s.ctl("user", "import", input="new@localhost pw\nnonsense\nx@nowhere.example pw\nnew@localhost pw", check=False)
    assert done.returncode == 1
    assert done.stdout == "1 added, 3 refused\n"
    for text in ("line 2", "line 3", "nowhere.example", "new@localhost: the account exists"):
        assert text in done.stderr


def test_many_commands_at_a_time(suite):
    commands = [subprocess.Popen([CTL, "--dir", suite.dir, "user", "add", f"many{n}@localhost"], stdin=subprocess.PIPE,
                                 text=True, stdout=subprocess.DEVNULL) for n in range(12)]
    for process in commands:
        process.stdin.write("pw\n")
        process.stdin.close()
    assert [process.wait(60 * PATIENCE) for process in commands] == [0] * 12


def type_passwords(suite, *lines):
    """Runs `user add` on a terminal of its own and types these lines."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(CTL, [CTL, "--dir", str(suite.dir), "user", "add", "typed@localhost"])
    shown = b""
    try:
        for line in lines:
            end = time.monotonic() + 10 * PATIENCE
            while not shown.rstrip().endswith(b":") and time.monotonic() < end:
                if select.select([fd], [], [], 0.1)[0]:
                    shown += os.read(fd, 4096)
            time.sleep(0.05)
            os.write(fd, line)
            shown += b"|"
        with contextlib.suppress(OSError):
            while True:
                shown += os.read(fd, 4096)
    finally:
        status = os.waitpid(pid, 0)[1]
        os.close(fd)
    return shown.decode(), os.waitstatus_to_exitcode(status)


def test_the_prompt_shows_no_password(suite):
    shown, status = type_passwords(suite, b"secret\n", b"other\n")
    assert status == 1 and "differ" in shown and "secret" not in shown
    shown, status = type_passwords(suite, b"\x03")
    assert status == 1 and "interrupted" in shown
    shown, status = type_passwords(suite, b"secret\n", b"secret\n")
    assert status == 0 and "added" in shown and "secret" not in shown


def test_sessions(own_suite):
    async def story():
        s = own_suite
        async with clients(s, "alice@localhost/one", "bob@localhost/two") as (alice, bob):
            listed = s.ctl("session", "list").stdout
            assert "alice@localhost/one" in listed and "bob@localhost/two" in listed and "127.0.0.1" in listed
            assert s.ctl("session", "kick", "alice@localhost").stdout == "1 session ended\n"
            await asyncio.wait_for(alice.ended.wait(), 10 * PATIENCE)
            assert "alice" not in s.ctl("session", "list").stdout
            s.ctl("session", "kick", "bob@localhost/two")
            await asyncio.wait_for(bob.ended.wait(), 10 * PATIENCE)
            refused(s.ctl("session", "kick", "bob@localhost", check=False), "no session")
            refused(s.ctl("session", "kick", "localhost", check=False), "no address")
    asyncio.run(story())


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


def test_reload_names_what_needs_a_restart(own_suite):
    s = own_suite
    etc = s.dir / "etc"
    changes = {"jackdaw.conf": "port_offset = 20000\n", "storaged.conf": "sweep_seconds = 7\narchive_days = 3\n"}
    for name, text in changes.items():
        with open(etc / name, "a", encoding="utf-8") as file:
            file.write(text)
    done = s.ctl("reload")
    assert done.stderr.splitlines() == [
        "jackdawctl: jackdaw.conf: in force from the next start on: port_offset",
        "jackdawctl: storaged.conf: in force from the next start on: sweep_seconds",
    ]
    log = (s.dir / "log" / "storaged.log").read_text()
    assert "storaged.conf: in force from the next start on: sweep_seconds" in log
    assert s.ctl("reload", "authd").stderr == "jackdawctl: jackdaw.conf: in force from the next start on: port_offset\n"
    s.ctl("restart", "authd")
    assert s.ctl("reload", "authd").stderr == ""


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

"""Process life, by the real daemons: their modes, their sandboxes from inside, long paths, kill -9."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from suite import BUILD, PATIENCE, PROGRAMS, SANITIZED, Suite, wait_for

DAEMON = pytest.mark.parametrize("daemon", PROGRAMS)
ALL = {"jackdaw": "\ns2sd = 1\n"}


@pytest.fixture(scope="module")
def suite():
    with Suite(settings=ALL) as s:
        yield s


@pytest.fixture
def own_suite():
    with Suite(settings=ALL) as s:
        yield s


def run(daemon, *args, timeout=20, **more):
    return subprocess.run([str(BUILD / "bin" / daemon), *args], capture_output=True, text=True, check=False,
                          timeout=timeout * PATIENCE, **more)


def ask(suite, daemon, *args):
    return run(daemon, "--dir", str(suite.dir), *args)


# ---- modes ----

@DAEMON
def test_check(suite, daemon):
    done = ask(suite, daemon, "-n")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{daemon}: the settings are good\n", "")


@DAEMON
def test_settings_in_effect_can_be_read_again(suite, daemon, tmp_path):
    done = ask(suite, daemon, "-nn")
    assert done.returncode == 0, done.stderr
    common, own = done.stdout.split(f"\n# {daemon}.conf\n")
    assert 'domains = {"localhost"}' in common and f"port_offset = {suite.offset}" in common
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "jackdaw.conf").write_text(common)
    (tmp_path / "etc" / f"{daemon}.conf").write_text(own)
    again = run(daemon, "--dir", str(tmp_path), "-nn")
    assert again.stdout == done.stdout, again.stderr


def test_listeners(suite):
    assert ask(suite, "c2sd", "-L").stdout.splitlines() == [
        f"c2s * {suite.port}", f"c2s-direct * {suite.direct_port}"]
    assert ask(suite, "s2sd", "-L").stdout.splitlines() == [
        f"s2s * {suite.server_port}", f"s2s-direct * {suite.server_port + 1}"]
    for daemon in PROGRAMS:
        if daemon not in ("c2sd", "s2sd", "componentd"):
            done = ask(suite, daemon, "-L")
            assert (done.returncode, done.stdout) == (0, "")


@DAEMON
def test_sample_is_accepted(suite, daemon, tmp_path):
    (tmp_path / "etc").mkdir()
    # The sample of a component's section is about one that is called "name".
    (tmp_path / "etc" / "jackdaw.conf").write_text(run(daemon, "--sample-suite").stdout + "\ncomponents = {name}\n")
    sample = run(daemon, "--sample").stdout
    assert sample
    for text in (sample, "\n".join(line[1:] for line in sample.splitlines() if line[1:2] not in (" ", ""))):
        (tmp_path / "etc" / f"{daemon}.conf").write_text(text)
        done = run(daemon, "--dir", str(tmp_path), "-n")
        assert done.returncode == 0, done.stderr


@DAEMON
def test_broken_settings_say_where(daemon, tmp_path):
    (tmp_path / "etc").mkdir()
    for name, text, error in (
            ("jackdaw.conf", "domains = {}\nport_offset = 010\n",
             'jackdaw.conf:2: port_offset: "010" is no whole number; write it with decimal digits only'),
            ("jackdaw.conf", 'domains = {"${HOME}"}\n',
             "jackdaw.conf:1: ${...} is not replaced here; write the value, in single quotes if it is meant so"),
            ("jackdaw.conf", "# one\n\ndomains = {a.example\n", "jackdaw.conf:3: this { is never closed; add a }"),
            (f"{daemon}.conf", "\nno_such_key = 1\n", f"{daemon}.conf:2: no such option 'no_such_key'")):
        (tmp_path / "etc" / "jackdaw.conf").write_text("")
        (tmp_path / "etc" / name).write_text(text)
        done = run(daemon, "--dir", str(tmp_path), "-n")
        assert done.returncode == 1 and done.stderr.rstrip().endswith(error), done.stderr


@DAEMON
def test_without_a_suite(daemon, tmp_path):
    done = run(daemon, "--dir", str(tmp_path / "none"))
    assert done.returncode == 1 and 'run "jackdawctl init" first' in done.stderr


# ---- the sandbox, from inside ----

@DAEMON
def test_self_test_beside_the_running_suite(suite, daemon):
    before = suite.status()
    done = ask(suite, daemon, "--self-test")
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())
    assert "POSSIBLE" not in done.stdout
    for what in ("open a file of the system", "create a file outside the data folder", "make an IPv4 connection",
                 "run a program", "become root"):
        assert verdicts[what].startswith(("refused", "not there")) or (
            daemon == "s2sd" and verdicts[what] == "allowed to this daemon" and "IPv4" in what), done.stdout
    assert verdicts["run a program"] == "refused (seccomp)"
    tried = [verdict for verdict in verdicts.values() if not verdict.startswith("not tried")]
    assert len(tried) == len(verdicts) or SANITIZED
    after = suite.status()
    assert {name: pid for name, (pid, _, _) in before.items()} == {name: pid for name, (pid, _, _) in after.items()}
    assert all(state == "ready" for _, state, _ in after.values())


# ---- names, locks ----

def test_a_path_of_200_bytes():
    def long_folder(home):
        short = str(home) + "/"
        return home / ("d" * (200 - len(short)))

    with Suite(folder=long_folder) as s:
        assert len(str(s.dir)) == 200
        s.wait_linked()
        assert s.ctl("status").returncode == 0
        s.add_user("alice@localhost")
        s.ctl("reload")
        s.ctl("restart", "sessiond")
        s.wait_linked()


@DAEMON
def test_a_second_one_is_refused(suite, daemon):
    done = ask(suite, daemon)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(f"{daemon}.0 runs already (pid {suite.pid(daemon)})"), done.stderr


def test_kill_leaves_no_lock(own_suite):
    for daemon in PROGRAMS:
        pid = own_suite.kill(daemon, signal.SIGKILL)
        wait_for(lambda d=daemon, p=pid: own_suite.pid(d) not in (0, p), 10, f"{daemon} is started again")
    own_suite.wait_linked()
    own_suite.ctl("down")
    for pidfile in (own_suite.dir / "run").glob("*.pid"):
        own = pidfile.read_text().strip()
        assert not own or not pathlib.Path(f"/proc/{own}/exe").exists(), pidfile
    own_suite.up()
    own_suite.wait_linked()


# ---- reload ----

def test_broken_reload_keeps_the_old_settings(own_suite):
    conf = own_suite.dir / "etc" / "authd.conf"
    good = conf.read_text()
    conf.write_text(good + "\nno_such_key = 1\n")
    line = len((good + "\nno_such_key = 1\n").splitlines())
    done = own_suite.ctl("reload", "authd", check=False)
    assert done.returncode == 1 and f"authd.conf:{line}: no such option 'no_such_key'" in done.stdout + done.stderr
    assert own_suite.status()["authd.0"][1] == "ready"
    conf.write_text(good)
    own_suite.ctl("reload", "authd")


def test_hangup_stops_nobody(own_suite):
    before = {name: pid for name, (pid, _, _) in own_suite.status().items()}
    for pid in before.values():
        os.kill(pid, signal.SIGHUP)
    wait_for(lambda: all("SIGHUP is ignored" in text for name, text in own_suite.logs().items()
                         if name.split(".")[0] in PROGRAMS), 5, "said in each log")
    time.sleep(0.2)
    assert {name: pid for name, (pid, _, _) in own_suite.status().items()} == before

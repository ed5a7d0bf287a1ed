"""The operator's command: what dies, hangs or is stopped, the logs, and settings that change."""

import os
import re
import signal
import socket
import time

import pytest

from operate import certificate, is_back, pids, refused, restarts, supervisor
from suite import DAEMONS, PATIENCE, Suite, wait_for
from wire import SESSION, Wire


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
    s.logged("supervisor", "for the 5th time")


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
    s.logged("supervisor", "no sign of life")


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
    s.logged("keyd", "raw \\x1b[31m text")
    assert max(map(len, s.logs()["keyd.log"].splitlines())) < 5000


def lines_of_a_session(suite):
    """What c2sd's log says of one, from its beginning to its end."""
    with Wire.at(suite, SESSION, "alice@localhost") as wire:
        jid = wire.jid
    suite.logged("c2sd", f"{jid}: connection ended by the peer")
    lines = suite.logs()["c2sd.log"].rpartition(" info ready\n")[2].splitlines()  # of this process: numbers begin with 1
    number = next(re.search(r"\[\d+\]", line)[0] for line in lines if jid in line)
    return [line for line in lines if number in line]


def test_log_levels(suite):
    suite.ctl("log", "c2sd.0", "debug")
    assert any(" debug " in line and "TLS1.3" in line for line in lines_of_a_session(suite))
    refused(suite.ctl("log", "c2sd", "loud", check=False), "loud", "debug")
    assert any(" debug " in line for line in lines_of_a_session(suite))
    suite.ctl("log", "c2sd", "info")
    assert not any(" debug " in line for line in lines_of_a_session(suite))


# ---- settings ----

def test_reload(own_suite):
    s = own_suite
    before = pids(s)
    settings = s.dir / "etc" / "authd.conf"
    text = settings.read_text()
    settings.write_text(text + "\niterations = 5000\n")
    s.ctl("reload", "authd")
    s.logged("authd", "new settings are in force")
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

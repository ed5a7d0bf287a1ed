"""The operator's command: certificates, accounts and their sessions."""

import asyncio
import contextlib
import os
import pty
import select
import ssl
import stat
import subprocess
import time

import pytest

from chat import clients
from operate import CTL, certificate, refused
from suite import PATIENCE, Suite, wait_for


# ---- certificates ----

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

"""What an operator's tests share: the command, and what it says of a suite."""

import contextlib
import socket
import ssl
import subprocess

from suite import BUILD, DAEMONS, PATIENCE

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

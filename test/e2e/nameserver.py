"""A real DNS server (Knot) with zones of its own, signed by DNSSEC where a test wants it."""

import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from suite import PATIENCE, wait_for

KNOTD = shutil.which("knotd", path="/usr/sbin:/usr/bin") or "knotd"
KEYMGR = shutil.which("keymgr", path="/usr/sbin:/usr/bin") or "keymgr"

ZONE = """$ORIGIN {name}.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
{records}
"""


def available():
    return pathlib.Path(KNOTD).exists() and pathlib.Path(KEYMGR).exists()


def free_port():
    """One that is free for UDP and for TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


class Nameserver:
    """`with Nameserver({"example": "a SRV …"}, signed=("secure.example",)) as dns`: `dns.resolver` is for jackdawctl and s2sd,
    `dns.anchor` the file of trust anchors. wrapper: a command that runs another one, in a network namespace say."""

    def __init__(self, zones, signed=(), address="127.0.0.1", port=None, wrapper=()):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="jackdaw-dns-"))
        self.home.chmod(0o755)
        self.zones, self.signed, self.address = dict(zones), set(signed), address
        self.port = port or free_port()
        self.wrapper = list(wrapper)
        self.anchor = self.home / "anchors"
        self.child = None

    @property
    def resolver(self):
        return f"{self.address}@{self.port}"

    def __enter__(self):
        for name, records in self.zones.items():
            self.write(name, records)
        self.write_settings()
        self.start()
        if self.signed:
            wait_for(self.keys, 30, "keys of the signed zones")
            self.anchor.write_text(self.keys())
        return self

    def __exit__(self, *_):
        if self.child:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(timeout=20 * PATIENCE)
        shutil.rmtree(self.home, ignore_errors=True)

    def write(self, name, records):
        (self.home / f"{name}.zone").write_text(ZONE.format(name=name, records=records))

    def write_settings(self):
        zones = "".join(
            f"  - domain: {name}\n    file: {self.home}/{name}.zone\n    storage: {self.home}\n"
            + ("    dnssec-signing: on\n    dnssec-policy: tests\n    zonefile-sync: -1\n    journal-content: none\n"
               "    zonefile-load: whole\n" if name in self.signed else "")
            for name in self.zones)
        (self.home / "knot.conf").write_text(
            f"server:\n    rundir: {self.home}\n    listen: {self.address}@{self.port}\n"
            f"database:\n    storage: {self.home}\n"
            f"log:\n  - target: stderr\n    any: info\n"
            "policy:\n  - id: tests\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n    nsec3: off\n"
            f"zone:\n{zones}")

    def start(self):
        with open(self.home / "log", "wb") as log:
            self.child = subprocess.Popen([*self.wrapper, KNOTD, "-c", str(self.home / "knot.conf")], stdout=log, stderr=log,
                                          stdin=subprocess.DEVNULL)
        loaded = [f"[{name}.] loaded" for name in self.zones]
        wait_for(lambda: all(line in (self.home / "log").read_text() for line in loaded), 30, self.log)

    def log(self):
        return (self.home / "log").read_text()

    def keys(self):
        """The DS records of the signed zones; empty while one has none."""
        found = []
        for name in sorted(self.signed):
            done = subprocess.run([KEYMGR, "-c", str(self.home / "knot.conf"), f"{name}.", "ds"], capture_output=True,
                                  text=True, check=False)
            lines = [line for line in done.stdout.splitlines() if " DS " in line]
            if not lines:
                return ""
            found += lines
        return "\n".join(found) + "\n"

"""Machines of one's own: network namespaces on one bridge, each with its addresses, and a DNS server for all of them.

Names and networks are drawn at random, so that several runs on one machine do not meet; all of it is gone at the end."""

import contextlib
import os
import pathlib
import secrets
import shutil
import subprocess

from nameserver import Nameserver


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True)


def available():
    """Namespaces with names, and folders for their resolv.conf, take real root."""
    return (os.geteuid() == 0 and shutil.which("ip") and os.access("/etc", os.W_OK)
            and pathlib.Path("/proc/self/uid_map").read_text().split()[:2] == ["0", "0"])


class Network:
    """`machine(n)` has the addresses .n and ::n; the tests themselves are at .254 and ::254, the DNS is at .53."""

    def __init__(self):
        self.tag = secrets.token_hex(3)
        self.v4 = f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}"
        self.v6 = f"fd{secrets.token_hex(1)}:{secrets.token_hex(2)}:{secrets.token_hex(2)}:"
        self.switch = f"jd{self.tag}"
        self.stack = contextlib.ExitStack()
        self.machines = 0

    def __enter__(self):
        try:
            ip("netns", "add", self.switch)
            self.stack.callback(ip, "netns", "del", self.switch)
            self.in_switch("ip", "link", "add", "br0", "type", "bridge")
            self.in_switch("ip", "link", "set", "br0", "up")
            ip("link", "add", f"jh{self.tag}", "type", "veth", "peer", "name", "host", "netns", self.switch)
            self.stack.callback(subprocess.run, ["ip", "link", "del", f"jh{self.tag}"], check=False, capture_output=True)
            self.plug("host")
            for address in (f"{self.v4}.254/24", f"{self.v6}:254/64"):
                ip("addr", "add", address, "dev", f"jh{self.tag}", *(["nodad"] if ":" in address else []))
            ip("link", "set", f"jh{self.tag}", "up")
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def in_switch(self, *args):
        subprocess.run(["ip", "netns", "exec", self.switch, *args], check=True, capture_output=True)

    def plug(self, port):
        self.in_switch("ip", "link", "set", port, "master", "br0")
        self.in_switch("ip", "link", "set", port, "up")

    def machine(self, number):
        return Machine(self, number)

    def dns(self, zones, signed=()):
        """The server runs on a machine of its own; its zones are as Nameserver's."""
        machine = self.machine(53)
        server = Nameserver(zones, signed, address=machine.v4, port=53, wrapper=machine.wrapper)
        return self.stack.enter_context(server)


class Machine:
    """Programs run on it with `wrapper` before their command."""

    def __init__(self, network, number):
        self.name = f"{network.switch}-{number}"
        self.v4, self.v6 = f"{network.v4}.{number}", f"{network.v6}:{number}"
        self.wrapper = ["ip", "netns", "exec", self.name]
        port = f"m{number}"
        etc = pathlib.Path("/etc/netns") / self.name
        ip("netns", "add", self.name)
        network.stack.callback(ip, "netns", "del", self.name)
        etc.mkdir(parents=True)
        network.stack.callback(shutil.rmtree, etc, ignore_errors=True)
        (etc / "resolv.conf").write_text(f"nameserver {network.v4}.53\n")
        (etc / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        ip("-n", network.switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        network.plug(port)
        for address in (f"{self.v4}/24", f"{self.v6}/64"):
            ip("-n", self.name, "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
        for device in ("lo", "eth0"):
            ip("-n", self.name, "link", "set", device, "up")

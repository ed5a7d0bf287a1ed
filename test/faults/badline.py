"""A bad network on the loopback of a network namespace (F22): lost packets, a slow line, connections that are reset, nothing at all for a
while, and packets over a size that vanish. Each for some seconds, then all is well again."""

import subprocess
import time

RULES = "add table ip line\nflush table ip line\nadd chain ip line out {{ type filter hook output priority 0; }}\n{}\n"
TCP = "add rule ip line out meta l4proto tcp "
FELT = 2.0  # seconds until messages are late
# name: (seconds, rules of nft, and of tc)
FAULTS = {
    "loss": (8, TCP + "numgen random mod 100 < 5 drop", None),
    "slow": (8, "", "rate 2mbit burst 5kb latency 300ms"),
    "reset": (3, TCP + "numgen random mod 1000 < 5 reject with tcp reset", None),
    "silence": (10, TCP + "drop", None),
    "black-hole": (10, TCP + "meta length > 200 drop", None),  # larger ones than so many bytes, and nobody says so
}


def run(*words, text=None):
    subprocess.run(words, input=text, text=True, check=True)


def begin():
    """The loopback of this namespace, with segments as on a real line."""
    run("ip", "link", "set", "lo", "mtu", "1500", "up")


def spoil(name):
    """Makes the line bad, long enough for it to be felt; returns what mends it after a while more."""
    seconds, rules, shape = FAULTS[name]
    run("nft", "-f", "-", text=RULES.format(rules))
    if shape:
        run("tc", "qdisc", "add", "dev", "lo", "root", "tbf", *shape.split())
    time.sleep(FELT)

    def act():
        time.sleep(seconds - FELT)
        run("nft", "delete", "table", "ip", "line")
        if shape:
            run("tc", "qdisc", "del", "dev", "lo", "root")
    return act

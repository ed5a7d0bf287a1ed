"""Servers on machines of their own that find each other by the DNS. Each has a domain for every way on which it can be found and proved:
WAY.SITE.example."""

import asyncio
import contextlib
import ipaddress
import subprocess

import slixmpp

import component
from chat import Hears
from peers import Ejabberd, Jackdaw, Prosody
from suite import PATIENCE, wait_for

# What is asked of who is found on a way; of all others required-verified.
POLICIES = {"dialback": "required", "dane": "required", "clear": "off"}
SELF_SIGNED = ["dialback", "dane", "clear"]
WAYS = ["certificate", "dialback", "clear", "ipv6", "direct", "backup", "address", "component", "dane"]
SECRET = "of the gateway"

SRV, DIRECT_SRV = "_xmpp-server._tcp SRV", "_xmpps-server._tcp SRV"


def domain_of(way, site):
    return f"{way}.{site}.example"


def is_issued(domain):
    return domain.split(".")[0] not in SELF_SIGNED


def records(way, machine, tlsa):
    """What the DNS says of a domain; tlsa: the one record of DANE."""
    usual = f"{SRV} 5 0 5269 host\nhost A {machine.v4}\n"
    return {
        "certificate": f"{usual}host AAAA {machine.v6}",
        "ipv6": f"{SRV} 5 0 5269 host\nhost AAAA {machine.v6}",
        # The record for STARTTLS leads to a port where nobody is.
        "direct": f"{DIRECT_SRV} 5 0 5270 host\n{SRV} 9 0 1 host\nhost A {machine.v4}",
        # The first is a machine that is not there, the second refuses.
        "backup": f"{SRV} 1 0 5269 dead\n{SRV} 2 0 1 host\n{SRV} 3 0 5269 host\n"
                  f"dead A {machine.v4.rsplit('.', 1)[0]}.99\nhost A {machine.v4}",
        "address": f"@ A {machine.v4}",
        "component": f"@ A {machine.v4}",
        "dane": f"{usual}_5269._tcp.host TLSA {tlsa}",
    }.get(way, usual)


def fingerprint(certificate):
    """Of the public key, for a record of DANE: "3 1 1 …"."""
    def openssl(*words, stdin=None):
        return subprocess.run(["openssl", *words], input=stdin, check=True, capture_output=True).stdout
    key = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    digest = openssl("sha256", "-r", stdin=openssl("pkey", "-pubin", "-outform", "DER", stdin=key))
    return "3 1 1 " + digest.split()[0].decode()


class Placed:
    """Something that runs on a machine, with the usual ports."""

    component_port = component.PORT

    def place(self, machine):
        self.machine, self.host, self.wrapper, self.offset = machine, machine.v4, machine.wrapper, 0
        self.nameserver = f"{machine.v4.rsplit('.', 1)[0]}.53"
        return self

    def bare(self, user, way):
        return f"{user}@{domain_of(way, self.site)}"


class Jack(Placed, Jackdaw):
    usage = "serverAuth,clientAuth"  # ejabberd takes no others for EXTERNAL; those of the others have serverAuth alone

    def __init__(self, site, authority, net, others=()):
        """others: more domains, which are found on no way of these."""
        self.site = site
        domains = [domain_of(way, site) for way in WAYS if way != "component"]
        gateway = component.settings({domain_of("component", site): SECRET}, 'listener "all" {\n\taddress = "*"\n}\n')
        policies = "".join(f'local "{domain_of(way, site)}" {{ policy = {policy} }}\n' for way, policy in POLICIES.items())
        super().__init__(domains[0], authority, domains=[*domains[1:], *others], jackdaw=gateway["jackdaw"],
                         more=f'policy = required-verified\nresolver = "{net.v4}.53"\n{policies}')
        self.settings |= {daemon: f'exempt = {{"{net.v4}.0/24"}}\n' for daemon in ("authd", "c2sd")}
        self.settings["componentd"] = gateway["componentd"]
        self.issued = [d for d in [*domains, domain_of("component", site)] if is_issued(d)]
        self.own = {d: authority.self_sign(d) for d in domains if not is_issued(d)}

    def up(self):
        for domain, files in self.own.items():
            self.ctl("cert", "import", domain, *map(str, files))
        super().up()

    def certificate(self, domain=None):
        return self.own[domain][1] if domain in self.own else self.authority.ca

    def between(self, local, remote):
        """The lines of the streams of two domains; the other users of theirs may talk with others of ours meanwhile."""
        return [line for line in self.s2s("list") if line[0] == local and line[2] == remote]

    def links(self, local, remote):
        """(address, TLS) of all streams of two domains, once they stand."""
        def stand():
            found = self.between(local, remote)
            return found and all(line[3] == "open" for line in found)
        wait_for(stand, 20, f"links with {remote}")
        return {(ipaddress.ip_address(line[5]), line[4]) for line in self.between(local, remote)}

    def unlink(self, local, remote):
        self.s2s("close", remote)
        wait_for(lambda: not self.between(local, remote), 20, f"no links with {remote}")


class Foreign(Placed):
    def __init__(self, site, authority, net):
        self.site = site
        super().__init__(domain_of(WAYS[0], site), authority)
        for way in WAYS[1:]:
            domain = domain_of(way, site)
            self.add(domain, is_issued(domain), clear=way == "clear", secret=SECRET if way == "component" else None)

    def place(self, machine):
        self.port, self.server_port, self.direct_port = 5222, 5269, 5270
        self.addresses = [machine.v4, machine.v6]
        return super().place(machine)


class Pros(Foreign, Prosody):
    """With lua-unbound it checks DNSSEC and DANE."""

    anchor = None

    def settings(self):
        return f'unbound = {{ trustfile = "{self.anchor}" }}\nuse_dane = true\n' + super().settings()

    def log(self):
        return (self.home / "prosody.log").read_text(errors="replace")


class Ejab(Foreign, Ejabberd):
    pass


class Gateway(Hears, slixmpp.ComponentXMPP):
    """A user of a component, which is nothing else: it has no server that knows its contacts."""

    kind = "component"

    def __init__(self, suite, jid):
        self.me = slixmpp.JID(jid)
        super().__init__(self.me.domain, SECRET, suite.host, suite.component_port)
        self.listen()
        self.auto_reconnect = False
        self.started, self.ended = asyncio.Event(), asyncio.Event()
        self.contact = None
        self.add_event_handler("session_start", lambda _: self.started.set())
        self.add_event_handler("disconnected", lambda _: self.ended.set())
        self.add_filter("out", self.sign)

    def sign(self, stanza):
        if isinstance(stanza, (slixmpp.Message, slixmpp.Presence, slixmpp.Iq)) and not stanza["from"].full:
            stanza["from"] = self.me
        return stanza

    async def login(self):
        self.connect()
        await asyncio.wait_for(self.started.wait(), 20 * PATIENCE)
        self.boundjid = self.me
        return self

    def send_presence(self, pto=None, **more):
        self.contact = pto or self.contact
        super().send_presence(pto=self.contact, **more)

    async def knows(self, contact, subscription):
        """It keeps no roster."""

    async def logout(self):
        self.disconnect(wait=1)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.ended.wait(), 5 * PATIENCE)

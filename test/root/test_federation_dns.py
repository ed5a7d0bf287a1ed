"""Servers that find each other by the DNS, each on a machine of its own: SRV with priorities, addresses alone, IPv6, direct TLS,
DANE. The policy is required-verified: who is not proved by a certificate (or by DANE) is not talked with."""

import asyncio
import ipaddress
import shutil
import subprocess

import pytest

import component
import network
import nameserver
from chat import clients
from peers import Authority, Ejabberd, Jackdaw, Prosody

pytestmark = [
    pytest.mark.skipif(not nameserver.available(), reason="knot is not installed"),
    pytest.mark.skipif(not network.available(), reason="needs real root for its network namespaces"),
]

US = "one.example"
THEM = "two.example"
# Domains of the second server, by what leads to it. Its others have self-signed certificates.
ISSUED = [THEM, "six.example", "direct.example", "backup.example", "plain.example", "gateway.example"]
SELF_SIGNED = ["dane.example", "wrong.example", "stranger.example", "dialback.example", "clear.example"]
SECRET = "of the gateway"


class Placed:
    """Something that runs on a machine, with the usual ports."""

    def place(self, machine):
        self.machine, self.host, self.wrapper, self.offset = machine, machine.v4, machine.wrapper, 0
        self.nameserver = f"{machine.v4.rsplit('.', 1)[0]}.53"
        return self


class Jack(Placed, Jackdaw):
    def certificate(self, domain=None):
        own = self.issued is not None and domain not in self.issued
        return self.dir / "keys" / f"{domain}.crt" if own else self.authority.ca


class Foreign(Placed):
    def place(self, machine):
        self.port, self.server_port = 5222, 5269
        return super().place(machine)


class Pros(Foreign, Prosody):
    pass


class Ejab(Foreign, Ejabberd):
    pass


@pytest.fixture(scope="module")
def authority():
    made = Authority()
    yield made
    made.close()


@pytest.fixture(scope="module")
def net():
    with network.Network() as made:
        yield made


def zones(a, b, foreign):
    """What the DNS says; a and b are the machines, foreign those of other programs."""
    srv, direct = "_xmpp-server._tcp SRV", "_xmpps-server._tcp SRV"
    return {
        US: f"{srv} 5 0 5269 host\nhost A {a.v4}\nhost AAAA {a.v6}",
        THEM: f"{srv} 5 0 5269 host\nhost A {b.v4}\nhost AAAA {b.v6}",
        "six.example": f"{srv} 5 0 5269 host\nhost AAAA {b.v6}",
        "direct.example": f"{direct} 5 0 5270 host\n{srv} 9 0 1 host\nhost A {b.v4}",
        # The first is a machine that is not there, the second refuses.
        "backup.example": f"{srv} 1 0 5269 dead\n{srv} 2 0 1 host\n{srv} 3 0 5269 host\n"
                          f"dead A {a.v4.rsplit('.', 1)[0]}.99\nhost A {b.v4}",
        "plain.example": f"@ A {b.v4}",
        "gateway.example": f"@ A {b.v4}",
        **{domain: f"{srv} 5 0 5269 host\nhost A {b.v4}" for domain in SELF_SIGNED},
        "none.example": f"{srv} 0 0 0 .\n@ A {b.v4}",
        "dane.example": f"{srv} 5 0 5269 host\nhost A {b.v4}\n_5269._tcp.host TLSA {{tlsa}}",
        "prosody.example": f"{srv} 5 0 5269 host\nhost A {foreign[0].v4}",
        "ejabberd.example": f"{srv} 5 0 5269 host\nhost A {foreign[1].v4}",
        "wrong.example": f"{srv} 5 0 5269 host\nhost A {b.v4}\n_5269._tcp.host TLSA 3 1 1 " + 32 * "00",
    }


def fingerprint(suite, domain):
    """Of the public key, for a record of DANE: "3 1 1 …"."""
    text = subprocess.run(["openssl", "x509", "-in", suite.dir / "keys" / f"{domain}.crt", "-noout", "-pubkey"],
                          check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=text, check=True, capture_output=True).stdout
    digest = subprocess.run(["openssl", "sha256", "-r"], input=der, check=True, capture_output=True, text=False).stdout
    return "3 1 1 " + digest.split()[0].decode()


@pytest.fixture(scope="module")
def foreign(net):
    return net.machine(3), net.machine(4)


@pytest.fixture(scope="module")
def servers(net, authority, foreign):
    """Ours with alice, and theirs with bob at each domain."""
    a, b = net.machine(1), net.machine(2)
    policy = f'policy = required-verified\nresolver = "{net.v4}.53"\n'
    gateway = component.settings({"gateway.example": SECRET}, 'listener "all" {\n\taddress = "*"\n}\n')
    remote = 'remote "dialback.example" { policy = required }\nremote "clear.example" { policy = off }\n'
    ours = Jack(US, authority, more=policy + remote).place(a)
    theirs = Jack(THEM, authority, more=policy + 'local "clear.example" { policy = off }\n' + 'trust_anchor = "none"\n', domains=[d for d in ISSUED if d not in (THEM, "gateway.example")]
                  + SELF_SIGNED, jackdaw=gateway["jackdaw"]).place(b)
    theirs.settings["componentd"] = gateway["componentd"]
    for suite in (ours, theirs):
        suite.settings |= {daemon: f'exempt = {{"{net.v4}.0/24"}}\n' for daemon in ("authd", "c2sd")}
    theirs.issued = ISSUED
    with ours, theirs:
        theirs.begin()
        made = zones(a, b, foreign)
        made["dane.example"] = made["dane.example"].format(tlsa=fingerprint(theirs, "dane.example"))
        dns = net.dns(made, signed=("dane.example", "wrong.example"))
        ours.more += f'trust_anchor = "{dns.anchor}"\n'
        ours.begin("alice")
        for domain in theirs.domains:
            theirs.add_user(f"bob@{domain}")
        yield ours, theirs


def story(servers, domain, tell):
    async def run():
        ours, theirs = servers
        async with clients(ours, f"alice@{US}/a") as alice, clients(theirs, f"bob@{domain}/b") as bob:
            await tell(alice, bob)
    asyncio.run(run())


def link(suite, domain):
    """Address and TLS of the outgoing stream to a domain."""
    found = [line for line in suite.s2s("list") if line[2] == domain and line[1] in ("out", "both")]
    assert found, suite.s2s("list")
    return ipaddress.ip_address(found[0][5]), found[0][4]


def at(address):
    return ipaddress.ip_address(address), "tls"


def talk(servers, domain):
    async def tell(alice, bob):
        alice.say(f"bob@{domain}", "from the north")
        assert (await bob.hear())["body"] == "from the north"
        bob.say(f"alice@{US}", "from the south")
        heard = await alice.hear()
        assert heard["body"] == "from the south" and heard["from"].full == f"bob@{domain}/b"
        for n in range(200):
            alice.say(f"bob@{domain}/b", str(n))
        for n in range(200):
            assert (await bob.hear())["body"] == str(n)
    story(servers, domain, tell)


def test_srv(servers):
    talk(servers, THEM)
    assert link(servers[0], THEM) == at(servers[1].machine.v6)


def test_ipv6_only(servers):
    talk(servers, "six.example")
    assert link(servers[0], "six.example") == at(servers[1].machine.v6)


def test_direct_tls(servers):
    """The record for STARTTLS leads to a port where nobody is."""
    talk(servers, "direct.example")
    assert link(servers[0], "direct.example") == at(servers[1].machine.v4)


def test_the_first_hosts_are_dead(servers):
    talk(servers, "backup.example")
    assert link(servers[0], "backup.example") == at(servers[1].machine.v4)


def test_only_an_address(servers):
    talk(servers, "plain.example")
    assert link(servers[0], "plain.example") == at(servers[1].machine.v4)


def test_dialback(servers):
    """Behind TLS with a certificate that nobody can verify, and without TLS."""
    for domain, tls in (("dialback.example", "tls"), ("clear.example", "clear")):
        talk(servers, domain)
        assert link(servers[0], domain) == (ipaddress.ip_address(servers[1].machine.v4), tls)


def test_dane(servers):
    """Its certificate is from nobody, but the DNS says that it is the one."""
    async def tell(alice, bob):
        alice.say("bob@dane.example", "by DANE")
        assert (await bob.hear())["body"] == "by DANE"
    story(servers, "dane.example", tell)


async def bounced(client, to):
    client.say(to, "is anybody there?")
    answer = await client.hear()
    assert answer["type"] == "error" and answer["from"].bare == to
    return answer["error"]["condition"]


@pytest.mark.parametrize("domain, condition", [
    ("wrong.example", "remote-server-timeout"),
    ("stranger.example", "remote-server-timeout"),
    ("none.example", "remote-server-not-found"),
    ("nowhere.example", "remote-server-not-found"),
], ids=["DANE names another certificate", "nobody vouches for its certificate", "no service", "no domain"])
def test_who_cannot_be_reached(servers, domain, condition):
    async def run():
        async with clients(servers[0], f"alice@{US}/a") as alice:
            assert await bounced(alice, f"bob@{domain}") == condition
    asyncio.run(run())


def test_a_component_with_only_an_address(servers):
    """F-05: the name of a component is no subdomain of anything, and the DNS has an address for it."""
    ours, theirs = servers
    gateway = component.Component.at(theirs, "gateway.example", SECRET, host=theirs.host)

    async def run():
        async with clients(ours, f"alice@{US}/a") as alice:
            alice.say("gateway.example", "to the gateway")
            heard = await asyncio.to_thread(gateway.stanza)
            assert heard.findtext(f"{{{component.COMPONENT}}}body") == "to the gateway"
            gateway.send(f"<message from='gateway.example' to='alice@{US}'><body>back</body></message>")
            assert (await alice.hear())["body"] == "back"
    asyncio.run(run())
    gateway.close()


@pytest.mark.parametrize("number, kind, domain", [(0, Pros, "prosody.example"), (1, Ejab, "ejabberd.example")],
                         ids=["prosody", "ejabberd"])
def test_other_programs(servers, authority, foreign, number, kind, domain):
    if not shutil.which(kind.program):
        pytest.skip(f"{kind.program} is not installed")
    with kind(domain, authority).place(foreign[number]) as theirs:
        theirs.begin("bob")
        talk((servers[0], theirs), domain)
        assert link(servers[0], domain) == at(theirs.machine.v4)

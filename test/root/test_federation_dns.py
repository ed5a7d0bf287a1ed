"""Servers that find each other by the DNS, each on a machine of its own: two Jackdaws, Jackdaw with Prosody, Jackdaw with ejabberd, on
every way on which a server is found and proved (sites.py). docs/federation-matrix.md is the table of it."""

import asyncio
import contextlib
import ipaddress
import shutil

import pytest

import nameserver
import network
from chat import Client, befriend, clients
from peers import Authority
from sites import WAYS, Ejab, Gateway, Jack, Pros, domain_of, fingerprint, records
from suite import wait_for

pytestmark = [
    pytest.mark.skipif(not nameserver.available(), reason="knot is not installed"),
    pytest.mark.skipif(not network.available(), reason="needs real root for its network namespaces"),
]

KINDS = {"jackdaw": Jack, "prosody": Pros, "ejabberd": Ejab}
# Of the Jackdaw that is asked; what the DNS says of them is wrong.
OTHERS = ["wrong.example", "mistaken.example", "stranger.example", "none.example"]
# Ways of our domain and of theirs.
PAIRS = {way: (way, way) for way in WAYS if way != "component"} | {
    "their-component": ("address", "component"), "our-component": ("component", "address")}
THOUSAND = 1000


@pytest.fixture(scope="module")
def net():
    with network.Network() as made:
        yield made


@pytest.fixture(scope="module")
def authority():
    made = Authority()
    yield made
    made.close()


class Sites:
    """All servers at once, ours as "north"; those that are not installed are not there."""

    def __init__(self, net, authority):
        self.net = net
        self.ours = Jack("north", authority, net).place(net.machine(1))
        self.all = {"north": self.ours}
        for number, (site, kind) in enumerate(KINDS.items(), 2):
            if kind is Jack:
                self.all[site] = Jack(site, authority, net, OTHERS).place(net.machine(number))
            elif shutil.which(kind.program):
                self.all[site] = kind(site, authority, net).place(net.machine(number))

    def zones(self):
        theirs = self.all["jackdaw"]
        usual = records("certificate", theirs.machine, None)
        wrong = records("dane", theirs.machine, "3 1 1 " + 32 * "00")
        made = {"wrong.example": wrong, "mistaken.example": wrong, "stranger.example": usual,
                "none.example": f"_xmpp-server._tcp SRV 0 0 0 .\n@ A {theirs.machine.v4}"}
        for name, site in self.all.items():
            tlsa = fingerprint(site.certificate(domain_of("dane", name)))
            made |= {domain_of(way, name): records(way, site.machine, tlsa) for way in WAYS}
        return made

    def begin(self):
        signed = ["wrong.example", "mistaken.example", *(domain_of("dane", name) for name in self.all)]
        dns = self.net.dns(self.zones(), signed=signed)
        for site in self.all.values():
            site.anchor = dns.anchor
            if isinstance(site, Jack):
                site.more += f'trust_anchor = "{dns.anchor}"\nremote "mistaken.example" {{ policy = required }}\n'
        for name, site in self.all.items():
            site.begin(*([] if isinstance(site, Jack) else ["bob"]))
        for name, site in self.all.items():
            for way in WAYS if isinstance(site, Jack) else ():
                if way != "component":
                    site.add_user(site.bare("alice" if name == "north" else "bob", way))


@pytest.fixture(scope="module")
def sites(net, authority):
    made = Sites(net, authority)
    with contextlib.ExitStack() as stack:
        for site in made.all.values():
            stack.enter_context(site)
        made.begin()
        yield made


# ---- the table: each test for each pair of servers and each way ----

@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield made
    left = asyncio.all_tasks(made)
    for task in left:
        task.cancel()
    made.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    made.close()


class Line:
    """A user of ours and one of theirs, on one way."""

    def __init__(self, sites, site, pair):
        self.ours, self.theirs = sites.ours, sites.all[site]
        self.pair, self.ways = pair, PAIRS[pair]
        self.near = self.end(self.ours, "alice", self.ways[0])
        self.far = self.end(self.theirs, "bob", self.ways[1])

    def end(self, site, user, way):
        return (Gateway if way == "component" else Client)(site, f"{site.bare(user, way)}/{user[0]}")

    async def login(self):
        for end in (self.near, self.far):
            await end.login()
            for plugin in ("xep_0030", "xep_0199"):
                end.register_plugin(plugin)
        return self

    async def logout(self):
        for end in (self.near, self.far):
            await end.logout()

    def addresses(self):
        machine = self.theirs.machine
        return {ipaddress.ip_address(a) for a in {"ipv6": [machine.v6], "certificate": [machine.v4, machine.v6]}.get(
            self.pair, [machine.v4])}

    def domains(self):
        return self.near.boundjid.domain, self.far.boundjid.domain

    def unlink(self):
        self.ours.unlink(*self.domains())

    def check_links(self):
        for address, tls in self.ours.links(*self.domains()):
            assert address in self.addresses() and tls == ("clear" if self.pair == "clear" else "tls")


@pytest.fixture(scope="module", params=[(site, pair) for site in KINDS for pair in PAIRS], ids="-".join)
def line(request, sites, loop):
    site, pair = request.param
    if site not in sites.all:
        pytest.skip(f"{site} is not installed")

    async def begin():
        return await Line(sites, site, pair).login()
    made = loop.run_until_complete(begin())
    yield made
    loop.run_until_complete(made.logout())


def test_a_message_opens_the_way_from_either_side(line, loop):
    async def tell(speaker, hearer):
        speaker.say(hearer.boundjid.bare, "is it far?")
        heard = await hearer.hear()
        assert heard["body"] == "is it far?" and heard["from"] == speaker.boundjid
    for speaker, hearer in ((line.near, line.far), (line.far, line.near)):
        line.unlink()
        loop.run_until_complete(tell(speaker, hearer))
        line.check_links()


def test_subscriptions_and_presence(line, loop):
    async def tell(one, two):
        await befriend(one, two)
        for a, b in ((one, two), (two, one)):
            await a.knows(b.boundjid.bare, "both")
        for a, b, show in ((one, two, "away"), (two, one, "dnd")):
            b.send_presence(pshow=show)
            await a.see(lambda p, b=b, show=show: p["from"] == b.boundjid and p["show"] == show)
    loop.run_until_complete(tell(line.near, line.far))


def test_disco(line, loop):
    async def tell():
        for asker, asked in ((line.near, line.far), (line.far, line.near)):
            info = await asker["xep_0030"].get_info(jid=asked.boundjid.domain, timeout=20)
            kind = "component" if isinstance(asked, Gateway) else "server"
            assert kind in {category for category, *_ in info["disco_info"]["identities"]}
    loop.run_until_complete(tell())


def test_ping(line, loop):
    async def tell():
        for asker, asked in ((line.near, line.far), (line.far, line.near)):
            for jid in (asked.boundjid, asked.boundjid.domain):
                await asker["xep_0199"].send_ping(jid, timeout=20)
    loop.run_until_complete(tell())


def test_a_thousand_messages_come_back_in_order(line, loop):
    async def bounce(asker, echo):
        for n in range(THOUSAND):
            asker.say(echo.boundjid, str(n))
        for n in range(THOUSAND):
            assert (await echo.hear())["body"] == str(n)
            echo.say(asker.boundjid, str(n))
        for n in range(THOUSAND):
            assert (await asker.hear())["body"] == str(n)
    for asker, echo in ((line.near, line.far), (line.far, line.near)):
        loop.run_until_complete(bounce(asker, echo))


def test_prosody_knows_us_by_dane(sites, loop):
    """Nobody vouches for our certificate but the DNS."""
    if "prosody" not in sites.all or "unbound" not in sites.all["prosody"].log():
        pytest.skip("no Prosody with lua-unbound is installed")
    prosody = sites.all["prosody"]

    async def tell():
        line = await Line(sites, "prosody", "dane").login()
        line.far.say(line.near.boundjid.bare, "who are you?")
        assert (await line.near.hear())["body"] == "who are you?"
        await line.logout()
    sites.ours.unlink(domain_of("dane", "north"), domain_of("dane", "prosody"))
    before = len(prosody.log())
    loop.run_until_complete(tell())
    wait_for(lambda: "Enabling DANE with 1 TLSA records" in prosody.log()[before:], 20, "Prosody's use of DANE")
    assert "certificate chain validation result: valid" in prosody.log()[before:]


# ---- who cannot be reached ----

async def bounced(client, to):
    client.say(to, "is anybody there?")
    answer = await client.hear()
    assert answer["type"] == "error" and answer["from"].bare == to
    return answer["error"]["condition"]


@pytest.mark.parametrize("domain, condition", [
    ("wrong.example", "remote-server-timeout"),
    ("mistaken.example", "remote-server-timeout"),
    ("stranger.example", "remote-server-timeout"),
    ("none.example", "remote-server-not-found"),
    ("nowhere.example", "remote-server-not-found"),
], ids=["DANE names another certificate", "which dialback does not make good", "nobody vouches for its certificate", "no service",
        "no domain"])
def test_who_cannot_be_reached(sites, domain, condition):
    async def run():
        async with clients(sites.ours, sites.ours.bare("alice", "certificate")) as alice:
            assert await bounced(alice, f"bob@{domain}") == condition
    asyncio.run(run())

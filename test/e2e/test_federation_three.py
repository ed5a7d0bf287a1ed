"""Several systems, each with a domain of its own, found by static routes (P-04); and what an operator changes while they run."""

import asyncio
import itertools

import pytest

from chat import befriend, clients
from peers import Authority, Jackdaw, linked
from suite import PATIENCE
from wire import Wire, refused

NAMES = ("hq.test", "north.test", "south.test")


@pytest.fixture(scope="module")
def systems():
    made = [Jackdaw(name) for name in NAMES]
    with linked(*made):
        for suite in made:
            suite.begin("user")
        yield made


def test_p_04_all_talk_with_all(systems):
    async def run():
        async with (clients(systems[0], f"user@{NAMES[0]}/x") as a, clients(systems[1], f"user@{NAMES[1]}/x") as b,
                    clients(systems[2], f"user@{NAMES[2]}/x") as c):
            for one, two in itertools.combinations((a, b, c), 2):
                await befriend(one, two)
                await one.knows(two.boundjid.bare, "both")
            for one, two in itertools.permutations((a, b, c), 2):
                one.say(two.boundjid.bare, f"from {one.boundjid.domain}")
                heard = await two.hear()
                assert (heard["body"], heard["from"].full) == (f"from {one.boundjid.domain}", one.boundjid.full)
            for one, two in itertools.permutations((a, b, c), 2):
                one.say(f"nobody@{two.boundjid.domain}", "?")
                error = await one.hear()
                assert error["type"] == "error" and error["from"].bare == f"nobody@{two.boundjid.domain}"
    asyncio.run(run())


def set_ca(suite, authority):
    conf = suite.dir / "etc" / "s2sd.conf"
    lines = [line for line in conf.read_text().splitlines() if not line.startswith("ca_file")]
    conf.write_text("\n".join([*lines, f'ca_file = "{authority.ca}"', ""]))


def test_another_authority_is_trusted_from_a_reload_on():
    """The process cannot open the file: `reload` brings it. Only the system's authorities are read at the start alone."""
    mine, other = Authority(), Authority()
    strict = "policy = required-verified\n"
    try:
        ours, theirs = Jackdaw(NAMES[1], mine, more=strict), Jackdaw(NAMES[2], other, more=strict)
        with linked(ours, theirs):
            ours.begin("user")
            theirs.begin("user")
            set_ca(theirs, mine)
            theirs.ctl("reload", "s2sd")
            with Wire.at(ours, "session", f"user@{NAMES[1]}") as one, Wire.at(theirs, "session", f"user@{NAMES[2]}") as two:
                two.appear()
                one.say(f"user@{NAMES[2]}", "not yet", id="m")
                assert refused(one.wait_for(lambda e: e.get("id") == "m", 20 * PATIENCE)) == "remote-server-timeout"
                set_ca(ours, other)
                ours.ctl("reload", "s2sd")
                one.say(f"user@{NAMES[2]}", "now")
                assert two.hear() == "now"
    finally:
        mine.close()
        other.close()

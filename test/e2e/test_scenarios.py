"""All scenarios of test/scenarios, on one suite."""

import secrets

import pytest

from scenario import Stage, all_scenarios
from suite import Suite

SCENARIOS = all_scenarios()


@pytest.fixture(scope="module")
def crowd():
    """A suite with an account for everybody in every scenario: (suite, scenario's index → local part → JID)."""
    with Suite(settings={"authd": "\niterations = 4096\n"}) as suite:
        cast = [{name: f"{name}-{i}@localhost" for name in s.people()} for i, s in enumerate(SCENARIOS)]
        lines = ""
        for accounts in cast:
            for jid in accounts.values():
                suite.passwords[jid] = secrets.token_urlsafe(12)
                lines += f"{jid} {suite.passwords[jid]}\n"
        suite.ctl("user", "import", input=lines)
        yield suite, cast


@pytest.mark.parametrize("number", range(len(SCENARIOS)), ids=[s.name for s in SCENARIOS])
def test_scenario(crowd, number):
    suite, cast = crowd
    stage = Stage(suite, cast[number])
    try:
        stage.play(SCENARIOS[number])
    finally:
        stage.close()

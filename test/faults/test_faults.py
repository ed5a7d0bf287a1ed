"""The rule of the ledger (acknowledged: exactly once and in order; not acknowledged: at most once), in a form that is short enough
for every change; `make faults` is the long one. And suites that break it, for the ledger to see that."""

import pytest

import harness
from suite import BUILD

SEED = 4
SMALL = {"sessions": 60, "rate": 150, "tls": 1, "sleepers": 0.1}
BUSY = {"sessions": 60, "rate": 600, "tls": 0, "sleepers": 0, "patience": 15}


def break_all(suite, swarm, points):
    for _, daemon in points:
        result = swarm.fault(daemon, harness.kill(suite, [daemon]))
        assert result["is_back"], result
    return swarm.end()


def test_nothing_acknowledged_is_lost_whoever_is_killed():
    """F1 to F6; and no session is lost with one daemon."""
    with harness.swarming(BUILD, **SMALL) as (suite, swarm):
        end = break_all(suite, swarm, harness.plan(SEED, 2, harness.DAEMONS))
    assert end["acknowledged"] > 0
    assert (end["violations"], end["sessions_lost"], end["unfinished"]) == (0, 0, 0), end


def test_two_at_once():
    """F12: what c2sd and sessiond hold together, sessions, may go with them; stored messages may not."""
    with harness.swarming(BUILD, **SMALL) as (suite, swarm):
        for pair in (["router", "storaged"], ["sessiond", "storaged"], ["router", "sessiond"]):
            result = swarm.fault("+".join(pair), harness.kill(suite, pair))
            assert result["is_back"], result
        end = swarm.end()
    assert (end["violations"], end["sessions_lost"], end["unfinished"]) == (0, 0, 0), end


@pytest.mark.parametrize("daemon", harness.DAEMONS)
def test_a_stopped_daemon_holds_up_and_loses_nothing(daemon):
    """F14, for a time after which the supervisor does not yet act."""
    with harness.swarming(BUILD, **SMALL) as (suite, swarm):
        result = swarm.fault(daemon, harness.pause(suite, daemon, 2))
        assert result["is_back"], result
        end = swarm.end()
    assert (end["violations"], end["sessions_lost"], end["unfinished"]) == (0, 0, 0), end


def test_clocks_jump():
    """F21: a day ahead, a year back, and home again, with clients coming and going and sessiond starting anew meanwhile."""
    day = 24 * 3600
    with harness.swarming(BUILD, "clock", **SMALL) as (suite, swarm):
        for offset in (day, -365 * day, 0):
            for name, act in (("clock", harness.set_clocks(suite, offset)), ("churn", lambda: swarm.say("churn")),
                              ("sessiond", harness.kill(suite, ["sessiond"]))):
                result = swarm.fault(name, act)
                assert result["is_back"], result
        end = swarm.end()
    assert (end["violations"], end["sessions_lost"], end["unfinished"]) == (0, 0, 0), end


# What is broken on purpose, who is killed meanwhile, and how the ledger must call it
SABOTAGE = {
    "replay": ("storaged", ["refiled"]),
    "commit": ("storaged", ["lost", "unfiled"]),
    "drop/storaged": ("keyd", ["lost", "unfiled"]),
    "drop/sessiond": ("keyd", ["lost", "unfiled", "undelivered"]),
}


@pytest.mark.parametrize("how", SABOTAGE)
def test_the_ledger_sees_a_broken_promise(how):
    victim, kinds = SABOTAGE[how]
    with harness.swarming(BUILD, how, **BUSY) as (suite, swarm):
        for _ in range(8):
            if not swarm.fault(victim, harness.kill(suite, [victim]))["is_back"]:
                break
        end = swarm.end()
    assert sum(end[kind] for kind in kinds) > 0, end
    assert end["violations"] > 0, end


def test_a_delivery_that_an_edge_loses_is_given_again():
    """Its number is missing at the next one, so the stream ends, and the client that resumes gets both (BUS.md §7)."""
    with harness.swarming(BUILD, "drop/c2sd", **BUSY) as (suite, swarm):
        for _ in range(8):
            result = swarm.fault("keyd", harness.kill(suite, ["keyd"]))
            assert result["is_back"], result
        end = swarm.end()
    assert end["drops"] > 0, end
    assert (end["violations"], end["sessions_lost"], end["unfinished"]) == (0, 0, 0), end

"""F16, a disk that fails (SECURITY.md §3.8): a write or a sync goes wrong at a chosen moment, of the log or of what it is checkpointed
to. storaged does not go on with what may be lost: it ends, starts again, and is told again what it had not acknowledged."""

import time

import pytest

import harness
from suite import BUILD, wait_for

LOAD = {"sessions": 60, "rate": 400, "tls": 0, "sleepers": 0.2}
FILES = ["archive.db-wal", "archive.db", "main.db-wal"]


def fail(suite, swarm, op, name, n):
    """What makes the nth `op` of that file fail, and waits until it has. main.db has records of sessions that are cut off."""
    moment = suite.dir / "storaged" / "data" / "fault"

    def act():
        new = moment.with_suffix(".new")
        new.write_text(f"{op} {name} {n}\n")
        new.chmod(0o644)
        new.rename(moment)
        if name.startswith("main"):
            swarm.say("churn")
        wait_for(lambda: not moment.exists(), 60, f"{op} of {name} number {n}")
    return act


@pytest.mark.parametrize("op", ["write", "torn", "sync"])
def test_nothing_acknowledged_is_lost_when_the_disk_fails(op):
    with harness.swarming(BUILD, "disk", **LOAD) as (suite, swarm):
        for n, name in enumerate(FILES * 2):
            pid = suite.pid("storaged")
            result = swarm.fault(f"{op} {name}", fail(suite, swarm, op, name, 1 + n // len(FILES)))
            assert result["is_back"], result
            assert suite.pid("storaged") != pid, f"it went on after a failed {op} of {name}"
            time.sleep(0.5)
        end = swarm.end()
        log = (suite.dir / "log" / "storaged.log").read_text(encoding="utf-8")
    assert end["acknowledged"] > 0
    assert (end["violations"], end["sessions_lost"]) == (0, 0), end
    assert log.count("stopping so that the next start recovers") == 2 * len(FILES), log[-2000:]

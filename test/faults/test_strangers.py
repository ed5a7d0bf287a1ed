"""The attack of `test/faults/strangers` in a short form: all that it checks but latency and strength, which need a machine of their own, and
what it leaves behind when it is stopped."""

import pathlib
import signal
import subprocess
import sys

import pytest

from suite import BUILD, SANITIZED, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))

import processes  # pylint: disable=wrong-import-position

SHORT = ["--strangers", "600", "--readers", "50", "--pairs", "20", "--rounds", "1", "--seconds", "3"]
PROGRAM = [pathlib.Path(__file__).parent / "strangers", "--build", str(BUILD), *SHORT]
# On a machine that others use too
LATENCY = ("FAILED p99", "FAILED a second", "FAILED the flood", "FAILED at least")


def test_inv_23_24_strangers_bring_nobody_down():
    done = subprocess.run(PROGRAM, capture_output=True, text=True, timeout=240, check=False)
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith("FAILED") and not line.startswith(LATENCY)]
    assert lines and int(lines[-1].split()[0]) > 10, done.stdout + done.stderr
    assert not failed or SANITIZED, failed


@pytest.mark.parametrize("how", ["told", "late"])
def test_strangers_leave_nothing_behind(how):
    with subprocess.Popen([*PROGRAM, "--limit", "200" if how == "told" else "2"], stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as child:
        seen = {}

        def has_begun():
            seen.update({pid: processes.name(pid) for pid in processes.tree({child.pid})})
            return "c2sd" in seen.values() or child.poll() is not None

        wait_for(has_begun, 60, "a suite")
        if how == "told":
            child.send_signal(signal.SIGTERM)
        said = child.communicate(timeout=60)[1]
    assert child.returncode == 1
    assert {"told": "told to stop", "late": "not done after 2 s"}[how] in said
    assert not [pid for pid, name in seen.items() if name != "?" and processes.name(pid) == name]

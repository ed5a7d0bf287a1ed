"""F22: clients behind a bad network lose nothing that was acknowledged, and no session. The books are those of test/faults."""

import pathlib
import subprocess
import sys

import pytest

from suite import BUILD, PATIENCE

FAULTS = pathlib.Path(__file__).resolve().parent.parent / "faults"
sys.path.insert(0, str(FAULTS))

import badline  # pylint: disable=wrong-import-position


@pytest.mark.parametrize("how", badline.FAULTS)
def test_a_bad_line_loses_nothing(how):
    done = subprocess.run(["unshare", "-n", FAULTS / "run", "--build", BUILD, "--mode", "line", "--daemons", how, "--kills", "1",
                           "--sessions", "60", "--rate", "150"],
                          capture_output=True, text=True, timeout=120 * PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "1 kill points, 0 violations", done.stdout

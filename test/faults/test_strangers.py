"""The attack of `test/faults/strangers` in a short form: all that it checks but the latency, which needs a machine of its own."""

import pathlib
import subprocess

from suite import BUILD, SANITIZED

SHORT = ["--strangers", "600", "--readers", "50", "--pairs", "20", "--rounds", "1", "--seconds", "3"]


def test_inv_23_24_strangers_bring_nobody_down():
    done = subprocess.run([pathlib.Path(__file__).parent / "strangers", "--build", str(BUILD), *SHORT], capture_output=True,
                          text=True, timeout=240, check=False)
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith("FAILED") and not line.startswith("FAILED p99")]
    assert lines and int(lines[-1].split()[0]) > 10, done.stdout + done.stderr
    assert not failed or SANITIZED, failed

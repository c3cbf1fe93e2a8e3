"""What it computes is tested where its slices come from, in tests/streams/commands/test_slices.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("replicate_verdict.py")
COLUMNS = "model,attribute,metric,slice,group,n,k\n"
FEW = "compas,race,false_positive_rate,0,Caucasian,3,1\n"


def test_before_a_block_has_closed_nothing_is_proved(tmp_path: Path) -> None:
    (tmp_path / "slices.csv").write_text(COLUMNS + FEW)
    done = subprocess.run([sys.executable, SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1 slices, 0 blocks\nno proof\n", "")

"""A tree of OCTA-25K's exact counts, as its users unpack it, is recognised whole, and a misnamed folder is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "archive.py"


@pytest.mark.slow
def test_the_whole_archive_is_recognised_with_the_published_counts():
    ended = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=True)
    lines = ended.stdout.splitlines()
    assert lines[:5] == [
        "24,522 images written",
        "3x3: fit 961, test 2,965, external 300, validation 300",
        "every count is as published",
        "6x6: fit 1,291, test 4,150, external 300, validation 300",
        "every count is as published",
    ]
    assert lines[6] == (
        "one folder misnamed: OCTA-25K/quality_assessment/3x3/For_Train/test/gradeable is not a class folder; three "
        "are expected: 0, 1, 2 or ungradable, gradable, outstanding."
    )

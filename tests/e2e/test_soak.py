"""Mixed traffic for a while: no wrong answer, no failure, and the workers weigh what they weighed. ``make soak`` runs it for longer."""

import os
from pathlib import Path

from tests.support.soak.judgement import MEMORY, faults
from tests.support.soak.run import Effort, soak

SECONDS = float(os.environ.get("SOAK_SECONDS") or ("120" if os.environ.get("CI") else "40"))
# What is met for the first time is remembered: in so short a run that shows.
SHORT = 0.10 if SECONDS < 300 else MEMORY


def test_mixed_traffic_is_answered_right_and_leaves_nothing_behind(tmp_path: Path) -> None:
    outcome = soak(tmp_path, Effort(seconds=SECONDS), lambda _: None)
    assert sum(outcome.answers.values()) > 100
    assert faults(outcome, SHORT) == []

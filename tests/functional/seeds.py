"""Seeds to try: one in four by default, all of them by ``tox -e seeds``."""

from __future__ import annotations

import os

#: No kind of case comes with every second or fourth seed only.
ONE_IN = int(os.environ.get("CELLRIG_SEEDS_ONE_IN", "4"))


def seeds(total: int, in_a_test: int) -> list[range]:
    """Return the seeds below `total` that are tried now, `in_a_test` at a time."""
    step = in_a_test * ONE_IN
    return [range(first, min(first + step, total), ONE_IN) for first in range(0, total, step)]

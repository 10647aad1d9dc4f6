"""How fast a site was asked, from the moments in its log.

The log has when each request was answered, which is later than when it was sent: by little as a
rule, by more where the site was held up. So one pair of moments proves nothing, and these do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median


def keeps(times: Sequence[float], seconds: float) -> bool:
    """Whether requests lay ``seconds`` apart: from the first on, and in the middle of them."""
    times = sorted(times)
    first = times[0]
    since = [(time - first) / seconds for time in times]
    apart = [later - earlier for earlier, later in zip(times, times[3:], strict=False)]
    # The first answer may have taken two turns' time.
    return all(turns >= place - 2 for place, turns in enumerate(since)) and (
        median(apart) >= 3 * seconds * 0.9
    )


def longest_pause(times: Sequence[float]) -> float:
    """Seconds in which nobody asked for anything."""
    return max(later - earlier for earlier, later in pairwise(sorted(times)))

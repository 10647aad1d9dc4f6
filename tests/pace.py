"""How fast a site was asked, from the moments in its log.

The log has when each request was answered, which is later than when it was sent: by little as a
rule, by more where the site was held up. So one pair of moments proves nothing, and these do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median


def keeps(times: Sequence[float], seconds: float) -> bool:
    """Whether requests lay ``seconds`` apart: in the middle of them, and nearly so over all.

    Four that ask as one should are four times too fast by either. Over all it may seem a third
    faster than it was: the first answer, held up, is nearer to the last.
    """
    times = sorted(times)
    apart = [later - earlier for earlier, later in zip(times, times[3:], strict=False)]
    over_all = (times[-1] - times[0]) / (len(times) - 1)
    return median(apart) >= 3 * seconds * 0.9 and over_all >= seconds * 0.7


def stretches(times: Sequence[float], pause: float) -> list[list[float]]:
    """The moments in order, parted where nobody asked for ``pause`` seconds or longer."""
    times = sorted(times)
    parted = [[times[0]]]
    for earlier, later in pairwise(times):
        if later - earlier >= pause:
            parted.append([])
        parted[-1].append(later)
    return parted

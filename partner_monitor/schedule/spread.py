"""Which machine reads which country. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)

ASKING = 20
"""What a country costs beside its partners, in partners: its first page, however empty."""


def spread(sizes: Mapping[K, int], hosts: Sequence[str], load: Mapping[str, int]) -> dict[K, str]:
    """A host for each, so that none has much more than another: the largest first, each to the
    host that has least so far. ``load`` is what the hosts have already, in the sizes' unit.
    """
    sums = {name: load.get(name, 0) for name in hosts}
    given: dict[K, str] = {}
    for key, size in sorted(sizes.items(), key=lambda entry: -entry[1]):
        name = min(hosts, key=lambda one: sums[one])
        sums[name] += size
        given[key] = name
    return given

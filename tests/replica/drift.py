"""A plausible day of the directory: which changes, and how many of each.
The mix is that of a country of about 90 partners watched through a month.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.replica.world import World

# Changes a week, of which a day takes its share.
_WEEKLY: dict[str, float] = {
    "references": 50,
    "won": 40,
    "retention": 25,
    "lost": 25,
    "average": 15,
    "experts": 4,
    "moved": 3.5,
    "arrived": 2.3,
    "departed": 2,
    "largest": 2,
    "renamed": 1.5,
    "returned": 1.2,
    "graded": 0.8,
}


def a_day_of(world: World, rng: random.Random, fraction: float) -> None:
    """Changes at about ``fraction`` of the partners, at least one."""
    kinds, weights = list(_WEEKLY), list(_WEEKLY.values())
    for kind in rng.choices(kinds, weights, k=max(1, round(len(world.partners) * fraction))):
        _DOERS[kind](world, rng, rng.choice(list(world.partners)))


def _references(world: World, rng: random.Random, partner_id: int) -> None:
    count = world.partners[partner_id].references
    world.set_references(partner_id, max(0, count + rng.choice((-1, 1, 1, 2))))


def _won(world: World, rng: random.Random, partner_id: int) -> None:
    world.win_customer(partner_id)


def _lost(world: World, rng: random.Random, partner_id: int) -> None:
    if world.partners[partner_id].customers:
        world.lose_customer(partner_id)


def _moved(world: World, rng: random.Random, partner_id: int) -> None:
    target = rng.choice(list(world.partners))
    customers = world.partners[partner_id].customers
    if customers and target != partner_id:
        world.move_customer(rng.choice(customers), partner_id, target)


def _retention(world: World, rng: random.Random, partner_id: int) -> None:
    old = world.partners[partner_id].retention
    new = rng.randrange(70, 101) if old is None else min(100, max(0, old + rng.choice((-2, -1, 1))))
    world.set_retention(partner_id, new)


def _average(world: World, rng: random.Random, partner_id: int) -> None:
    partner = world.partners[partner_id]
    average = max(0, partner.average_project_size + rng.choice((-1, 1, 2)))
    world.set_sizes(partner_id, average, partner.largest_project_size)


def _largest(world: World, rng: random.Random, partner_id: int) -> None:
    partner = world.partners[partner_id]
    largest = rng.choice((10, 20, 30, 50, 100, 200, 300, 1000))
    world.set_sizes(partner_id, partner.average_project_size, largest)


def _experts(world: World, rng: random.Random, partner_id: int) -> None:
    experts = dict(world.partners[partner_id].experts)
    version = rng.choice((19, 18))
    experts[version] = max(0, experts.get(version, 0) + rng.choice((-1, 1, 1)))
    world.set_experts(partner_id, experts)


def _arrived(world: World, rng: random.Random, partner_id: int) -> None:
    world.arrive()


def _departed(world: World, rng: random.Random, partner_id: int) -> None:
    world.depart(partner_id)


def _returned(world: World, rng: random.Random, partner_id: int) -> None:
    if world.departed:
        world.come_back(rng.choice(list(world.departed)))


def _renamed(world: World, rng: random.Random, partner_id: int) -> None:
    name = world.partners[partner_id].name
    if rng.random() < 0.5:
        world.rename(partner_id, name.upper() if name != name.upper() else name.title(), False)
    else:
        world.rename(partner_id, f"{name} Group")


def _graded(world: World, rng: random.Random, partner_id: int) -> None:
    if rng.random() < 0.5:
        world.promote(partner_id)
    else:
        world.demote(partner_id)


_DOERS: dict[str, Callable[[World, random.Random, int], None]] = {
    "references": _references,
    "won": _won,
    "retention": _retention,
    "lost": _lost,
    "average": _average,
    "experts": _experts,
    "moved": _moved,
    "arrived": _arrived,
    "departed": _departed,
    "largest": _largest,
    "renamed": _renamed,
    "returned": _returned,
    "graded": _graded,
}

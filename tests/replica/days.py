"""The days of the demonstration and of the acceptance tests: what happens, and when.
Day 0 is the world as made, days 1 and 2 are scripted, later days drift.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.replica.model import Change, Partner
from tests.replica.world import World

SCRIPTED_DAYS = 2


def advance(world: World) -> list[Change]:
    """One day on: the returns that are due, then the day's script or a plausible drift."""
    before = len(world.log)
    _open_day(world)
    if world.day == 1:
        _day_one(world)
    elif world.day == 2:
        _day_two(world)
    else:
        world.drift()
    return world.log[before:]


def scripted_days(world: World) -> Iterator[list[Change]]:
    """Steps through the scripted days that are left, yielding what each one changed."""
    while world.day < SCRIPTED_DAYS:
        yield advance(world)


def quiet_days(world: World, count: int) -> list[Change]:
    """Days on which nothing happens but the returns that are due."""
    before = len(world.log)
    for _ in range(count):
        _open_day(world)
    return world.log[before:]


def leave_for(world: World, partner_id: int, days: int) -> None:
    """Departs today and is back after that many days, when `advance` or `quiet_days` get there."""
    world.depart(partner_id)
    world.due_back[partner_id] = world.day + days


def _open_day(world: World) -> None:
    world.next_day()
    for partner_id, day in sorted(world.due_back.items()):
        if day <= world.day:
            world.come_back(partner_id)


def _day_one(world: World) -> None:
    """3 promotions, 2 demotions, 12 reference changes, 2 arrivals, 2 departures, 2 renames (one of
    them in case only), 1 country move."""
    pick = _Picker(world)
    for _ in range(3):
        world.promote(pick.one("silver", "ready"))
    for _ in range(2):
        world.demote(pick.one("gold", "silver"))
    for step in range(12):
        partner_id = pick.one()
        world.set_references(partner_id, world.partners[partner_id].references + 1 + step % 4)
    for _ in range(2):
        world.arrive()
    for _ in range(2):
        world.depart(pick.one("ready"))
    renamed = pick.one()
    world.rename(renamed, f"{world.partners[renamed].name} International")
    shouted = pick.one(cased=True)
    world.rename(shouted, world.partners[shouted].name.swapcase(), new_slug=False)
    moved = pick.one()
    home = world.partners[moved].country_id
    abroad = (p.country_id for p in world.listed() if p.country_id not in (home, None))
    world.move_country(moved, next(abroad))


def _day_two(world: World) -> None:
    """All slugs rewritten; one departed partner returns; one is re-created; a promotion, a
    demotion, an arrival, a departure, 5 reference changes, retention, sizes and experts; a customer
    won, lost and moved."""
    world.rewrite_slugs()
    if world.departed:
        world.come_back(min(world.departed))
    pick = _Picker(world)
    world.recreate(pick.one(customers=True))
    world.promote(pick.one("silver", "ready"))
    world.demote(pick.one("gold", "silver"))
    world.arrive()
    world.depart(pick.one("ready"))
    for _ in range(5):
        partner_id = pick.one()
        world.set_references(partner_id, world.partners[partner_id].references + 2)
    changed = world.partners[pick.one()]
    world.set_retention(changed.id, 91 if changed.retention != 91 else 92)
    changed = world.partners[pick.one()]
    world.set_sizes(changed.id, changed.average_project_size + 3, changed.largest_project_size)
    changed = world.partners[pick.one()]
    world.set_experts(changed.id, {**changed.experts, 19: changed.experts.get(19, 0) + 1})
    world.win_customer(pick.one())
    world.lose_customer(pick.one(customers=True))
    source = pick.one(customers=True)
    world.move_customer(world.partners[source].customers[0], source, pick.one())


class _Picker:
    """Partners of the day, none of them twice, so that each change stands alone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._left = list(world.listed())
        world.rng.shuffle(self._left)

    def one(self, *grades: str, customers: bool = False, cased: bool = False) -> int:
        def fits(partner: Partner) -> bool:
            return (
                (not grades or partner.grade in grades)
                and (not customers or bool(partner.customers))
                and (not cased or partner.name.swapcase().swapcase() == partner.name != "")
                and (not cased or partner.name.swapcase() != partner.name)
            )

        for index, partner in enumerate(self._left):
            if fits(partner):
                return self._left.pop(index).id
        raise LookupError(f"no partner left for grades {grades}, customers {customers}")

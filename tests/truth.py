"""What a store must hold, worked out from a replica's own truth, and what it does hold."""

from __future__ import annotations

from typing import Any

from tests.crawling import rows
from tests.replica import Partner, World

Values = tuple[Any, ...]

STEPS = {"learning": 0, "ready": 1, "silver": 2, "gold": 3}


def expected_partners(world: World) -> dict[int, Values]:
    """Every listed partner with every field of its card."""
    return {partner.id: card(world, partner) for partner in world.listed()}


def card(world: World, partner: Partner) -> Values:
    """The fields of a partner's card, in the order of ``stored_partners``."""
    country = world.countries[partner.country_id].name if partner.country_id else ""
    address = ", ".join(filter(None, (country, partner.state, partner.city, partner.zip)))
    return (
        partner.name,
        partner.path,
        partner.grade,
        partner.country_id,
        address or None,
        partner.references,
        partner.retention,
        partner.largest_project_size,
        partner.average_project_size,
        partner.expert_count,
    )


def stored_partners(database_url: str) -> dict[int, Values]:
    """Every partner listed now, as plain SQL shows it; the profile's URL as a path."""
    found = rows(
        database_url,
        """SELECT id, name, profile_url, status, country_id, address, references_count,
            retention_rate, largest_project_size, average_project_size, certified_experts
        FROM partners WHERE delisted_at IS NULL""",
    )
    return {row.id: (row.name, "/" + row.profile_url.split("/", 3)[3], *row[3:]) for row in found}


def snapshot(world: World) -> dict[int, Partner]:
    """The listed partners as they are now; ``world`` may change afterwards."""
    return {partner.id: partner for partner in world.listed()}


def expected_changes(before: dict[int, Partner], after: dict[int, Partner]) -> set[Values]:
    """The events between two states that the rules call events, departures left out."""
    events: set[Values] = set()
    for id_, partner in after.items():
        old = before.get(id_)
        if old is None:
            events |= {
                ("initial", id_, None, partner.grade),
                ("references", id_, None, partner.references),
            }
            continue
        if old.grade != partner.grade:
            up = STEPS[partner.grade] > STEPS[old.grade]
            events.add(("promoted" if up else "demoted", id_, old.grade, partner.grade))
        if old.references != partner.references:
            events.add(("references", id_, old.references, partner.references))
    return events


def stored_events(database_url: str, after_run: int = 0) -> list[Values]:
    """Status and reference history of runs later than ``after_run``, sorted."""
    found = rows(
        database_url,
        """SELECT change_type, partner_id, old_status, new_status FROM status_history
            WHERE run_id > :run""",
        run=after_run,
    )
    references = rows(
        database_url,
        """SELECT 'references', partner_id, old_count, new_count FROM reference_history
            WHERE run_id > :run""",
        run=after_run,
    )
    return sorted((tuple(row) for row in [*found, *references]), key=str)

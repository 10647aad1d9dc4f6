"""The audit: what a run may conclude, decided before anything of it reaches the history.

One false "demoted" costs more trust than a hundred true ones earn: rather stop than publish
something ambiguous. Every verdict says why, in words and numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from partner_monitor.config import Thresholds
from partner_monitor.history.completeness import Shortfall
from partner_monitor.items import PageKey

MIN_CARDS_TO_COMPARE = 50
"""Below this many cards a fill rate is chance, and is not held against its baseline."""

ALWAYS_ALLOWED_EMPTIED = 3
"""So many profiles may lose most of their customers in one recheck: lists do move at once."""

MIN_BASELINE_CARDS = 100
"""A run with fewer cards is no baseline."""

ALWAYS_ALLOWED_CHANGES = 20
"""So many known partners may change in one run, whatever share of them that is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldCount:
    """How often a field was read among the cards of a run."""

    cards: int
    filled: int
    must: int = 0
    """Cards whose layout always carries the field; unparsable cards count here."""
    must_filled: int = 0

    @property
    def rate(self) -> float:
        return self.filled / self.cards if self.cards else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What a run has to show for itself."""

    limits_losses: bool
    """Whether too many lost pages speak against the whole run; a country's own list is judged by
    its count."""
    pages_read: int
    pages_lost: Sequence[tuple[PageKey, str]]
    """Pages that were promised and could not be read, each with what came of it."""
    main_list: int | None
    """The list the run was asked for (a country's, or None: all countries'); other lists are
    read only to reconcile."""
    main_list_pages_read: int
    beyond_last: str | None
    """What a page beyond the end of its list said of itself."""
    fields: Mapping[str, FieldCount]
    baselines: Mapping[str, FieldCount]
    known_seen: int
    """Partners known before and seen now, first whole reads of a country left out."""
    known_changed: int
    changed_fields: Mapping[str, int]
    short: Sequence[Shortfall]


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """What a recheck saw of profiles."""

    settled: int
    """Profiles that were read, or are gone."""
    failed: Sequence[tuple[str, str, int]]
    """What kept the others from being read, a detail, and how many."""
    compared: int
    """Profiles whose customers could be compared."""
    emptied: int
    """Of these, those that now lack more than half of their customers."""
    unshown: int = 0
    """Profiles that were read, but not all of their customers: no absence is drawn there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a run may be published, and why or why not."""

    state: str
    reason: str
    confirmable: bool = False
    """Whether a second run that sees the same may publish it after all."""


def judge(evidence: Evidence, looks: Looks | None, thresholds: Thresholds) -> Verdict:
    """The audit's table, from the gravest finding down; ``looks`` are a recheck's profiles."""
    if looks is not None:
        return _judge_recheck(evidence, looks, thresholds)
    return _judge_listing(evidence, thresholds)


def _judge_recheck(evidence: Evidence, looks: Looks, thresholds: Thresholds) -> Verdict:
    failed = sum(count for *_, count in looks.failed)
    how = "; ".join(
        f"{outcome}{', ' if detail else ''}{detail} ({count})"
        for outcome, detail, count in looks.failed
    )
    asked = looks.settled + failed
    if not asked and not evidence.pages_read and not evidence.pages_lost:
        return Verdict(state="published", reason="nothing was flagged")
    if not looks.settled and not evidence.pages_read:
        what = "; ".join(filter(None, (how, _lost(evidence) if evidence.pages_lost else "")))
        return Verdict(state="failed", reason=f"nothing could be read: {what}")
    allowed = max(ALWAYS_ALLOWED_EMPTIED, thresholds.changed * looks.compared)
    if looks.emptied > allowed:
        return Verdict(
            state="quarantined",
            reason=f"{looks.emptied} of {looks.compared} profiles lack more than half of their "
            f"known customers (limit {allowed:.0f})",
        )
    if not evidence.pages_read and not evidence.pages_lost:
        listing = Verdict(state="published", reason="all read")
    else:
        listing = _judge_listing(evidence, thresholds)
    findings = []
    if failed:
        findings.append(f"{failed} of {asked} profiles not read: {how}")
    if looks.unshown:
        findings.append(f"not all customers of {looks.unshown} of {asked} profiles could be read")
    if listing.state == "quarantined" or not findings:
        return listing
    if listing.state != "published":
        findings.append(listing.reason)
    return Verdict(state="published", reason="; ".join(findings))


def _judge_listing(evidence: Evidence, thresholds: Thresholds) -> Verdict:
    lost = len(evidence.pages_lost)
    if not evidence.pages_read and evidence.beyond_last and not lost:
        return Verdict(state="failed", reason=evidence.beyond_last)
    if not evidence.pages_read:
        return Verdict(state="failed", reason=f"no listing page could be read: {_lost(evidence)}")
    if finding := _unread_field(evidence, thresholds) or _fallen_field(evidence, thresholds):
        return Verdict(state="quarantined", reason=finding)
    main_lost = sum(page.country_id == evidence.main_list for page, _ in evidence.pages_lost)
    promised = evidence.main_list_pages_read + main_lost
    if evidence.limits_losses and main_lost > thresholds.pages_lost * promised:
        return Verdict(
            state="quarantined",
            reason=f"{main_lost} of {promised} pages lost "
            f"(limit {thresholds.pages_lost:.0%}): {_lost(evidence)}",
        )
    allowed = max(ALWAYS_ALLOWED_CHANGES, thresholds.changed * evidence.known_seen)
    if evidence.known_changed > allowed:
        by_field = ", ".join(
            f"{name} {count}"
            for name, count in sorted(
                evidence.changed_fields.items(), key=lambda item: (-item[1], item[0])
            )
            if count
        )
        return Verdict(
            state="quarantined",
            reason=f"{evidence.known_changed} of {evidence.known_seen} known partners changed "
            f"(limit {allowed:.0f}): {by_field}; a second run an hour or more later that sees "
            "the same publishes it",
            confirmable=True,
        )
    findings = []
    if lost:
        asked = evidence.pages_read + lost
        findings.append(f"{lost} of {asked} pages lost: {_lost(evidence)}")
    if evidence.short:
        some = ", ".join(str(country) for country in evidence.short[:5])
        more = f" and {len(evidence.short) - 5} more" if len(evidence.short) > 5 else ""
        noun = "country" if len(evidence.short) == 1 else "countries"
        findings.append(f"{len(evidence.short)} {noun} not whole: {some}{more}")
    return Verdict(state="published", reason="; ".join(findings) or "all read, all counts met")


def usual_fill(current: FieldCount, baseline: FieldCount | None, fill_drop: float) -> bool:
    """Whether a field that a card may lack came often enough for its absence to mean something."""
    if current.cards < MIN_CARDS_TO_COMPARE:
        return False
    return baseline is None or _holds(current, baseline, fill_drop)


def _holds(count: FieldCount, baseline: FieldCount, fill_drop: float) -> bool:
    """Whether the rate fell by ``fill_drop`` at most; a third is no exact float, hence the hair."""
    return count.rate >= baseline.rate * (1 - fill_drop) - 1e-9


def _unread_field(evidence: Evidence, thresholds: Thresholds) -> str | None:
    worst = [
        (count.must_filled / count.must, name, count)
        for name, count in evidence.fields.items()
        if count.must and count.must_filled < thresholds.read_floor * count.must
    ]
    if not worst:
        return None
    findings = (
        f"{name} was read on {count.must_filled} of {count.must} cards ({rate:.0%}, "
        f"floor {thresholds.read_floor:.0%})"
        for rate, name, count in sorted(worst, key=lambda finding: finding[:2])
    )
    return "; ".join(findings)


def _fallen_field(evidence: Evidence, thresholds: Thresholds) -> str | None:
    findings = [
        f"{name} fell from {baseline.rate:.0%} of cards to {count.rate:.0%}"
        for name, count in sorted(evidence.fields.items())
        if (baseline := evidence.baselines.get(name)) is not None
        and count.cards >= MIN_CARDS_TO_COMPARE
        and not _holds(count, baseline, thresholds.fill_drop)
    ]
    return "; ".join(findings) or None


def _lost(evidence: Evidence) -> str:
    by_outcome: dict[str, list[str]] = {}
    for page, outcome in evidence.pages_lost:
        by_outcome.setdefault(outcome, []).append(str(page))
    return (
        "; ".join(
            f"{outcome} ({pages[0]}" + (f" and {len(pages) - 1} more)" if pages[1:] else ")")
            for outcome, pages in by_outcome.items()
        )
        or "nothing was asked for"
    )

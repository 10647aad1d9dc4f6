"""What the replica's world is made of: countries, partners, customers and the log of changes.
Plain values; how they change is `world.py`, how they look on a page is `pages/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

GRADES = ("gold", "silver", "ready")
GRADE_NUMBERS = {"gold": 1, "silver": 2, "ready": 3}

# The site's own 22 industries, by number.
INDUSTRIES: Mapping[int, str] = MappingProxyType(
    {
        1: "Agriculture",
        2: "Mining & Quarrying",
        3: "Manufacturing / Maintenance",
        6: "Construction & Renovation",
        7: "Wholesale / Retail",
        8: "Transportation/Logistics",
        10: "IT / Communication / Marketing",
        11: "Finance / Legal / Insurance",
        12: "Real Estate",
        13: "Science & Technology",
        14: "Utilities / Energy / Water supply",
        15: "Government",
        16: "Education",
        17: "Health / Social Welfare / Pharmaceutical",
        18: "Entertainment / Media",
        19: "Other Services",
        20: "Households",
        21: "NGO",
        22: "ECO liable to deduct TCS u/s 52",
        23: "ECO liable to pay GST u/s 9(5)",
        30: "Food / Hospitality / Tourism / Beverage",
        59: "HR / Administrative / Consulting",
    }
)


@dataclass(frozen=True, slots=True)
class Country:
    id: int
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Customer:
    id: int
    name: str
    industry: str | None = None


@dataclass(frozen=True, slots=True)
class Partner:
    """One partner as the site knows it. Sizes in users, retention in per cent.

    ``reference_industries`` are (count, label), most first; they need not add up to
    ``references``, nor need ``customers`` be as many: on the site they do not either.
    """

    id: int
    name: str
    slug: str
    grade: str
    country_id: int | None
    state: str = ""
    city: str = ""
    zip: str = ""
    retention: int | None = None
    average_project_size: int = 0
    largest_project_size: int = 0
    references: int = 0
    reference_industries: tuple[tuple[int, str], ...] = ()
    experts: Mapping[int, int] = field(default_factory=dict, hash=False)
    sector: str | None = None
    website: str | None = None
    customers: tuple[int, ...] = ()

    @property
    def expert_count(self) -> int:
        return sum(self.experts.values())

    @property
    def path(self) -> str:
        """The profile's path without language; the slug may be empty, the number never."""
        return f"/partners/{self.slug}-{self.id}" if self.slug else f"/partners/{self.id}"


@dataclass(frozen=True, slots=True)
class Change:
    """One true change. ``kind`` is one of `CHANGE_KINDS`; ``old`` and ``new`` depend on it."""

    day: int
    kind: str
    partner_id: int
    old: object
    new: object


# kind: what old and new hold
CHANGE_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "promoted": "grades",
        "demoted": "grades",
        "status": "grades, when one of them is not on the ladder",
        "references": "counts",
        "retention": "per cent, None for not shown",
        "sizes": "(average, largest)",
        "experts": "{version: count}",
        "arrived": "None, the Partner",
        "departed": "the Partner, None",
        "returned": "grade before, grade after",
        "renamed": "names",
        "slug": "slugs",
        "country": "country numbers",
        "recreated": "the old number, the new number (partner_id is the old one)",
        "customer_won": "None, customer number",
        "customer_lost": "customer number, None",
        "customer_moved": "(customer, from partner), (customer, to partner)",
    }
)

"""Which fields the cards of each layout carry: what the audit may demand and what it may not.

Pure data. A field that a layout does not name here is never on its cards and stays unknown.
"""

from __future__ import annotations

from partner_monitor.items import Layout

CARRIED: dict[Layout, frozenset[str]] = {
    Layout.ODOO_COM: frozenset(
        {
            "name",
            "status",
            "references_count",
            "largest_project_size",
            "average_project_size",
            "certified_experts",
        }
    ),
    Layout.STOCK_18: frozenset({"name", "status", "references_count"}),
    Layout.STOCK_19: frozenset({"name", "status", "references_count"}),
}
"""Fields on every card of the layout: one that could not be read is a reading failure."""

OPTIONAL: dict[Layout, frozenset[str]] = {
    Layout.ODOO_COM: frozenset({"retention_rate", "address"}),
    Layout.STOCK_18: frozenset(),
    Layout.STOCK_19: frozenset({"address"}),
}
"""Fields which a card of the layout may rightly lack."""

TRACKED = (
    "name",
    "status",
    "country_id",
    "references_count",
    "retention_rate",
    "largest_project_size",
    "average_project_size",
    "certified_experts",
)
"""Fields whose change is a new version of the partner (rule 2)."""

FILL_WATCHED = (*TRACKED, "address")
"""Fields whose fill rate is held against its baseline."""

"""The questions that readers ask over and over find their rows by an index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from partner_monitor.store import migrate, runs
from partner_monitor.store.engine import analyze, join_at_once, open_engine, reading, writing
from partner_monitor.store.schema import staged_cards
from partner_monitor.store.staging import picked
from tests.publishing import CARDS, card, key, stage_list
from tests.years import build

LARGE = (
    *("partner_versions", "status_history", "reference_history"),
    *("partner_customers", "customers", "customer_moves", "daily_counts", "staged_pages"),
)
"""Tables that grow with the years."""

INDEXED = {
    "the newest changes of status": """
        SELECT * FROM report_status_changes ORDER BY changed_at DESC, id DESC LIMIT 50""",
    "the newest changes of references": """
        SELECT * FROM report_reference_changes ORDER BY changed_at DESC, id DESC LIMIT 50""",
    "the newest moves": """
        SELECT * FROM report_customer_moves ORDER BY noticed_on DESC LIMIT 50""",
    "the newest days": """
        SELECT * FROM report_daily_counts ORDER BY day DESC LIMIT 50""",
    "changes of status since a day": """
        SELECT * FROM report_status_changes WHERE changed_at >= '2026-11-22'""",
    "changes of references since a day": """
        SELECT * FROM report_reference_changes WHERE changed_at >= '2026-11-22'""",
    "moves since a day": """
        SELECT * FROM report_customer_moves WHERE noticed_on >= '2026-11-22'""",
    "the counts of a day": """
        SELECT * FROM report_daily_counts WHERE day = '2026-11-22'""",
    "what happened to one partner": """
        SELECT * FROM partner_versions WHERE partner_id = 7 ORDER BY valid_from""",
    "a partner's changes of status": """
        SELECT * FROM report_status_changes WHERE partner_id = 7""",
    "a partner's customers": """
        SELECT * FROM partner_customers pc JOIN customers c ON c.id = pc.customer_id
        WHERE pc.partner_id = 7""",
    "who had a customer": """
        SELECT * FROM partner_customers WHERE customer_id = 7""",
    "who changed name or country since a day": """
        SELECT * FROM partner_versions n
        JOIN partner_versions o ON o.partner_id = n.partner_id AND o.valid_to = n.valid_from
        WHERE n.valid_from >= '2026-11-22' AND o.name <> n.name""",
    "what a run wrote": """
        SELECT * FROM partner_versions WHERE run_id = 7""",
}
"""Each must touch its rows alone."""

NOT_INDEXED = "SELECT * FROM partner_versions WHERE name = 'Rufus Firefly SA'"


def scans(connection: Connection, query: str) -> list[str]:
    """The tables or steps in which the database would read a large table from end to end."""
    if connection.dialect.name == "postgresql":
        plan = connection.execute(text(f"EXPLAIN (FORMAT JSON) {query}")).scalar_one()
        read = [node["Relation Name"] for node in _nodes(plan) if node["Node Type"] == "Seq Scan"]
        return [table for table in read if table in LARGE]
    steps = connection.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()
    # In an index's order, up to a limit: the first rows are all that is read.
    may_walk = "LIMIT" in query
    return [
        step.detail
        for step in steps
        if step.detail.startswith("SCAN") and not (may_walk and "USING INDEX" in step.detail)
    ]


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, list):
        for one in plan:
            yield from _nodes(one)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        for one in plan.values():
            yield from _nodes(one)


def test_questions_read_no_large_table_from_end_to_end(database_url: str) -> None:
    build(database_url, partners=200, days=40)
    engine = open_engine(database_url)
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            # So few rows are read at once. Now only what has no index is.
            connection.exec_driver_sql("SET LOCAL enable_seqscan TO off")
        assert scans(connection, NOT_INDEXED)  # what has no index is seen
        found = {question: scans(connection, query) for question, query in INDEXED.items()}
    engine.dispose()
    assert {question: steps for question, steps in found.items() if steps} == {}


def test_what_has_just_been_staged_is_joined_at_once(postgres_database_url: str) -> None:
    """PostgreSQL's planner has seen the run before, and nothing of this one."""
    engine = open_engine(postgres_database_url)
    migrate.upgrade(engine)

    def stage(run_id: int) -> None:
        cards = [card(id_) | {"country_id": None} for id_ in range(1, 1 + 25 * CARDS)]
        with writing(engine) as connection:
            connection.execute(staged_cards.delete())
            stage_list(connection, run_id, datetime(2026, 3, run_id, tzinfo=UTC), cards, menu=())

    for number in (1, 2):
        began = datetime(2026, 3, number, tzinfo=UTC)
        runs.begin(engine, key("partners"), began, timedelta(0), new_run=True).lock.release()
        stage(number)
        if number == 1:
            with writing(engine) as connection:
                analyze(connection, staged_cards)
    with reading(engine) as connection:
        join_at_once(connection)
        query = picked(2).compile(connection, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.execute(text(f"EXPLAIN {query}")).scalars())
    engine.dispose()
    assert "Nested Loop" not in plan
    assert "Anti Join" in plan

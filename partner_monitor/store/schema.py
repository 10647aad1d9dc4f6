"""Every table of the store. The same on SQLite and PostgreSQL; times are UTC.

What each column means to a reader is in docs/sql.md; the rules behind them are in
docs/how-it-works.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

SCHEMA_VERSION = "0007"
"""The newest migration, which this schema is equal to."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UTCDateTime(TypeDecorator[datetime]):
    """Aware times only, kept as UTC: SQLite would drop an offset instead of converting it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a time zone: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite gives an increasing id only to a plain INTEGER key; the site's ids are given, not made.
RowId = BigInteger().with_variant(Integer, "sqlite")

store = Table(
    "store",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("site", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
)

countries = Table(
    "countries",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("iso_code", String(2)),
    Column("listed_count", Integer),
    Column("partner_count", Integer, nullable=False, default=0),
    Column("complete", Boolean),
    Column("page_lost", Boolean, nullable=False, default=False),
    # The fetch time up to which a published run has read the country whole.
    Column("covered_at", UTCDateTime),
    Column("to_reprocess", Boolean, nullable=False, default=False),
    Column("reprocess_reason", String(20)),
    Column("flagged_at", UTCDateTime),
    Column("recheck_attempts", Integer, nullable=False, server_default="0"),
    Column("next_recheck_at", UTCDateTime),
    # When somebody last asked for a second look.
    Column("recheck_asked_at", UTCDateTime),
)

partners = Table(
    "partners",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("profile_url", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("status", Text),
    Column("country_id", BigInteger, ForeignKey("countries.id")),
    Column("address", Text),
    Column("first_seen_on", Date, nullable=False),
    Column("last_seen_at", UTCDateTime, nullable=False),
    # When a published run last looked for it, be it found or found absent.
    Column("observed_at", UTCDateTime, nullable=False),
    Column("missing_since", UTCDateTime),
    Column("missing_looks", Integer, nullable=False, default=0),
    # When its absence was first found to have lasted long enough for a delisting.
    Column("overdue_since", UTCDateTime),
    Column("delisted_at", UTCDateTime),
    Column("references_count", Integer),
    Column("retention_rate", Integer),
    Column("largest_project_size", Integer),
    Column("average_project_size", Integer),
    Column("certified_experts", Integer),
    Column("website", Text),
    Column("industry", Text),
    Column("profile_read_at", UTCDateTime),
    # Fields that the last card had to show and that could not be read, separated by spaces.
    Column("unread", Text, nullable=False, default=""),
    # When a tracked field last moved, and whether the references fell implausibly then.
    Column("changed_at", UTCDateTime),
    Column("implausible", Boolean, nullable=False, default=False),
    Column("mismatch", Boolean, nullable=False, default=False),
    # When a profile that shows every customer was last read: the first is a baseline.
    Column("customers_read_at", UTCDateTime),
    # When the profile last answered that there is no such partner.
    Column("profile_gone_at", UTCDateTime),
    # Looks at the profile that settled nothing, one after the other, and when the next is due.
    Column("recheck_attempts", Integer, nullable=False, server_default="0"),
    Column("next_recheck_at", UTCDateTime),
    Column("to_reprocess", Boolean, nullable=False, default=False),
    Column("reprocess_reason", String(20)),
    Column("flagged_at", UTCDateTime),
    Column("recheck_asked_at", UTCDateTime),
    # Who is listed is counted in the index alone.
    Index(None, "country_id", "status", "delisted_at"),
    Index(None, "missing_since"),
    Index(None, "to_reprocess", "flagged_at"),
)

crawl_runs = Table(
    "crawl_runs",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("spider", String(40), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("country_id", BigInteger),
    Column("page", Integer),
    Column("site", Text, nullable=False),
    Column("schema_version", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("finished_at", UTCDateTime),
    # The instant that all rows of its publish bear.
    Column("published_at", UTCDateTime),
    Column("pages_expected", Integer),
    Column("pages_fetched", Integer, nullable=False, default=0),
    Column("pages_failed", Integer, nullable=False, default=0),
    Column("partners_seen", Integer, nullable=False, default=0),
    Column("partners_expected", Integer),
    Column("partners_doubled", Integer, nullable=False, default=0),
    Column("cards_rejected", Integer, nullable=False, default=0),
    # Whether quarantined for too many changes alone, which a second run may confirm.
    Column("confirmable", Boolean, nullable=False, default=False),
    Column("reason", Text),
    # The newest country menu of the run that adds up, and when it was read.
    Column("menu_total", Integer),
    Column("menu_at", UTCDateTime),
    Index(None, "state", "spider"),
    sqlite_autoincrement=True,
)

partner_versions = Table(
    "partner_versions",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id"), nullable=False),
    Column("valid_from", UTCDateTime, nullable=False),
    Column("valid_to", UTCDateTime),
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text),
    Column("country_id", BigInteger, ForeignKey("countries.id")),
    Column("references_count", Integer),
    Column("retention_rate", Integer),
    Column("largest_project_size", Integer),
    Column("average_project_size", Integer),
    Column("certified_experts", Integer),
    UniqueConstraint("partner_id", "valid_from"),
    Index(None, "partner_id", "valid_to"),
    Index(None, "valid_from"),
    Index(None, "run_id"),
)

status_history = Table(
    "status_history",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id"), nullable=False),
    Column("old_status", Text),
    Column("new_status", Text),
    Column("change_type", String(20), nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), nullable=False),
    UniqueConstraint("partner_id", "changed_at"),
    Index(None, "changed_at"),
    Index(None, "run_id"),
)

reference_history = Table(
    "reference_history",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id"), nullable=False),
    Column("old_count", Integer),
    Column("new_count", Integer, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), nullable=False),
    UniqueConstraint("partner_id", "changed_at"),
    Index(None, "changed_at"),
    Index(None, "run_id"),
)

partner_profiles = Table(
    "partner_profiles",
    metadata,
    # What the profile said when it was last read: to be compared with the card, never taken over.
    Column("partner_id", BigInteger, ForeignKey("partners.id"), primary_key=True),
    Column("read_at", UTCDateTime, nullable=False),
    Column("name", Text),
    Column("status", Text),
    Column("country_id", BigInteger),
    Column("references_count", Integer),
    Column("retention_rate", Integer),
    Column("largest_project_size", Integer),
    Column("average_project_size", Integer),
    Column("certified_experts", Integer),
)

partner_experts = Table(
    "partner_experts",
    metadata,
    Column("partner_id", BigInteger, ForeignKey("partners.id"), primary_key=True),
    Column("version", String(200), primary_key=True),
    Column("experts", Integer, nullable=False),
)

partner_industries = Table(
    "partner_industries",
    metadata,
    Column("partner_id", BigInteger, ForeignKey("partners.id"), primary_key=True),
    Column("industry", String(200), primary_key=True),
    Column("references_count", Integer, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("industry", Text),
)

partner_customers = Table(
    "partner_customers",
    metadata,
    # A row a stretch of time: a customer that comes back after its end has another row.
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id"), nullable=False),
    Column("customer_id", BigInteger, ForeignKey("customers.id"), nullable=False),
    Column("first_seen_on", Date, nullable=False),
    Column("first_seen_at", UTCDateTime, nullable=False),
    # Whether it was there at the first look, so that nobody knows when it was won.
    Column("baseline", Boolean, nullable=False),
    Column("last_seen_at", UTCDateTime, nullable=False),
    Column("missing_since", UTCDateTime),
    Column("missing_looks", Integer, nullable=False, default=0),
    Column("ended_at", UTCDateTime),
    # Whether it ended because the partner was delisted.
    Column("ended_with_partner", Boolean, nullable=False, default=False),
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), nullable=False),
    Column("ended_run_id", BigInteger, ForeignKey("crawl_runs.id")),
    UniqueConstraint("partner_id", "customer_id", "first_seen_at"),
    Index(None, "customer_id"),
    Index(None, "missing_since"),
    Index(None, "first_seen_at"),
    Index(None, "ended_at"),
)

customer_moves = Table(
    "customer_moves",
    metadata,
    # A customer that left one partner and appeared at another, noted when both have happened.
    Column("customer_id", BigInteger, ForeignKey("customers.id"), primary_key=True),
    Column("from_partner_id", BigInteger, ForeignKey("partners.id"), primary_key=True),
    Column("to_partner_id", BigInteger, ForeignKey("partners.id"), primary_key=True),
    Column("left_at", UTCDateTime, primary_key=True),
    Column("appeared_at", UTCDateTime, primary_key=True),
    Column("noticed_at", UTCDateTime, nullable=False),
    Index(None, "noticed_at"),
)

partner_recreations = Table(
    "partner_recreations",
    metadata,
    # A partner that went, and one that came with nearly all of its customers.
    Column("old_partner_id", BigInteger, ForeignKey("partners.id"), primary_key=True),
    Column("new_partner_id", BigInteger, ForeignKey("partners.id"), primary_key=True),
    Column("customers", Integer, nullable=False),
    Column("shared", Integer, nullable=False),
    Column("noticed_at", UTCDateTime, nullable=False),
    Index(None, "noticed_at"),
)

daily_counts = Table(
    "daily_counts",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("day", Date, nullable=False),
    Column("country_id", BigInteger, ForeignKey("countries.id")),
    Column("status", Text),
    Column("partners", Integer, nullable=False),
    Index(None, "day", "country_id", "status"),
)

run_fields = Table(
    "run_fields",
    metadata,
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), primary_key=True),
    Column("field", String(40), primary_key=True),
    Column("cards", Integer, nullable=False),
    Column("filled", Integer, nullable=False),
)

run_outcomes = Table(
    "run_outcomes",
    metadata,
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), primary_key=True),
    Column("kind", String(20), primary_key=True),  # "listing" or "profile"
    Column("outcome", String(40), primary_key=True),
    Column("pages", Integer, nullable=False),
)

rejected_items = Table(
    "rejected_items",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("list_country_id", BigInteger),
    Column("page", Integer),
    Index(None, "run_id"),
)

users = Table(
    "users",
    metadata,
    # Who may log in to the dashboard.
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False),  # in lower case
    Column("role", String(20), nullable=False),
    Column("password_hash", Text, nullable=False),
    # A session that began before is over.
    Column("password_set_at", UTCDateTime, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    UniqueConstraint("name"),
)

# --- the staging area of runs that are not published yet -----------------------------------------
ALL_COUNTRIES = 0
"""``list_country_id`` of the whole directory in the staging tables: a key cannot be NULL."""

staged_pages = Table(
    "staged_pages",
    metadata,
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), primary_key=True),
    Column("list_country_id", BigInteger, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("url", Text, nullable=False),
    Column("fetched_at", UTCDateTime, nullable=False),
    Column("outcome", String(40), nullable=False),
    Column("detail", Text),
    Column("layout", String(20)),
    Column("cards", Integer, nullable=False, default=0),
    Column("rejected", Integer, nullable=False, default=0),
    Column("declared_count", Integer),
    Column("last_page", Integer),
    Column("has_next", Boolean, nullable=False, default=False),
    Column("page_link", Text),
)

staged_cards = Table(
    "staged_cards",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), nullable=False),
    Column("list_country_id", BigInteger, nullable=False),
    Column("page", Integer, nullable=False),
    Column("fetched_at", UTCDateTime, nullable=False),
    Column("layout", String(20), nullable=False),
    Column("partner_id", BigInteger, nullable=False),
    Column("name", Text),
    Column("profile_url", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("status", Text),
    Column("country_id", BigInteger),
    Column("address", Text),
    Column("references_count", Integer),
    Column("retention_rate", Integer),
    Column("largest_project_size", Integer),
    Column("average_project_size", Integer),
    Column("certified_experts", Integer),
    Column("unread", Text, nullable=False, default=""),
    Index(None, "run_id", "partner_id"),
    Index(None, "run_id", "list_country_id", "page"),
)

staged_countries = Table(
    "staged_countries",
    metadata,
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), primary_key=True),
    Column("country_id", BigInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("iso_code", String(2)),
    Column("listed_count", Integer),
    # Whether the declared count moved while the run was reading.
    Column("varied", Boolean, nullable=False, default=False),
)


staged_profiles = Table(
    "staged_profiles",
    metadata,
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), primary_key=True),
    Column("partner_id", BigInteger, primary_key=True),
    Column("url", Text, nullable=False),
    Column("fetched_at", UTCDateTime, nullable=False),
    Column("outcome", String(40), nullable=False),
    Column("detail", Text),
    Column("profile_url", Text),
    Column("slug", Text),
    Column("website", Text),
    Column("industry", Text),
    Column("name", Text),
    Column("status", Text),
    Column("country_id", BigInteger),
    Column("references_count", Integer),
    Column("retention_rate", Integer),
    Column("largest_project_size", Integer),
    Column("average_project_size", Integer),
    Column("certified_experts", Integer),
    # Whether it shows every customer it has: stock Odoo may show none by number.
    Column("customers_shown", Boolean, nullable=False, default=False),
)

staged_profile_customers = Table(
    "staged_profile_customers",
    metadata,
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), primary_key=True),
    Column("partner_id", BigInteger, primary_key=True),
    Column("customer_id", BigInteger, primary_key=True),
    Column("name", Text),
    Column("industry", Text),
    Index(None, "run_id", "customer_id"),
)

staged_profile_counts = Table(
    "staged_profile_counts",
    metadata,
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), primary_key=True),
    Column("partner_id", BigInteger, primary_key=True),
    # "expert" with a version as its label, or "industry" with an industry.
    Column("kind", String(20), primary_key=True),
    Column("label", String(200), primary_key=True),
    Column("count", Integer, nullable=False),
)

kept_pages = Table(
    "kept_pages",
    metadata,
    # A row an answer, in the order in which they came; a page that was asked for twice has two.
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("run_id", BigInteger, ForeignKey("crawl_runs.id"), nullable=False),
    Column("list_country_id", BigInteger),
    Column("page", Integer),
    Column("partner_id", BigInteger),
    Column("url", Text, nullable=False),
    Column("fetched_at", UTCDateTime, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # compressed by gzip
    Index(None, "run_id"),
    Index(None, "fetched_at"),
)

request_gate = Table(
    "request_gate",
    metadata,
    # One row, made by the first request that is paced by it; on SQLite there is none.
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    # When the next request may be sent, by the server's clock.
    Column("next_at", UTCDateTime, nullable=False),
    Column("closed_until", UTCDateTime, nullable=False),
    # How often the site has refused: turns given before the last refusal are void.
    Column("closures", BigInteger, nullable=False),
    # Seconds that robots.txt asks for between two requests.
    Column("crawl_delay", Float, nullable=False),
)


def sqlite_file(engine: Engine) -> str | None:
    """Path of a SQLite store's file; None for a server."""
    return engine.url.database if engine.dialect.name == "sqlite" else None

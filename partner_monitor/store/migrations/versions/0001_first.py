"""The first schema: partners, their history, the ledger of runs, the staging area."""

import sqlalchemy as sa
from alembic import op

from partner_monitor.store.schema import UTCDateTime

revision = "0001"
down_revision = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "countries",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("iso_code", sa.String(length=2), nullable=True),
        sa.Column("listed_count", sa.Integer(), nullable=True),
        sa.Column("partner_count", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=True),
        sa.Column("page_lost", sa.Boolean(), nullable=False),
        sa.Column("covered_at", UTCDateTime(), nullable=True),
        sa.Column("to_reprocess", sa.Boolean(), nullable=False),
        sa.Column("reprocess_reason", sa.String(length=20), nullable=True),
        sa.Column("flagged_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_countries"),
    )
    op.create_table(
        "crawl_runs",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("spider", sa.String(length=40), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("country_id", sa.BigInteger(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("schema_version", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("published_at", UTCDateTime(), nullable=True),
        sa.Column("pages_expected", sa.Integer(), nullable=True),
        sa.Column("pages_fetched", sa.Integer(), nullable=False),
        sa.Column("pages_failed", sa.Integer(), nullable=False),
        sa.Column("partners_seen", sa.Integer(), nullable=False),
        sa.Column("partners_expected", sa.Integer(), nullable=True),
        sa.Column("partners_doubled", sa.Integer(), nullable=False),
        sa.Column("cards_rejected", sa.Integer(), nullable=False),
        sa.Column("confirmable", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("menu_total", sa.Integer(), nullable=True),
        sa.Column("menu_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_crawl_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_crawl_runs_state_spider", "crawl_runs", ["state", "spider"], unique=False)
    op.create_table(
        "store",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_store"),
    )
    op.create_table(
        "daily_counts",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("country_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("partners", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["country_id"], ["countries.id"], name="fk_daily_counts_country_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_daily_counts"),
    )
    op.create_index(
        "ix_daily_counts_day_country_id_status",
        "daily_counts",
        ["day", "country_id", "status"],
        unique=False,
    )
    op.create_table(
        "partners",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("profile_url", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("country_id", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("first_seen_on", sa.Date(), nullable=False),
        sa.Column("last_seen_at", UTCDateTime(), nullable=False),
        sa.Column("observed_at", UTCDateTime(), nullable=False),
        sa.Column("missing_since", UTCDateTime(), nullable=True),
        sa.Column("missing_looks", sa.Integer(), nullable=False),
        sa.Column("overdue_since", UTCDateTime(), nullable=True),
        sa.Column("delisted_at", UTCDateTime(), nullable=True),
        sa.Column("references_count", sa.Integer(), nullable=True),
        sa.Column("retention_rate", sa.Integer(), nullable=True),
        sa.Column("largest_project_size", sa.Integer(), nullable=True),
        sa.Column("average_project_size", sa.Integer(), nullable=True),
        sa.Column("certified_experts", sa.Integer(), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.Column("profile_read_at", UTCDateTime(), nullable=True),
        sa.Column("unread", sa.Text(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=True),
        sa.Column("implausible", sa.Boolean(), nullable=False),
        sa.Column("mismatch", sa.Boolean(), nullable=False),
        sa.Column("to_reprocess", sa.Boolean(), nullable=False),
        sa.Column("reprocess_reason", sa.String(length=20), nullable=True),
        sa.Column("flagged_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["country_id"], ["countries.id"], name="fk_partners_country_id"),
        sa.PrimaryKeyConstraint("id", name="pk_partners"),
    )
    op.create_index(
        "ix_partners_country_id_status", "partners", ["country_id", "status"], unique=False
    )
    op.create_index("ix_partners_missing_since", "partners", ["missing_since"], unique=False)
    op.create_index(
        "ix_partners_to_reprocess_flagged_at",
        "partners",
        ["to_reprocess", "flagged_at"],
        unique=False,
    )
    op.create_table(
        "rejected_items",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("list_country_id", sa.BigInteger(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_rejected_items_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rejected_items"),
    )
    op.create_index("ix_rejected_items_run_id", "rejected_items", ["run_id"], unique=False)
    op.create_table(
        "run_fields",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("cards", sa.Integer(), nullable=False),
        sa.Column("filled", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_run_fields_run_id"),
        sa.PrimaryKeyConstraint("run_id", "field", name="pk_run_fields"),
    )
    op.create_table(
        "staged_cards",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("list_country_id", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("fetched_at", UTCDateTime(), nullable=False),
        sa.Column("layout", sa.String(length=20), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("profile_url", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("country_id", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("references_count", sa.Integer(), nullable=True),
        sa.Column("retention_rate", sa.Integer(), nullable=True),
        sa.Column("largest_project_size", sa.Integer(), nullable=True),
        sa.Column("average_project_size", sa.Integer(), nullable=True),
        sa.Column("certified_experts", sa.Integer(), nullable=True),
        sa.Column("unread", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_staged_cards_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staged_cards"),
    )
    op.create_index(
        "ix_staged_cards_run_id_list_country_id_page",
        "staged_cards",
        ["run_id", "list_country_id", "page"],
        unique=False,
    )
    op.create_index(
        "ix_staged_cards_run_id_partner_id",
        "staged_cards",
        ["run_id", "partner_id"],
        unique=False,
    )
    op.create_table(
        "staged_countries",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("country_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("iso_code", sa.String(length=2), nullable=True),
        sa.Column("listed_count", sa.Integer(), nullable=True),
        sa.Column("varied", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_staged_countries_run_id"),
        sa.PrimaryKeyConstraint("run_id", "country_id", name="pk_staged_countries"),
    )
    op.create_table(
        "staged_pages",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("list_country_id", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("fetched_at", UTCDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("layout", sa.String(length=20), nullable=True),
        sa.Column("cards", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("declared_count", sa.Integer(), nullable=True),
        sa.Column("last_page", sa.Integer(), nullable=True),
        sa.Column("has_next", sa.Boolean(), nullable=False),
        sa.Column("page_link", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_staged_pages_run_id"),
        sa.PrimaryKeyConstraint("run_id", "list_country_id", "page", name="pk_staged_pages"),
    )
    op.create_table(
        "partner_versions",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", UTCDateTime(), nullable=False),
        sa.Column("valid_to", UTCDateTime(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("country_id", sa.BigInteger(), nullable=True),
        sa.Column("references_count", sa.Integer(), nullable=True),
        sa.Column("retention_rate", sa.Integer(), nullable=True),
        sa.Column("largest_project_size", sa.Integer(), nullable=True),
        sa.Column("average_project_size", sa.Integer(), nullable=True),
        sa.Column("certified_experts", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["country_id"], ["countries.id"], name="fk_partner_versions_country_id"
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_partner_versions_partner_id"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_partner_versions_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_partner_versions"),
        sa.UniqueConstraint(
            "partner_id", "valid_from", name="uq_partner_versions_partner_id_valid_from"
        ),
    )
    op.create_index("ix_partner_versions_run_id", "partner_versions", ["run_id"], unique=False)
    op.create_index(
        "ix_partner_versions_valid_from", "partner_versions", ["valid_from"], unique=False
    )
    op.create_table(
        "reference_history",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("old_count", sa.Integer(), nullable=True),
        sa.Column("new_count", sa.Integer(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_reference_history_partner_id"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_reference_history_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reference_history"),
        sa.UniqueConstraint(
            "partner_id", "changed_at", name="uq_reference_history_partner_id_changed_at"
        ),
    )
    op.create_index(
        "ix_reference_history_changed_at", "reference_history", ["changed_at"], unique=False
    )
    op.create_index("ix_reference_history_run_id", "reference_history", ["run_id"], unique=False)
    op.create_table(
        "status_history",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("old_status", sa.Text(), nullable=True),
        sa.Column("new_status", sa.Text(), nullable=True),
        sa.Column("change_type", sa.String(length=20), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_status_history_partner_id"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_status_history_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_status_history"),
        sa.UniqueConstraint(
            "partner_id", "changed_at", name="uq_status_history_partner_id_changed_at"
        ),
    )
    op.create_index("ix_status_history_changed_at", "status_history", ["changed_at"], unique=False)
    op.create_index("ix_status_history_run_id", "status_history", ["run_id"], unique=False)

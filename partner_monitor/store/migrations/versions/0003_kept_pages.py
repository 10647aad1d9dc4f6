"""Pages kept for another reading, and what came of a run's pages, counted."""

import sqlalchemy as sa
from alembic import op

from partner_monitor.store.schema import UTCDateTime

revision = "0003"
down_revision = "0002"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "kept_pages",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("list_country_id", sa.BigInteger(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("partner_id", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("fetched_at", UTCDateTime(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_kept_pages_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_kept_pages"),
    )
    with op.batch_alter_table("kept_pages", schema=None) as batch_op:
        batch_op.create_index("ix_kept_pages_run_id", ["run_id"], unique=False)
        batch_op.create_index("ix_kept_pages_fetched_at", ["fetched_at"], unique=False)
    op.create_table(
        "run_outcomes",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_run_outcomes_run_id"),
        sa.PrimaryKeyConstraint("run_id", "kind", "outcome", name="pk_run_outcomes"),
    )

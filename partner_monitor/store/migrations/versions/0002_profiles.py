"""Profiles: what they say, the customers on them, and when the next look is due."""

import sqlalchemy as sa
from alembic import op

from partner_monitor.store.schema import UTCDateTime

revision = "0002"
down_revision = "0001"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    op.create_table(
        "staged_profile_counts",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["crawl_runs.id"], name="fk_staged_profile_counts_run_id"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "partner_id", "kind", "label", name="pk_staged_profile_counts"
        ),
    )
    op.create_table(
        "staged_profile_customers",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["crawl_runs.id"], name="fk_staged_profile_customers_run_id"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "partner_id", "customer_id", name="pk_staged_profile_customers"
        ),
    )
    with op.batch_alter_table("staged_profile_customers", schema=None) as batch_op:
        batch_op.create_index(
            "ix_staged_profile_customers_run_id_customer_id",
            ["run_id", "customer_id"],
            unique=False,
        )

    op.create_table(
        "staged_profiles",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("fetched_at", UTCDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("profile_url", sa.Text(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("country_id", sa.BigInteger(), nullable=True),
        sa.Column("references_count", sa.Integer(), nullable=True),
        sa.Column("retention_rate", sa.Integer(), nullable=True),
        sa.Column("largest_project_size", sa.Integer(), nullable=True),
        sa.Column("average_project_size", sa.Integer(), nullable=True),
        sa.Column("certified_experts", sa.Integer(), nullable=True),
        sa.Column("customers_shown", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_staged_profiles_run_id"),
        sa.PrimaryKeyConstraint("run_id", "partner_id", name="pk_staged_profiles"),
    )
    op.create_table(
        "partner_customers",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_on", sa.Date(), nullable=False),
        sa.Column("first_seen_at", UTCDateTime(), nullable=False),
        sa.Column("baseline", sa.Boolean(), nullable=False),
        sa.Column("last_seen_at", UTCDateTime(), nullable=False),
        sa.Column("missing_since", UTCDateTime(), nullable=True),
        sa.Column("missing_looks", sa.Integer(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_with_partner", sa.Boolean(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("ended_run_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_partner_customers_customer_id"
        ),
        sa.ForeignKeyConstraint(
            ["ended_run_id"], ["crawl_runs.id"], name="fk_partner_customers_ended_run_id"
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_partner_customers_partner_id"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["crawl_runs.id"], name="fk_partner_customers_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_partner_customers"),
        sa.UniqueConstraint(
            "partner_id",
            "customer_id",
            "first_seen_at",
            name="uq_partner_customers_partner_id_customer_id_first_seen_at",
        ),
    )
    with op.batch_alter_table("partner_customers", schema=None) as batch_op:
        batch_op.create_index("ix_partner_customers_customer_id", ["customer_id"], unique=False)
        batch_op.create_index("ix_partner_customers_ended_at", ["ended_at"], unique=False)
        batch_op.create_index("ix_partner_customers_first_seen_at", ["first_seen_at"], unique=False)
        batch_op.create_index("ix_partner_customers_missing_since", ["missing_since"], unique=False)

    op.create_table(
        "partner_experts",
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("experts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_partner_experts_partner_id"
        ),
        sa.PrimaryKeyConstraint("partner_id", "version", name="pk_partner_experts"),
    )
    op.create_table(
        "partner_industries",
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("industry", sa.String(length=200), nullable=False),
        sa.Column("references_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_partner_industries_partner_id"
        ),
        sa.PrimaryKeyConstraint("partner_id", "industry", name="pk_partner_industries"),
    )
    op.create_table(
        "partner_profiles",
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("read_at", UTCDateTime(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("country_id", sa.BigInteger(), nullable=True),
        sa.Column("references_count", sa.Integer(), nullable=True),
        sa.Column("retention_rate", sa.Integer(), nullable=True),
        sa.Column("largest_project_size", sa.Integer(), nullable=True),
        sa.Column("average_project_size", sa.Integer(), nullable=True),
        sa.Column("certified_experts", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name="fk_partner_profiles_partner_id"
        ),
        sa.PrimaryKeyConstraint("partner_id", name="pk_partner_profiles"),
    )
    with op.batch_alter_table("countries", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("recheck_attempts", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("next_recheck_at", UTCDateTime(), nullable=True))

    with op.batch_alter_table("partners", schema=None) as batch_op:
        batch_op.add_column(sa.Column("customers_read_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("profile_gone_at", UTCDateTime(), nullable=True))
        batch_op.add_column(
            sa.Column("recheck_attempts", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("next_recheck_at", UTCDateTime(), nullable=True))

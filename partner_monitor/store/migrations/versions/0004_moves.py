"""Customers that moved and partners created anew, noted at each publish; here for all before.

And an index by which a version finds the one before it.
"""

import re

import sqlalchemy as sa
from alembic import op

from partner_monitor.store.schema import UTCDateTime

revision = "0004"
down_revision = "0003"

MOVES = """
    INSERT INTO customer_moves
    SELECT l.customer_id, l.partner_id, g.partner_id, l.ended_at, g.first_seen_at,
        CASE WHEN g.first_seen_at > l.ended_at THEN g.first_seen_at ELSE l.ended_at END
    FROM partner_customers l
    JOIN partner_customers g ON g.customer_id = l.customer_id AND g.partner_id <> l.partner_id
    JOIN partners t ON t.id = g.partner_id
    WHERE l.ended_at IS NOT NULL
        AND (NOT g.baseline OR (
            t.first_seen_on > (SELECT MIN(first_seen_on) FROM partners)
            AND ABS(DAYS[g.first_seen_on; t.first_seen_on]) <= 30))
        AND ABS(DAYS[g.first_seen_at; COALESCE(l.missing_since, l.ended_at)]) <= 30"""

RECREATIONS = """
    INSERT INTO partner_recreations
    SELECT o.id, n.id, s.had, s.shared, CASE WHEN s.came > s.went THEN s.came ELSE s.went END
    FROM (
        SELECT l.partner_id AS old_id, g.partner_id AS new_id, COUNT(*) AS shared,
            MAX(l.ended_at) AS went, MAX(g.first_seen_at) AS came,
            (SELECT COUNT(*) FROM partner_customers h
                WHERE h.partner_id = l.partner_id AND h.ended_with_partner) AS had
        FROM partner_customers l
        JOIN partner_customers g ON g.customer_id = l.customer_id
            AND g.partner_id <> l.partner_id AND g.baseline
        WHERE l.ended_with_partner
        GROUP BY l.partner_id, g.partner_id) s
    JOIN partners o ON o.id = s.old_id AND o.delisted_at IS NOT NULL
    JOIN partners n ON n.id = s.new_id
    WHERE s.shared >= 2 AND s.shared >= 0.8 * s.had
        AND ABS(DAYS[n.first_seen_on; o.missing_since]) <= 30
        AND n.first_seen_on > (SELECT MIN(first_seen_on) FROM partners)"""


def upgrade() -> None:
    op.create_table(
        "customer_moves",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("from_partner_id", sa.BigInteger(), nullable=False),
        sa.Column("to_partner_id", sa.BigInteger(), nullable=False),
        sa.Column("left_at", UTCDateTime(), nullable=False),
        sa.Column("appeared_at", UTCDateTime(), nullable=False),
        sa.Column("noticed_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_customer_moves_customer_id"
        ),
        sa.ForeignKeyConstraint(
            ["from_partner_id"], ["partners.id"], name="fk_customer_moves_from_partner_id"
        ),
        sa.ForeignKeyConstraint(
            ["to_partner_id"], ["partners.id"], name="fk_customer_moves_to_partner_id"
        ),
        sa.PrimaryKeyConstraint(
            "customer_id",
            "from_partner_id",
            "to_partner_id",
            "left_at",
            "appeared_at",
            name="pk_customer_moves",
        ),
    )
    op.create_index("ix_customer_moves_noticed_at", "customer_moves", ["noticed_at"], unique=False)
    op.create_table(
        "partner_recreations",
        sa.Column("old_partner_id", sa.BigInteger(), nullable=False),
        sa.Column("new_partner_id", sa.BigInteger(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("shared", sa.Integer(), nullable=False),
        sa.Column("noticed_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["old_partner_id"], ["partners.id"], name="fk_partner_recreations_old_partner_id"
        ),
        sa.ForeignKeyConstraint(
            ["new_partner_id"], ["partners.id"], name="fk_partner_recreations_new_partner_id"
        ),
        sa.PrimaryKeyConstraint("old_partner_id", "new_partner_id", name="pk_partner_recreations"),
    )
    op.create_index(
        "ix_partner_recreations_noticed_at", "partner_recreations", ["noticed_at"], unique=False
    )
    op.create_index(
        "ix_partner_versions_partner_id_valid_to",
        "partner_versions",
        ["partner_id", "valid_to"],
        unique=False,
    )
    days = (
        r"(EXTRACT(EPOCH FROM (CAST(\1 AS timestamptz) - CAST(\2 AS timestamptz))) / 86400)"
        if op.get_bind().dialect.name == "postgresql"
        else r"(julianday(\1) - julianday(\2))"
    )
    for statement in (MOVES, RECREATIONS):
        op.execute(re.sub(r"DAYS\[(.*?); (.*?)\]", days, statement))

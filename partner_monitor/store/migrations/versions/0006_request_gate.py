"""One pace for all that ask the site, whichever machine they are on."""

import sqlalchemy as sa
from alembic import op

from partner_monitor.store.schema import UTCDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "request_gate",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=False),
        sa.Column("closed_until", UTCDateTime(), nullable=False),
        sa.Column("closures", sa.BigInteger(), nullable=False),
        sa.Column("crawl_delay", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_request_gate"),
    )

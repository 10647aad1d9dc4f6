"""Who is listed, by country and status, is counted in the index alone."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.drop_index("ix_partners_country_id_status", "partners")
    op.create_index(
        "ix_partners_country_id_status_delisted_at",
        "partners",
        ["country_id", "status", "delisted_at"],
    )

"""What polls and sweeps have seen of each record."""

from streams.migrations.statements import run_file

revision = "r0005"
down_revision = "r0004"


def upgrade() -> None:
    run_file(__file__)

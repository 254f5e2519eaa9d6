"""The receiver's restricted views."""

from streams.migrations.statements import run_file

revision = "r0004"
down_revision = "r0003"


def upgrade() -> None:
    run_file(__file__)

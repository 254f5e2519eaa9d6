"""The historian's copy of the trail."""

from streams.migrations.statements import run_file

revision = "r0003"
down_revision = "r0002"


def upgrade() -> None:
    run_file(__file__)

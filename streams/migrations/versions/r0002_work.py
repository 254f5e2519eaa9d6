"""Leases, things due and the ledger of creates."""

from streams.migrations.statements import run_file

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    run_file(__file__)

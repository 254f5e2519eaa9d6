"""Tenants, connections, apps and installations."""

from streams.migrations.statements import run_file

revision = "r0001"
down_revision = None


def upgrade() -> None:
    run_file(__file__)

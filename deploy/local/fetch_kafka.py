"""`python -m deploy.local.fetch_kafka`: fetch Kafka's jars unless they are there; a sentence and 1 when that fails."""

from __future__ import annotations

import sys

from deploy.local.errors import CannotStart
from deploy.local.services.jars import kafka_jars


def main() -> int:
    """The exit code."""
    try:
        kafka_jars()
    except CannotStart as error:
        sys.stderr.write(f"install: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Faust's settings as we run it: what its defaults would cost, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.settings import Settings

MAX_RECORD_BYTES = 1_000_000
"""Of one record, and of all rows of one batch of events: just below what a broker takes by default."""
TABLE_OPTIONS = {"block_cache_size": 32 << 20, "write_buffer_size": 8 << 20, "max_write_buffer_number": 2}
"""Per partition; RocksDB as Faust opens it would use 2 GiB of cache each."""
HEARTBEATS_PER_SESSION = 4
COMMIT_INTERVAL_S = 0.5
COMMIT_EVERY = 500
"""Events; a backlog is worked off so fast that an interval alone would leave thousands to be repeated."""
NEVER_S = 1e8
PRODUCE_TIMEOUT_S = 120.0
"""How long a broker may be away before a worker gives up and starts again."""


def group_of(role: str) -> str:
    """The consumer group, and the prefix of the table's changelog topic."""
    return f"freshpipe-{role}"


def faust_options(settings: Settings, role: str) -> dict[str, Any]:
    """Keyword arguments of `faust.App`, besides its id."""
    session_s = settings.kafka.session_timeout_ms / 1000
    return {
        "broker": [f"kafka://{address.strip()}" for address in settings.kafka.bootstrap.split(",")],
        "broker_client_id": group_of(role),
        "broker_session_timeout": session_s,
        "broker_heartbeat_interval": session_s / HEARTBEATS_PER_SESSION,
        "broker_request_timeout": max(30.0, session_s + 1),
        # The client would leave the group for good when it has had nothing to fetch for so long, as a spare worker has.
        "broker_max_poll_interval": NEVER_S,
        "broker_commit_interval": COMMIT_INTERVAL_S,
        "broker_commit_every": COMMIT_EVERY,
        # A restart within the session keeps its partitions and causes no rebalance on the others.
        "consumer_group_instance_id": settings.kafka.instance or None,
        "consumer_auto_offset_reset": "earliest",
        # A full buffer stops the fetcher; small ones cost whole seconds of sleep.
        "stream_buffer_maxsize": 16_384,
        # On a revoke, wait for what runs and commit it.
        "stream_wait_empty": True,
        "producer_acks": -1,
        "producer_linger": 0,
        "producer_max_batch_size": 131_072,
        "producer_max_request_size": MAX_RECORD_BYTES,
        "producer_request_timeout": PRODUCE_TIMEOUT_S,
        "store": "rocksdb://",
        "datadir": str(Path(settings.data_dir).absolute()),
        "table_standby_replicas": 0,
        "topic_partitions": settings.kafka.partitions,
        "topic_replication_factor": settings.kafka.replication,
        # Topics are made up front, with configurations of ours; no worker needs to lead.
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "key_serializer": "raw",
        "value_serializer": "raw",
        # Faust's own server would listen on every interface, with the tables open.
        "web_enabled": False,
        "worker_redirect_stdouts": False,
        "cython_optimizations": True,
    }

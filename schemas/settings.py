"""Settings of every process, read once at start from the environment (`FRESHPIPE_…`).

Nested names are joined by two underscores: `FRESHPIPE_KAFKA__BOOTSTRAP=host:9092`. A missing one stops the
process with its name; secrets print as asterisks.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65_535)]


class Kafka(BaseModel):
    """The broker and what we ask of it."""

    bootstrap: str
    partitions: int = Field(24, ge=1)
    """Of every topic; frozen once the topics exist."""
    replication: int = Field(3, ge=1)
    min_insync: int = Field(2, ge=1)
    session_timeout_ms: int = Field(30_000, ge=6_000)
    instance: str = ""
    """Static group membership: a name that this worker keeps over restarts."""


class MySQL(BaseModel):
    """A MySQL 8 or MariaDB 10.11 database."""

    host: str
    port: Port = 3306
    user: str
    password: SecretStr
    database: str = "freshpipe"


class Settings(BaseSettings):
    """What every Freshpipe process may need; each uses its part."""

    model_config = SettingsConfigDict(env_prefix="FRESHPIPE_", env_nested_delimiter="__", extra="ignore")

    kafka: Kafka
    mysql: MySQL
    redis: str = "redis://127.0.0.1:6379/0"
    credentials_key: SecretStr = SecretStr("")
    """32 bytes in base64: seals API credentials. The webhooks process does not need it and should not have it."""
    webhook_key: SecretStr = SecretStr("")
    """32 bytes in base64: seals webhook secrets only."""
    console_token: SecretStr = SecretStr("")
    """What callers of the console's API must present; without one the console does not start."""
    data_dir: str = "var/data"
    """Where a sync worker keeps its tables; one folder per worker."""
    host: str = "127.0.0.1"
    webhooks_port: Port = 7000
    console_port: Port = 7001
    metrics_port: int = Field(0, ge=0, le=65_535)
    """Where a worker serves /metrics and /livez; 0: nowhere."""
    public_url: str = ""
    """The address under which products reach the receiver; signatures are checked against it."""
    products: list[str] = ["freshsales", "hubspot"]
    log_format: str = Field("json", pattern="^(json|text)$")
    allow_loopback: bool = False
    """Let connections point at this machine: for the sandbox only."""
    coalesce_ms: int = Field(200, ge=0)
    """How long hints about a record are gathered after the first one was read."""
    poll_scale: float = Field(1.0, gt=0)
    """Poll intervals are multiplied by it; below 1 for tests and demos."""

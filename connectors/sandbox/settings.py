"""What can be changed about an account or a product while it runs.

Where the vendors' pages leave a behaviour open, it is a setting here; the default is the harsher reading, or the
one that recorded traffic shows.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Common to all products. Times are in ms; a limit of None is no limit; shares are between 0 and 1."""

    latency_ms: int = 0
    clock_skew_ms: int = 0
    webhook_delay_ms: int = 20
    webhook_jitter_ms: int = 0
    webhook_duplicate: float = 0.0
    webhook_drop: float = 0.0
    webhook_shuffle: bool = False
    lower_case_email: bool = False
    reformat_phones: bool = False
    """Keep digits only, with a leading plus sign."""
    mandatory: dict[str, list[str]] = {}
    """Per entity (the product's plural), the fields that an administrator made mandatory."""
    revoked: bool = False
    """The integration's token is no longer good: 401."""


class HubSpotSettings(Settings, kw_only=True, forbid_unknown_fields=True):
    """A portal's. The burst figure is a private app's on Professional; the others are as documented."""

    lower_case_email: bool = True
    burst_limit: int | None = 190
    daily_limit: int | None = 650_000
    search_limit: int | None = 5
    search_lag_ms: int = 0
    oauth: bool = False
    """Token of an OAuth app: no daily limit and no daily headers."""
    retry_after: bool = False
    """Whether a 429 carries Retry-After."""
    missing_scopes: list[str] = []
    webhook_shuffle: bool = True
    webhook_batch: int = 100
    change_flag: Literal["CREATED", "NEW"] = "CREATED"
    default_lifecyclestage: str = "lead"
    backward_lifecycle: Literal["ignore", "reject"] = "ignore"
    associatedcompanyid: Literal["read_only", "associates"] = "read_only"
    first_company_is_primary: bool = True
    merge_mints_id: bool = True
    delete_unknown: Literal[204, 404] = 204
    conflict_category: Literal["CONFLICT", "OBJECT_ALREADY_EXISTS"] = "CONFLICT"
    time_zone: str = "US/Eastern"


class FreshsalesSettings(Settings, kw_only=True, forbid_unknown_fields=True):
    """A bundle's."""

    hourly_limit: int | None = 1000
    limit_headers: bool = False
    upstream_429: float = 0.0
    """The share of writes that fail with a throttling of an inner service, told as a 400."""
    language: Literal["en", "es", "de", "fr", "pt"] = "en"
    time_zone: str = "America/New_York"
    per_page: int = 25
    max_per_page: int = 100
    view_includes: bool = True
    search_lag_ms: int = 0
    """Of /search and /filtered_search; /lookup and views are up to date."""
    unique: list[str] = msgspec.field(default_factory=lambda: ["emails", "mobile_number", "external_id"])
    """Of contacts. An account's name is always unique."""
    unknown_fields: Literal["ignore", "reject"] = "ignore"
    create_status: Literal[200, 201] = 200
    delete_status: Literal[200, 204] = 200
    deleted_reads: Literal["404", "flag"] = "404"
    """What GET says of a record in the recycle bin."""
    default_owner: Literal["none", "key_user"] = "none"
    default_stage: bool = True
    """A new contact gets the default lifecycle stage where none is named."""
    bulk_job_ms: int = 300
    relay_limit: int | None = 50
    """Calls a minute that an installed app may make; events over it are lost."""
    error_bodies: dict[str, Any] = {}
    """Status → body, for the ones that no source shows."""


S = TypeVar("S", bound=Settings)


def changed(settings: S, patch: dict[str, object]) -> S:
    """The settings with some of them replaced. Raises msgspec.ValidationError on an unknown name or a wrong type."""
    return msgspec.convert({**msgspec.to_builtins(settings), **patch}, type(settings))

"""The rate limit of a bundle: so many calls an hour."""

from __future__ import annotations

from connectors.sandbox.calls import Answer
from connectors.sandbox.freshsales import errors
from connectors.sandbox.settings import FreshsalesSettings

HOUR_MS = 3_600_000


class Limits:
    """Counts the calls of one account with the integration's key, in hours that start with the first call."""

    def __init__(self) -> None:
        self._since = 0
        self._count = 0

    def take(self, settings: FreshsalesSettings, now: int) -> tuple[Answer | None, dict[str, str]]:
        """A refusal or None, and the headers that every answer carries (none, unless set)."""
        if now - self._since >= HOUR_MS:
            self._since, self._count = now, 0
        limit = settings.hourly_limit
        if limit is None:
            return None, {}
        if self._count >= limit:
            return errors.over_limit(-(-(self._since + HOUR_MS - now) // 1000)), self._headers(settings, limit)
        self._count += 1
        return None, self._headers(settings, limit)

    def _headers(self, settings: FreshsalesSettings, limit: int) -> dict[str, str]:
        if not settings.limit_headers:
            return {}
        return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(limit - self._count)}

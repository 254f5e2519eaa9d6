"""The rate limits of a portal: a burst in ten rolling seconds, searches in one, calls in a day."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from connectors.sandbox.calls import Answer
from connectors.sandbox.hubspot import errors
from connectors.sandbox.settings import HubSpotSettings

BURST_MS = 10_000
SEARCH_MS = 1_000


class Window:
    """At most `limit` calls in any `length` ms."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._calls: deque[int] = deque()

    def remaining(self, limit: int, now: int) -> int:
        while self._calls and self._calls[0] <= now - self.length:
            self._calls.popleft()
        return limit - len(self._calls)

    def wait_ms(self, now: int) -> int:
        """Until the oldest call leaves the window."""
        return self._calls[0] + self.length - now if self._calls else 0

    def count(self, now: int) -> None:
        self._calls.append(now)


class Limits:
    """Counts the calls of one account with the integration's token; `take` says whether one more is allowed."""

    def __init__(self) -> None:
        self._burst = Window(BURST_MS)
        self._search = Window(SEARCH_MS)
        self._day = ""
        self._today = 0

    def take(self, settings: HubSpotSettings, now: int, *, is_search: bool) -> tuple[Answer | None, dict[str, str]]:
        """A refusal or None, and the headers that every answer carries. Searches carry none."""
        self._turn_day(settings, now)
        window, limit, over = self._burst, settings.burst_limit, errors.over_burst
        if is_search:
            window, limit, over = self._search, settings.search_limit, errors.over_search
        left = window.remaining(limit, now) if limit is not None else 1
        today_left = settings.daily_limit - self._today if settings.daily_limit is not None else 1
        if left <= 0 or (today_left <= 0 and not settings.oauth):
            answer = over() if left <= 0 else errors.over_daily()
            wait = {"Retry-After": str(-(-window.wait_ms(now) // 1000))} if settings.retry_after else {}
            return answer, {**({} if is_search else self._headers(settings, now)), **wait}
        if limit is not None:
            window.count(now)
        self._today += 1
        return None, {} if is_search else self._headers(settings, now)

    def _headers(self, settings: HubSpotSettings, now: int) -> dict[str, str]:
        headers: dict[str, str] = {}
        if settings.burst_limit is not None:
            headers = {
                "X-HubSpot-RateLimit-Max": str(settings.burst_limit),
                "X-HubSpot-RateLimit-Remaining": str(max(0, self._burst.remaining(settings.burst_limit, now))),
                "X-HubSpot-RateLimit-Interval-Milliseconds": str(BURST_MS),
            }
        if settings.daily_limit is not None and not settings.oauth:
            headers["X-HubSpot-RateLimit-Daily"] = str(settings.daily_limit)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, settings.daily_limit - self._today))
        return headers

    def _turn_day(self, settings: HubSpotSettings, now: int) -> None:
        """The count starts again at midnight of the portal's time zone."""
        day = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(settings.time_zone)).date().isoformat()
        if day != self._day:
            self._day, self._today = day, 0

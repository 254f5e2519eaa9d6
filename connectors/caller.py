"""One call to a product: quota, credentials, the bytes, and what its answer means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from connectors.auth import Credentials
from connectors.calls import CompiledCall
from connectors.errors import CallFailed
from connectors.http import Answer, Request, Transport, now_ms
from connectors.quota import Bucket, Quota
from connectors.rules import Rules, Verdict, message_of
from connectors.templates import Scope
from schemas.documents.connector import Limit
from schemas.documents.expressions import ExpressionFailed

PATIENCE_MS = 2_000
"""A call waits this long for its quota; what would wait longer fails as `rate_limited`, to be tried later."""
PENALTY_MS = 60_000
"""How long a bucket is closed, at most, after a refusal that does not say."""

Confirm = Callable[[Sequence[str]], Awaitable[str | None]]
"""Looks the written record up by these fields; the id of another record that is there already, or None."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A document's limit and its bucket for one connection."""

    limit: Limit
    bucket: Bucket


@dataclass(frozen=True, slots=True)
class Caller:
    """Speaks for one connection. `base` is the origin and path that all calls stand below."""

    base: str
    timeout_s: float
    headers: Mapping[str, str]
    credentials: Credentials
    rules: Rules
    meters: tuple[Meter, ...]
    transport: Transport
    quota: Quota
    background: bool = False

    async def call(
        self,
        call: CompiledCall,
        scope: Scope,
        *,
        confirm: Confirm | None = None,
        extra: Mapping[str, Any] | None = None,
        written: Sequence[str] = (),
    ) -> Answer:
        """Make the call; its answer is one that the document calls a success. Raises CallFailed.

        An expired token is renewed once. `confirm` answers rules that want a look-up; `written` are values that may
        not stand in an error's message.
        """
        try:
            request = call.request(self.base, scope, self.timeout_s, extra)
        except ExpressionFailed as error:
            raise CallFailed("unsupported", f"the connector cannot make this call: {error.reason}") from error
        headers = await self.credentials.headers()
        answer = await self._send(call.operation, request, headers)
        if call.succeeded(answer.status):
            return answer
        verdict = await self._verdict(call, answer, confirm)
        if verdict.category == "auth_expired" and await self.credentials.renew(headers):
            answer = await self._send(call.operation, request, await self.credentials.headers())
            if call.succeeded(answer.status):
                return answer
            verdict = await self._verdict(call, answer, confirm)
        raise await self._failure(call.operation, answer, verdict, written)

    async def _send(self, operation: str, request: Request, headers: Mapping[str, str]) -> Answer:
        meters = [meter for meter in self.meters if not meter.limit.ops or operation in meter.limit.ops]
        buckets = [meter.bucket for meter in meters]
        wait = await self.quota.take(buckets, background=self.background, patience_ms=PATIENCE_MS)
        if wait:
            raise CallFailed("rate_limited", "our share of the product's quota is spent", retry_after_ms=wait)
        url = request.url.update_query(self.credentials.query) if self.credentials.query else request.url
        answer = await self.transport.send(
            replace(request, url=url, headers={**self.headers, **request.headers, **headers})
        )
        await self._observe(meters, answer)
        return answer

    async def _observe(self, meters: Sequence[Meter], answer: Answer) -> None:
        for meter in meters:
            if meter.limit.remaining is None:
                continue
            remaining = answer.headers.get(meter.limit.remaining.removeprefix("header."), "")
            if remaining.isascii() and remaining.isdigit():
                await self.quota.observe(meter.bucket, int(remaining), _reset_ms(meter.limit, answer))

    async def _verdict(self, call: CompiledCall, answer: Answer, confirm: Confirm | None) -> Verdict:
        for verdict in self.rules.verdicts(answer, call.operation, now_ms()):
            if not verdict.confirm:
                return verdict
            existing = await confirm(verdict.confirm) if confirm else None
            if existing:
                return replace(verdict, existing_id=existing)
        raise AssertionError("the rules end with one that always fits")

    async def _failure(self, operation: str, answer: Answer, verdict: Verdict, written: Sequence[str]) -> CallFailed:
        category = "auth_revoked" if verdict.category == "auth_expired" else verdict.category
        wait = verdict.retry_after_ms
        if category in ("rate_limited", "quota_exhausted"):
            wait = await self._close(operation, verdict)
        return CallFailed(
            category,
            message_of(answer, written),
            status=answer.status,
            field=verdict.field,
            existing_id=verdict.existing_id,
            retry_after_ms=wait,
            sent=answer.status >= 500,
        )

    async def _close(self, operation: str, verdict: Verdict) -> int:
        """The product refused for its quota's sake: nobody calls until it is over. Returns the ms until then."""
        concerned = [
            meter.bucket
            for meter in self.meters
            if (meter.limit.bucket == verdict.bucket if verdict.bucket else operation in meter.limit.ops)
        ] or [meter.bucket for meter in self.meters if not meter.limit.ops][:1]
        wait = verdict.retry_after_ms
        if wait is None:
            wait = min([PENALTY_MS, *(bucket.period_ms for bucket in concerned)])
        await self.quota.penalise(concerned, wait)
        return wait


def json_body(answer: Answer) -> Any:
    """The JSON of a success. Raises CallFailed: the call took effect, but nobody can say what it gave."""
    try:
        return answer.json
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CallFailed("transient", "the answer is not JSON", status=answer.status, sent=True) from error


def _reset_ms(limit: Limit, answer: Answer) -> int:
    """Seconds from now, or since the epoch, as ms from now; 0 where the product does not say."""
    text = answer.headers.get(limit.reset.removeprefix("header."), "") if limit.reset else ""
    try:
        seconds = float(text)
    except ValueError:
        return 0
    if seconds > 1_000_000_000:
        seconds -= now_ms() / 1000
    return int(max(seconds, 0) * 1000)

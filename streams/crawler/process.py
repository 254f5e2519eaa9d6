"""The crawler's process: leases tasks, does them a step at a time, and keeps what is due."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from prometheus_client import Counter

from connectors.catalog import load_connectors
from schemas import topics
from schemas.headers import Headers
from schemas.settings import Settings
from streams.boundary import described
from streams.connected import Connected, connected
from streams.crawler import work
from streams.crawler.backfill import backfill, hand_on
from streams.crawler.context import LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS, Crawl
from streams.crawler.discovery import discover
from streams.crawler.due import collect, fire_while
from streams.crawler.load import Load
from streams.crawler.plan import outlived, wanted
from streams.crawler.polling import poll
from streams.crawler.reconcile import reconcile
from streams.crawler.retention import retain
from streams.crawler.work import Kind, Step, Task
from streams.emit import Emit
from streams.errors import DatabaseAway
from streams.metrics import serve_metrics
from streams.stopping import pause, stop_on_signals
from streams.tuning import group_of

AT_ONCE = 8
IDLE_S = 0.2
AWAY_S = 1.0
STEP_S = 45.0
"""Less than a lease lasts: two crawlers are never at the same page."""

STEPS = Counter("freshpipe_crawler_steps", "Steps of the crawler's tasks, by kind and result.", ["kind", "result"])

log = structlog.get_logger()

Do = Callable[[Crawl, Task], Awaitable[Step]]
WAYS: Mapping[Kind, Do] = {
    "discover": discover,
    "poll": poll,
    "reconcile": reconcile,
    "backfill": backfill,
    "handover": hand_on,
    "retention": retain,
}
"""How each kind of task is done."""


async def run_crawler(settings: Settings) -> int:
    """Crawl until SIGTERM. Returns the exit code."""
    asked = stop_on_signals()
    if settings.metrics_port:
        serve_metrics(settings.host, settings.metrics_port)
    async with connected(settings, background=True) as ours, _kafka(settings) as (producer, consumer, admin):
        load = Load(ours.database, admin, consumer, settings.products)
        crawl = _crawl(settings, ours, producer, load)
        async with asyncio.TaskGroup() as group:
            group.create_task(collect(consumer, ours.database, asked))
            group.create_task(fire_while(crawl, asked))
            group.create_task(keep_tasks(crawl, asked))
            group.create_task(do_tasks(crawl, asked, WAYS))
    return 0


async def keep_tasks(crawl: Crawl, asked: asyncio.Event) -> None:
    """Put the tasks in place that the configuration asks for, whenever it changes."""
    revision = -1
    while not asked.is_set():
        if crawl.configuration.revision != revision:
            try:
                revision = await place_tasks(crawl)
            except DatabaseAway as error:
                log.warning("wait_for_mysql", reason=str(error))
        await pause(asked, IDLE_S)


async def place_tasks(crawl: Crawl) -> int:
    """Add the tasks that are missing, remove those that have outlived their purpose; the revision they are for."""
    revision = crawl.configuration.revision
    present = set(await work.names(crawl.database))
    await work.add(crawl.database, wanted(crawl.configuration) - present, crawl.now())
    await work.begin_again(crawl.database, crawl.now())
    await work.remove(crawl.database, outlived(present, crawl.configuration))
    return revision


async def do_tasks(crawl: Crawl, asked: asyncio.Event, ways: Mapping[Kind, Do]) -> None:
    """Do what is due, several tasks at once, until asked to stop; steps under way are finished."""
    worker = secrets.token_hex(8)
    running: set[asyncio.Task[None]] = set()
    while not asked.is_set():
        tasks = await _leased(crawl, worker, AT_ONCE - len(running))
        running |= {asyncio.create_task(do(crawl, worker, task, ways)) for task in tasks}
        if running:
            done, running = await asyncio.wait(running, timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                finished.result()
        else:
            await pause(asked, IDLE_S)
    if running:
        await asyncio.gather(*running)


async def do(crawl: Crawl, worker: str, task: Task, ways: Mapping[Kind, Do]) -> None:
    """One step of one task. What goes wrong pauses that task, and no other."""
    kind = task.name.kind
    try:
        async with asyncio.timeout(STEP_S):
            step = await ways[kind](crawl, task)
        STEPS.labels(kind, "done").inc()
    except Exception as error:  # the boundary: the lease is given back with a pause
        log.warning("step_failed", kind=kind, tenant=task.name.tenant, error=described(error))
        STEPS.labels(kind, "failed").inc()
        wait = min(SHORTEST_PAUSE_MS << min(task.failures, 10), LONGEST_PAUSE_MS)
        step = Step(crawl.now() + wait, task.cursor, task.watermark, failures=task.failures + 1, progress=task.progress)
    try:
        await work.save(crawl.database, worker, task, step)
    except DatabaseAway as error:
        log.warning("step_repeats", kind=kind, tenant=task.name.tenant, reason=str(error))


async def _leased(crawl: Crawl, worker: str, limit: int) -> list[Task]:
    if limit <= 0:
        return []
    try:
        return await work.lease(crawl.database, worker, crawl.now(), limit)
    except DatabaseAway as error:
        log.warning("wait_for_mysql", reason=str(error))
        await asyncio.sleep(AWAY_S)
        return []


def _crawl(settings: Settings, ours: Connected, producer: AIOKafkaProducer, load: Load) -> Crawl:
    async def publish(topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        await producer.send_and_wait(topic, value, key=key, headers=headers)

    return Crawl(
        database=ours.database,
        configuration=ours.configuration,
        products=ours,
        emit=Emit(publish, "crawler"),
        scale=settings.poll_scale,
        documents=load_connectors(),
        full=load.full,
    )


@asynccontextmanager
async def _kafka(settings: Settings) -> AsyncIterator[tuple[AIOKafkaProducer, AIOKafkaConsumer, AIOKafkaAdminClient]]:
    bootstrap = settings.kafka.bootstrap
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        topics.DUE,
        bootstrap_servers=bootstrap,
        group_id=group_of("crawler"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=settings.kafka.session_timeout_ms,
        heartbeat_interval_ms=settings.kafka.session_timeout_ms // 4,
        max_poll_interval_ms=3_600_000,
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    opened = [producer, consumer, admin]
    try:
        for client in opened:
            await client.start()
        yield producer, consumer, admin
    finally:
        await consumer.stop()
        await producer.stop()
        await admin.close()

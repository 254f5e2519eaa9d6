"""The Faust app, and the runtime that keeps it from losing or reordering events (docs/chaos.md proves each rule).

Faust 0.15.3 as it comes loses data on rebalances, commits early, ignores failed produces and lets a paused worker
write over its successor. Five rules cure that:

1. Source partitions are held until the last queue of a rebalance was cleared, and records leave the client only for
   partitions that are active at that moment.                                              (Consumer)
2. Committed is the first delivered and unacknowledged offset, never a guess.              (Consumer, Watermark)
3. An event counts as acknowledged when every record that it caused is stored by the broker; a record that cannot be
   stored ends the process with 74.                                                        (BrokerOutbox)
4. A worker that cannot prove its membership sends no record; one that lost it exits with 75. (Producer, Lease)
5. An assignment made without the topics' metadata exits with 75: it would leave them to nobody. (ConsumerThread)

Written against the pinned versions: it overrides methods of Faust's consumer, producer and transport.
"""

from __future__ import annotations

import asyncio
import types
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.protocol.produce import ProduceRequest
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types import EventT
from faust.types.transports import ConsumerCallback
from faust.types.tuples import TP, Message
from mode.utils.futures import notify

from schemas.headers import Headers
from schemas.settings import Settings
from schemas.topics import STATE_CHANGELOG
from streams.delivery import Delivery
from streams.lease import EXIT_FENCED, Lease, leave
from streams.metrics import LAG
from streams.outbox import BrokerOutbox
from streams.state_store import Database, StateStore
from streams.tuning import TABLE_OPTIONS, faust_options, group_of
from streams.watchdog import Progress
from streams.watermark import Watermark

IDLE_POLL_S = 0.05
REBALANCE_FETCH_S = 0.1
"""A fetch that waits longer would hold up the rebalance."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The client's own thread: heartbeats and the group's membership."""

    app: App

    async def on_start(self) -> None:
        await super().on_start()
        coordinator, lease = self._ensure_consumer()._coordinator, self.app.lease
        heartbeat, reset_generation = coordinator._do_heartbeat, coordinator.reset_generation

        async def leased_heartbeat() -> bool:
            sent_at = lease.now()
            answered = bool(await heartbeat())
            if answered:
                lease.renew(sent_at)
            return answered

        def lost_generation() -> None:
            lease.lost()
            reset_generation()

        coordinator._do_heartbeat = leased_heartbeat
        coordinator.reset_generation = lost_generation

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self.require_metadata()
        await self._ensure_consumer()._coordinator._do_heartbeat()  # the lease starts with a proof
        await super().on_partitions_assigned(assigned, generation_id)

    def unread(self, tp: TP) -> int:
        """Records of a partition that the client has not handed over yet, as far as it knows."""
        state = self._ensure_consumer()._subscription.subscription.assignment.state_value(tp)
        if state.highwater is None or not state.has_valid_position:
            return 0
        return max(0, int(state.highwater) - int(state.position))

    def require_metadata(self) -> None:
        """Rule 5: the group's leader assigns what its metadata names, and nobody notices what it does not."""
        client = self._ensure_consumer()
        partitions_of = client._client.cluster.partitions_for_topic
        unknown = sorted(topic for topic in client.subscription() if not partitions_of(topic))
        if unknown:
            leave(EXIT_FENCED, f"assignment made without metadata of {unknown}")


class Deliverable:
    """The partitions whose records may leave the client, asked at the moment they leave it."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def __bool__(self) -> bool:
        return True  # aiokafka takes an empty set for "all partitions"

    def __contains__(self, partition: TP) -> bool:
        return bool(self._consumer.flow_active) and partition in self._consumer._active_partitions


async def _rest(coroutine: Coroutine[Any, Any, None], awaited: Any) -> None:
    await _resumed(coroutine, awaited)


@types.coroutine
def _resumed(coroutine: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """The rest of a coroutine that was begun outside a task and waits for `awaited`."""
    while True:
        try:
            value = yield awaited
        except BaseException as error:  # a cancellation, for the coroutine to see
            step = partial(coroutine.throw, error)
        else:
            step = partial(coroutine.send, value)
        try:
            awaited = step()
        except StopIteration:
            return


class Consumer(driver.Consumer):
    """Rules 1 and 2."""

    app: App
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._watermarks: defaultdict[TP, Watermark] = defaultdict(Watermark)
        self._stored: dict[TP, int] = {}
        self._held: set[TP] = set()
        super().__init__(*args, **kwargs)
        self._deliver = self.callback
        self.callback = cast(ConsumerCallback, self._counted)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # Rule 1. Recovery resumes the source partitions, then seeks them, then clears all queues, with the flow open:
    # what is delivered in between would be cleared and never fetched again. So they are held until resume_flow(),
    # which recovery calls in the same step as the last clear.

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        resumed = set(tps)
        if self.app.rebalancing:
            sources = {tp for tp in resumed if not self._is_changelog_tp(tp)}
            self._held |= sources
            resumed -= sources
        super().resume_partitions(resumed)

    def resume_flow(self) -> None:
        super().resume_flow()
        held, self._held = self._held, set()
        if held:
            super().resume_partitions(held)

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109  Faust's signature
        """A fetch may outlive a rebalance, so what it may take is asked when it takes it."""
        deliverable: Any = None if active_partitions is None else Deliverable(self)
        return await super()._getmany(deliverable, REBALANCE_FETCH_S if self.app.rebalancing else timeout)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109  Faust's signature
        """Faust sleeps a whole second while no partition is active, also when only the buffers are full."""
        while self._is_idle():  # noqa: ASYNC110  what ends it has no event to wait for
            await asyncio.sleep(IDLE_POLL_S)
        return await super()._wait_next_records(timeout)

    def _is_idle(self) -> bool:
        return bool(self.flow_active and not self.should_stop and not self._get_active_partitions())

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """As Faust does, but what is under way is finished and committed before its bookkeeping goes."""
        self.app.rebalancing = True  # the end of an earlier rebalance may have come after this one's start
        self._held.clear()
        self.stop_flow()
        self.app.flow_control.suspend()
        self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        await self._on_partitions_revoked(revoked)
        self._forget()
        self.app.lease.armed = False

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self.app.rebalancing = True
        self._forget()
        self._paused_partitions.update(assigned)  # nothing is active until recovery resumes it
        self.app.lease.armed = bool(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_stop(self) -> None:
        await super().on_stop()
        self.app.lease.close()

    def _forget(self) -> None:
        self._watermarks.clear()
        self._stored.clear()
        self._read_offset.clear()
        self._committed_offset.clear()

    def progress(self) -> Progress:
        """Called from the watchdog's thread too, at any moment."""
        try:
            sources = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)]
            unread = sum(self._thread.unread(tp) for tp in sources)
        except (ConsumerNotStarted, AssertionError, AttributeError):  # or a rebalance has just taken them away
            return Progress(0, 0, excused=True)
        under_way = sum(mark.under_way for mark in list(self._watermarks.values()))
        excused = self.app.rebalancing or not self.app.lease.valid
        return Progress(sum(list(self._stored.values())), unread + under_way, excused)

    # Rule 2.

    def _counted(self, message: Message) -> Awaitable[None] | None:
        """Deliver it; None if that is done already, as it is unless a queue is full."""
        if self.app.topics.acks_enabled_for(message.topic):
            self._watermarks[message.tp].deliver(message.offset)
        delivering: Any = self._deliver(message)
        try:
            awaited = delivering.send(None)
        except StopIteration:
            return None
        return _rest(delivering, awaited)

    async def wait_first(self, *coros: Any, timeout: Any = None) -> Any:  # noqa: ASYNC109  Faust's signature
        """Faust makes two tasks for every message; what `_counted` has delivered needs none."""
        if coros and coros[0] is None:
            for coro in coros[1:]:
                coro.close()
            return None
        return await super().wait_first(*coros, timeout=timeout)

    def ack(self, message: Message) -> bool:
        """Called when the last reference to a message is given back."""
        message.acked = True
        self._unacked_messages.discard(message)
        self._watermarks[message.tp].acknowledge(message.offset)
        self._n_acked += 1
        notify(self._waiting_for_ack)
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Any:
        return (tp for tp in list(self._watermarks) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self._watermarks[tp].committable

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return offset > self._stored.get(tp, -1)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        done = await super()._commit(offsets)
        if done:
            self._stored.update(offsets)
            LAG.set(self.progress().lag)
        return done

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps need no bookkeeping: what counts is what was delivered next."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Our watchdog ends a process that stands still; Faust's would only log it."""


class Producer(driver.Producer):
    """Rule 4, and nothing that goes round rule 3."""

    app: App

    @property
    def client(self) -> AIOKafkaProducer:
        return self._ensure_producer()

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def on_start(self) -> None:
        await super().on_start()
        client, lease = self.client.client, self.app.lease
        send, ready = client.send, client.ready

        async def fenced(node_id: int, request: Any, **options: Any) -> Any:
            if isinstance(request, ProduceRequest):
                await ready(node_id)  # connect first: the proof must be fresh when the bytes leave
                await lease.hold()
            return await send(node_id, request, **options)

        client.send = fenced

    def send_soon(self, fut: Any) -> None:
        raise RuntimeError("a table is written through StateStore only: Faust would not wait for its changelog")

    async def send(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("records are sent through App.outbox only: Faust would not wait for them")


class Transport(driver.Transport):
    Consumer: ClassVar[type[Consumer]] = Consumer
    Producer: ClassVar[type[Producer]] = Producer


class Receipt:
    """See `streams.delivery.Receipt`."""

    __slots__ = ("_consumer", "_message")

    def __init__(self, message: Message, consumer: Consumer) -> None:
        self._message = message
        self._consumer = consumer

    def ack(self) -> None:
        self._message.ack(self._consumer)

    def drop(self) -> None:
        self._consumer.unacked.discard(self._message)


class App(faust.App):
    """One worker of a role: its agents and its stage are added to it."""

    def __init__(self, settings: Settings, role: str) -> None:
        options = faust_options(settings, role)
        Path(options["datadir"]).mkdir(parents=True, exist_ok=True)
        self.lease = Lease(settings.kafka.session_timeout_ms / 1000)
        self.outbox = BrokerOutbox(lambda: cast(Producer, self.producer).client)
        self._releases: list[Callable[[], Awaitable[None]]] = []
        super().__init__(group_of(role), **options)
        self.in_worker = True

    def raw_topic(self, *names: str) -> Any:
        """Topics whose keys and values stay bytes: decoding is the stage's, within its own boundary."""
        return self.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    def add_state(self) -> StateStore:
        """The sync stage's table; call once, before the app starts."""
        table = self.Table("state", key_type=bytes, value_type=bytes, options=dict(TABLE_OPTIONS))

        def database(partition: int) -> Database:
            store: Any = table.data
            return cast(Database, store._db_for_partition(partition))

        return StateStore(database, partial(self.outbox.append, STATE_CHANGELOG))

    def before_release(self, release: Callable[[], Awaitable[None]]) -> None:
        """`release` is awaited before partitions are given up: it drops what has not started and ends what runs."""
        self._releases.append(release)

    def delivery_of(self, event: EventT[Any]) -> Delivery:
        message = event.message
        return Delivery(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            at=round(message.timestamp * 1000),
            key=message.key or b"",
            value=message.value or b"",
            headers=cast(Headers, message.headers or ()),
            receipt=Receipt(message, cast(Consumer, self.consumer)),
        )

    def progress(self) -> Progress:
        if self._consumer is None:
            return Progress(0, 0, excused=True)
        return cast(Consumer, self._consumer).progress()

    async def _consumer_wait_empty(self, consumer: Any, logger: Any) -> None:
        for release in self._releases:
            await release()
        await super()._consumer_wait_empty(consumer, logger)

    def _on_rebalance_when_stopped(self) -> None:
        """Faust would cut the connection here, and the group would wait a session for this member."""

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Transport:
        return Transport(self.conf.broker_producer, self)

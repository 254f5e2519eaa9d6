"""Each rule of the runtime by itself; what they are worth together is shown by tests/faults/chaos."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types.tuples import TP, ConsumerMessage

from deploy.local.services import Kafka
from schemas.settings import Kafka as KafkaSettings
from schemas.settings import MySQL, Settings
from schemas.topics import STATE_CHANGELOG
from streams import app as runtime
from streams.app import App, Consumer, ConsumerThread, Deliverable, Producer
from streams.delivery import Output
from streams.lease import EXIT_FENCED
from streams.watchdog import Progress

SOURCE, OTHER = TP("sync", 0), TP("sync", 1)
LOG = logging.getLogger(__name__)
CHANGELOG = TP(STATE_CHANGELOG, 0)


class Left(Exception):
    """Instead of the end of the process."""


def _settings(tmp_path: Path, bootstrap: str = "127.0.0.1:1") -> Settings:
    return Settings(
        kafka=KafkaSettings(
            bootstrap=bootstrap, partitions=2, replication=1, min_insync=1, session_timeout_ms=6_000, instance="w1"
        ),
        mysql=MySQL(host="none", user="none", password="none"),
        data_dir=str(tmp_path / "data"),
    )


@pytest.fixture
async def app(tmp_path: Path) -> App:
    app = App(_settings(tmp_path), "sync")
    app.add_state()
    app.finalize()
    app.topics.acking_topics.add("sync")
    return app


@pytest.fixture
async def consumer(app: App) -> AsyncIterator[Consumer]:
    """Not started, so its thread's loop is ours to close."""
    consumer = cast(Consumer, app.consumer)
    yield consumer
    consumer._thread.thread_loop.close()


def _message(consumer: Consumer, offset: int, tp: TP = SOURCE) -> ConsumerMessage:
    """Delivered, tracked, and held by one stage."""
    message = ConsumerMessage(tp.topic, tp.partition, offset, 1.0, 0, [], b"k", b"v", None, tp=tp)
    message.incref()
    consumer._deliver = _nothing
    consumer._counted(message)
    consumer.track_message(message)
    return message


def test_the_table_and_the_changelog_have_the_names_that_were_agreed(app: App) -> None:
    assert (app.conf.id, list(app.tables.changelog_topics)) == ("freshpipe-sync", [STATE_CHANGELOG])


def test_the_worker_keeps_its_name_in_the_group_over_restarts(app: App) -> None:
    assert app.conf.consumer_group_instance_id == "w1"


def test_no_port_is_opened_for_the_tables(app: App) -> None:
    assert app.conf.web_enabled is False


# Rule 1


async def test_source_partitions_stay_shut_until_the_rebalance_ends(app: App, consumer: Consumer) -> None:
    app.rebalancing = True
    consumer.resume_partitions({SOURCE, CHANGELOG})
    assert consumer._active_partitions == {CHANGELOG}
    app.rebalancing = False
    consumer.resume_flow()
    assert consumer._active_partitions == {SOURCE, CHANGELOG}


async def test_a_second_rebalance_forgets_what_the_first_one_held(app: App, consumer: Consumer) -> None:
    app.rebalancing = True
    consumer.resume_partitions({SOURCE})
    await consumer.on_partitions_revoked({SOURCE})
    consumer.resume_flow()
    assert consumer._active_partitions == set()


async def test_a_rebalance_that_began_before_the_last_one_ended_holds_them_too(
    app: App, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "_on_partitions_assigned", _nothing)
    app.on_rebalance_start()  # by the client's thread
    app.on_rebalance_end()  # the one before
    await consumer.on_partitions_revoked({SOURCE})
    app.on_rebalance_end()
    await consumer.on_partitions_assigned({SOURCE})
    consumer.resume_partitions({SOURCE})
    assert consumer._active_partitions == set()


async def test_outside_a_rebalance_partitions_open_at_once(consumer: Consumer) -> None:
    consumer.resume_partitions({SOURCE})
    assert consumer._active_partitions == {SOURCE}


async def test_a_fetch_takes_only_what_is_active_when_it_takes_it(consumer: Consumer) -> None:
    consumer.resume_partitions({SOURCE})
    consumer.resume_flow()
    deliverable = Deliverable(consumer)
    assert (SOURCE in deliverable, OTHER in deliverable) == (True, False)
    consumer.stop_flow()
    assert SOURCE not in deliverable
    consumer.resume_flow()
    consumer.pause_partitions({SOURCE})
    assert SOURCE not in deliverable


async def test_nothing_active_is_not_taken_for_everything(consumer: Consumer) -> None:
    assert Deliverable(consumer)


# Rule 2


async def test_the_commit_waits_for_the_first_unacknowledged_event(consumer: Consumer) -> None:
    messages = [_message(consumer, offset) for offset in (31, 32, 33)]
    messages[1].ack(consumer)
    messages[2].ack(consumer)
    assert consumer._filter_committable_offsets([SOURCE]) == {}
    assert set(consumer.unacked) == {messages[0]}
    messages[0].ack(consumer)
    assert consumer._filter_committable_offsets([SOURCE]) == {SOURCE: 34}
    assert set(consumer.unacked) == set()


async def test_an_event_is_delivered_at_once_where_nothing_has_to_be_waited_for(consumer: Consumer) -> None:
    delivered: list[Any] = []
    message = _message(consumer, 7)
    consumer._deliver = lambda message: _append(delivered, message)
    assert consumer._counted(message) is None
    assert delivered == [message]
    assert await consumer.wait_first(None, consumer.suspend_flow.wait()) is None


async def test_a_full_queue_is_waited_for_from_where_the_delivery_stopped(consumer: Consumer) -> None:
    delivered: list[Any] = []
    message, room = _message(consumer, 7), asyncio.Event()
    consumer._deliver = lambda message: _append(delivered, message, room)
    rest = consumer._counted(message)
    assert rest is not None
    waiting = asyncio.create_task(consumer.wait_first(rest, consumer.suspend_flow.wait()))
    await asyncio.sleep(0)
    assert delivered == ["begun"]
    room.set()
    await asyncio.wait_for(waiting, 5)
    assert delivered == ["begun", message]


async def test_a_delivery_that_waits_is_given_up_when_the_flow_stops(consumer: Consumer) -> None:
    delivered: list[Any] = []
    message = _message(consumer, 7)
    consumer._deliver = lambda message: _append(delivered, message, asyncio.Event())
    waiting = asyncio.create_task(consumer.wait_first(consumer._counted(message), consumer.suspend_flow.wait()))
    await asyncio.sleep(0)
    consumer.stop_flow()
    await asyncio.wait_for(waiting, 5)
    await asyncio.sleep(0)
    assert delivered == ["begun", "given up"]


async def test_the_first_events_of_an_assignment_are_waited_for(consumer: Consumer) -> None:
    messages = [_message(consumer, offset) for offset in range(6)]
    messages[5].ack(consumer)
    assert consumer._filter_committable_offsets([SOURCE]) == {}


async def test_an_offset_is_committed_again_until_the_broker_has_taken_it(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True])

    async def commit(offsets: object) -> bool:
        return next(answers)

    monkeypatch.setattr(consumer._thread, "commit", commit)
    _message(consumer, 7).ack(consumer)
    for _ in range(2):
        assert consumer._filter_committable_offsets([SOURCE]) == {SOURCE: 8}
        await consumer._commit({SOURCE: 8})
    assert consumer._filter_committable_offsets([SOURCE]) == {}


async def test_bookkeeping_ends_with_the_assignment(consumer: Consumer) -> None:
    _message(consumer, 7).ack(consumer)
    await consumer.on_partitions_revoked({SOURCE})
    assert consumer._filter_committable_offsets([SOURCE]) == {}


async def test_a_dropped_event_holds_nothing_up_and_is_not_committed(app: App, consumer: Consumer) -> None:
    event = SimpleNamespace(message=_message(consumer, 7))
    app.delivery_of(cast(Any, event)).receipt.drop()
    assert (set(consumer.unacked), consumer._filter_committable_offsets([SOURCE])) == (set(), {})


async def test_stages_let_go_before_the_runtime_waits_for_them(app: App, consumer: Consumer) -> None:
    event = SimpleNamespace(message=_message(consumer, 7))

    async def release() -> None:
        app.delivery_of(cast(Any, event)).receipt.drop()

    app.before_release(release)
    await asyncio.wait_for(app._consumer_wait_empty(consumer, LOG), 5)


# Standing still


@pytest.fixture
def client(consumer: Consumer, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An aiokafka consumer's state: two source partitions and a changelog, at a position before the end."""
    states = {tp: SimpleNamespace(highwater=50, position=45, has_valid_position=True) for tp in (SOURCE, CHANGELOG)}
    states[OTHER] = SimpleNamespace(highwater=None, position=0, has_valid_position=False)
    assignment = SimpleNamespace(state_value=states.get)
    client = SimpleNamespace(_subscription=SimpleNamespace(subscription=SimpleNamespace(assignment=assignment)))
    client.assignment = lambda: set(states)
    monkeypatch.setattr(consumer._thread, "_consumer", client)
    return client


async def test_progress_is_told_by_what_is_committed_and_what_waits(
    app: App, consumer: Consumer, client: SimpleNamespace
) -> None:
    _message(consumer, 43)
    _message(consumer, 44)
    consumer._stored.update({SOURCE: 42, OTHER: 50})
    assert app.progress() == Progress(committed=92, lag=5 + 2)
    app.rebalancing = True
    assert app.progress().excused


async def test_a_worker_that_has_not_started_is_excused(app: App, consumer: Consumer) -> None:
    assert app.progress().excused


async def test_progress_cannot_be_told_while_partitions_go(
    app: App, consumer: Consumer, client: SimpleNamespace
) -> None:
    client._subscription.subscription.assignment = None
    assert app.progress().excused


# Rule 3: see test_outbox and test_sync. What would go round it is shut.


async def test_a_table_cannot_be_written_past_the_store(app: App) -> None:
    with pytest.raises(RuntimeError, match="StateStore"):
        app.producer.send_soon(cast(Any, None))


async def test_a_record_cannot_be_sent_past_the_outbox(app: App) -> None:
    with pytest.raises(RuntimeError, match="outbox"):
        await app.producer.send("sync", b"k", b"v", None, None, None)


# Rule 4


@pytest.fixture
async def started(kafka: Kafka, tmp_path: Path) -> AsyncIterator[App]:
    """An app with its producer running."""
    app = App(_settings(tmp_path, kafka.bootstrap), "sync")
    app.finalize()
    await app.producer.start()
    yield app
    await app.producer.stop()


async def test_no_record_leaves_without_proof_of_membership(
    started: App, create_topics: Callable[..., None], unique: str
) -> None:
    create_topics(unique)
    await started.outbox.publish(unique, b"k", b"before", [])
    started.lease.armed = True
    stored = await started.outbox.send(Output(unique, b"k", b"held", []))
    done, _ = await asyncio.wait([stored], timeout=0.5)
    assert not done
    started.lease.renew(started.lease.now())
    await asyncio.wait_for(stored, 5)


async def test_the_lease_is_armed_while_partitions_are_owned(
    app: App, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "_on_partitions_assigned", _nothing)
    app.on_rebalance_start()
    await consumer.on_partitions_assigned({SOURCE})
    assert app.lease.armed
    await consumer.on_partitions_revoked({SOURCE})
    assert not app.lease.armed


async def test_heartbeats_renew_the_lease_and_a_lost_generation_ends_the_process(
    app: App, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinator = SimpleNamespace(_do_heartbeat=_answered, reset_generation=lambda: None)
    monkeypatch.setattr(AIOKafkaConsumerThread, "on_start", _nothing)
    monkeypatch.setattr(consumer._thread, "_consumer", SimpleNamespace(_coordinator=coordinator))
    monkeypatch.setattr(app.lease, "_leave", _leave)
    await consumer._thread.on_start()
    app.lease.armed = True
    assert not app.lease.valid
    await coordinator._do_heartbeat()
    assert app.lease.valid
    with pytest.raises(Left) as left:
        coordinator.reset_generation()
    assert left.value.args == (EXIT_FENCED,)


# Rule 5


@pytest.mark.parametrize(("known", "leaves"), [({"sync", STATE_CHANGELOG}, False), ({"sync"}, True), (set(), True)])
async def test_an_assignment_without_metadata_of_a_topic_ends_the_process(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch, known: set[str], leaves: bool
) -> None:
    cluster = SimpleNamespace(partitions_for_topic=lambda topic: {0} if topic in known else None)
    client = SimpleNamespace(_client=SimpleNamespace(cluster=cluster), subscription=lambda: {"sync", STATE_CHANGELOG})
    monkeypatch.setattr(consumer._thread, "_consumer", client)
    monkeypatch.setattr(runtime, "leave", _leave)
    thread = consumer._thread
    if leaves:
        with pytest.raises(Left) as left:
            thread.require_metadata()
        assert left.value.args == (EXIT_FENCED,)
    else:
        thread.require_metadata()


async def test_the_runtime_is_in_place(app: App, consumer: Consumer) -> None:
    assert type(consumer) is Consumer
    assert type(app.producer) is Producer
    assert type(consumer._thread) is ConsumerThread


async def _nothing(*_: object) -> None:
    return None


async def _append(delivered: list[Any], message: object, room: asyncio.Event | None = None) -> None:
    """A delivery; with `room`, one that has to wait for it."""
    if room is not None:
        delivered.append("begun")
        try:
            await room.wait()
        except asyncio.CancelledError:
            delivered.append("given up")
            raise
    delivered.append(message)


async def _answered() -> bool:
    return True


def _leave(status: int, reason: str) -> NoReturn:
    raise Left(status)

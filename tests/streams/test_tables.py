"""The tables without a broker: durability, ownership, hooks, the watchdog."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.guard import CRASHED, Revoked
from streams.process import App, make_app
from streams.stores import HOLDER, following
from streams.tables import MAX_RECORD, Table, send

CHANGELOG = "group-facts-changelog"


class FakeProducer:
    """Accepts records; the broker has them when the test says so: what begins a holding it has at once.

    In a log of a fixture that is the first record; our others follow by their index.
    """

    def __init__(self) -> None:
        self.ends: Counter[int] = Counter()  # by partition: the offset of what waits for no answer
        self.prompt = False  # whether everything is so
        self.sent: list[tuple[str, bytes | None, bytes | None, int | None]] = []
        self.headers: list[Mapping[str, bytes] | None] = []
        self.answers: list[asyncio.Future[Any]] = []

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        _timestamp: None,
        headers: Mapping[str, bytes] | None,
    ) -> asyncio.Future[Any]:
        self.sent.append((topic, key, value, partition))
        self.headers.append(headers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if key == HOLDER or self.prompt:
            answer.set_result(SimpleNamespace(offset=self.ends[partition or 0]))
            self.ends[partition or 0] += 1
        else:
            self.answers.append(answer)
        return answer

    def answer(self, index: int) -> None:
        """The broker has a record."""
        self.answers[index].set_result(SimpleNamespace(offset=index + 1))


@pytest.fixture
async def app() -> App:
    made = make_app("group", "kafka://127.0.0.1:1")
    made.producer = FakeProducer()
    return made


class Hooks:
    """What a table told its agent."""

    def __init__(self) -> None:
        self.recovered: list[tuple[int, dict[bytes, bytes]]] = []
        self.revoked: list[int] = []

    async def on_recovered(self, partition: int, items: Mapping[bytes, bytes]) -> None:
        self.recovered.append((partition, dict(items)))

    def on_revoked(self, partition: int) -> None:
        self.revoked.append(partition)


@pytest.fixture
def hooks() -> Hooks:
    return Hooks()


@pytest.fixture
async def table(app: App, hooks: Hooks) -> Table:
    """A table of which partitions 0 and 1 are recovered, empty."""
    made = Table(app, "facts", like=["in"], on_recovered=hooks.on_recovered, on_revoked=hooks.on_revoked)
    await assign(made, 1, 0, 1)
    await recover(made, 1)
    hooks.recovered.clear()
    app.producer.sent.clear()
    return made


def tps(*partitions: int) -> set[TP]:
    return {TP(topic, p) for topic in ("in", CHANGELOG) for p in partitions}


async def assign(table: Table, generation: int, *partitions: int) -> None:
    await table.on_rebalance(tps(*partitions), set(), set(), generation)


def recovery_of(generation: int, left: Mapping[TP, int] | None = None) -> Any:
    """Faust's recovery, with so many offsets left to read."""
    return SimpleNamespace(
        _generation_id=generation,
        signal_recovery_start=asyncio.Event(),
        active_remaining=lambda: Counter(left or {}),
    )


async def recover(table: Table, generation: int) -> None:
    """A recovery that has read everything."""
    table.app.tables._recovery = recovery_of(generation)
    active = {TP(CHANGELOG, p) for p in table.data.partitions}
    await table.on_recovery_completed(active, set())


def changelog(
    partition: int,
    key: bytes,
    value: bytes | None,
    offset: int,
    *,
    topic: str = CHANGELOG,
    holder: bytes | None = None,
) -> Any:
    headers = (("holder", holder),) if holder else ()
    message = SimpleNamespace(
        topic=topic, partition=partition, key=key, value=value, offset=offset, headers=headers
    )
    return SimpleNamespace(message=message)


async def test_a_put_answers_when_the_broker_has_it(app: App, table: Table) -> None:
    put = asyncio.create_task(table.put(1, b"k", b"v"))
    await asyncio.sleep(0)
    assert app.producer.sent == [(CHANGELOG, b"k", b"v", 1)]
    assert not put.done()
    assert table.items(1) == {}
    app.producer.answer(0)
    await put
    assert table.items(1) == {b"k": b"v"}
    assert table.data.persisted_offset(TP(CHANGELOG, 1)) == 1


async def test_many_puts_are_on_their_way_at_once(app: App, table: Table) -> None:
    puts = asyncio.gather(*(table.put(0, bytes([n]), bytes(250_000)) for n in range(20)))
    await asyncio.sleep(0)
    assert len(app.producer.sent) == 20
    for n in range(20):
        app.producer.answer(n)
    await puts
    assert len(table.items(0)) == 20
    assert table.data.persisted_offset(TP(CHANGELOG, 0)) == 20


async def test_a_failed_put_raises_and_changes_nothing(app: App, table: Table) -> None:
    put = asyncio.create_task(table.put(0, b"k", b"v"))
    await asyncio.sleep(0)
    app.producer.answers[0].set_exception(ConnectionError("gone"))
    with pytest.raises(ConnectionError, match="gone"):
        await put
    assert table.items(0) == {}


async def test_none_removes(app: App, table: Table) -> None:
    table.data.wrote(0, b"k", b"v", 1)
    put = asyncio.create_task(table.put(0, b"k", None))
    app.producer.answers = [asyncio.get_running_loop().create_future()]
    await asyncio.sleep(0)
    app.producer.answer(1)
    await put
    assert app.producer.sent == [(CHANGELOG, b"k", None, 0)]
    assert table.items(0) == {}
    assert table.data.persisted_offset(TP(CHANGELOG, 0)) == 2


async def test_what_is_too_large_is_refused_before_it_is_sent(app: App, table: Table) -> None:
    with pytest.raises(ValueError, match=f"{CHANGELOG}: a record of 900,001 bytes; at most 900,000"):
        await table.put(0, b"k", bytes(MAX_RECORD))
    with pytest.raises(ValueError, match="panes: a record of 900,001 bytes"):
        await send(app, "panes", bytes(MAX_RECORD + 1))
    assert app.producer.sent == []


async def test_a_partition_of_another_worker_is_neither_written_nor_read(app: App, table: Table) -> None:
    with pytest.raises(Revoked, match="table facts: partition 2 is not held by this worker"):
        await table.put(2, b"k", b"v")
    with pytest.raises(Revoked, match="partition 2"):
        table.items(2)
    assert app.producer.sent == []


async def test_a_partition_that_moves_during_a_put_is_not_revived(app: App, table: Table) -> None:
    put = asyncio.create_task(table.put(1, b"k", b"v"))
    await asyncio.sleep(0)
    await assign(table, 2, 0)
    app.producer.answer(0)
    await put
    assert table.data.partitions.keys() == {0}


async def test_dictionary_writes_are_refused(table: Table) -> None:
    with pytest.raises(TypeError, match="use put"):
        table[b"k"] = b"v"
    table.data.read(0, b"k", b"v", 0)


async def test_hooks_hear_of_what_came_and_left(table: Table, hooks: Hooks) -> None:
    await assign(table, 2, 1, 2)
    assert (hooks.revoked, table.partitions_ready()) == ([0], [1])
    table.apply_changelog_batch([changelog(2, b"k", b"v", 8)])
    await recover(table, 2)
    assert hooks.recovered == [(2, {b"k": b"v"})]
    assert table.partitions_ready() == [1, 2]
    table.app.rebalancing = True
    assert table.partitions_ready() == []


async def test_a_kept_partition_is_rebuilt_only_if_another_writer_changed_it(
    table: Table, hooks: Hooks
) -> None:
    table.data.wrote(0, b"own", b"1", 1)
    await assign(table, 2, 0, 1)
    await recover(table, 2)
    assert hooks.recovered == []
    await assign(table, 3, 0, 1)
    table.apply_changelog_batch([changelog(0, b"other", b"2", 2)])
    await recover(table, 3)
    assert hooks.recovered == [(0, {b"own": b"1", b"other": b"2"})]


async def test_what_others_wrote_before_our_own_last_record_is_read(
    app: App, table: Table, hooks: Hooks
) -> None:
    """We stood still; another held the partition, and gave it back after we had written what was in hand:
    that counts for nothing, and we begin anew."""
    table.data.wrote(0, b"own", b"1", 1)
    table.data.wrote(0, b"late", b"5", 5)
    assert table.data.persisted_offset(TP(CHANGELOG, 0)) == 1
    await assign(table, 2, 0, 1)
    assert (hooks.revoked, table.partitions_ready()) == ([0], [1])
    assert table.data.persisted_offset(TP(CHANGELOG, 0)) == -1
    ours, theirs = following(b"", 1), following(b"", 2)
    table.apply_changelog_batch(
        [
            changelog(0, HOLDER, ours, 0),
            changelog(0, b"own", b"1", 1, holder=ours),
            changelog(0, HOLDER, theirs, 2),
            changelog(0, b"other", b"2", 3, holder=theirs),
            changelog(0, b"own", None, 4, holder=theirs),
            changelog(0, b"late", b"5", 5, holder=ours),
        ]
    )
    app.producer.prompt, app.producer.ends[0] = True, 6
    await recover(table, 2)
    assert hooks.recovered == [(0, {b"other": b"2"})]


async def test_what_a_zombie_wrote_over_is_mended(app: App, table: Table, hooks: Hooks) -> None:
    """Compaction keeps the last record of a key, whoever wrote it."""
    await assign(table, 9, 0, 1, 2)
    first, second, third = (following(b"", generation) for generation in (3, 4, 9))
    table.apply_changelog_batch(
        [
            changelog(2, b"k", b"before", 3, holder=first),  # what began this holding was compacted away
            changelog(2, HOLDER, second, 5, holder=second),
            changelog(2, b"k", b"new", 6, holder=second),
            changelog(2, b"gone", None, 7, holder=second),
            changelog(2, b"k", b"old", 8, holder=first),
            changelog(2, b"gone", b"old", 9, holder=first),
            changelog(2, HOLDER, first, 10, holder=first),  # it had stood still before it said its name
            changelog(2, b"kept", b"new", 11, holder=second),
        ]
    )
    app.producer.prompt, app.producer.ends[2] = True, 12
    await recover(table, 9)
    assert hooks.recovered == [(2, {b"k": b"new", b"kept": b"new"})]
    begun, *mended = app.producer.sent
    assert begun == (CHANGELOG, HOLDER, third, 2)
    assert {*mended} == {(CHANGELOG, b"gone", None, 2), (CHANGELOG, b"k", b"new", 2)}
    assert app.producer.headers[-3:] == [{"holder": third}] * 3
    app.producer.sent.clear()
    await recover(table, 9)  # nothing is left to be mended, and the holding goes on
    assert app.producer.sent == []
    table.apply_changelog_batch([changelog(2, HOLDER, second, 16, holder=second)])
    await recover(table, 9)
    assert app.producer.sent == [(CHANGELOG, HOLDER, third, 2)]


async def test_what_a_holding_writes_carries_its_name(app: App, table: Table) -> None:
    name = table.data.holders[1]
    put = asyncio.create_task(table.put(1, b"k", b"v"))
    await asyncio.sleep(0)
    assert app.producer.headers[-1] == {"holder": name}
    await assign(table, 2, 0)
    await assign(table, 3, 0, 1)
    await recover(table, 3)
    app.producer.answer(-1)
    await put
    assert table.items(1) == {}  # what was on its way is of a holding that is over


async def test_own_records_are_not_read_again_in_whatever_order_they_are_acknowledged(table: Table) -> None:
    seen = []
    for offset in (1, 3, 4, 2, 6, 5):
        table.data.wrote(0, b"k", b"v", offset)
        seen.append(table.data.persisted_offset(TP(CHANGELOG, 0)))
    assert seen == [1, 1, 1, 4, 4, 6]
    assert not table.data.lags(0)


async def test_an_outdated_recovery_does_not_count(table: Table, hooks: Hooks) -> None:
    await assign(table, 2, 0, 1, 2)
    await recover(table, 1)
    assert hooks.recovered == []
    assert table.partitions_ready() == [0, 1]
    await assign(table, 3, 0, 1)
    assert hooks.revoked == []


async def test_a_partition_that_comes_back_is_read_from_the_start(table: Table) -> None:
    table.data.read(1, b"k", b"v", 7)
    assert table.data.persisted_offset(TP(CHANGELOG, 1)) == 7
    await assign(table, 2, 0)
    await assign(table, 3, 0, 1)
    assert table.items(1) == {}
    assert table.data.persisted_offset(TP(CHANGELOG, 1)) == -1


async def test_records_of_other_tables_and_partitions_are_ignored(table: Table) -> None:
    table.apply_changelog_batch([changelog(0, b"k", b"v", 1, topic="other"), changelog(9, b"k", b"v", 1)])
    assert table.data.partitions == {0: {}, 1: {}}
    assert table.data.changed == set()


PROLOGUE = """
import asyncio, sys
sys.path.insert(0, ".")
from collections import Counter
from types import SimpleNamespace
from tests.streams.test_tables import CHANGELOG, TP, Table, assign, changelog, make_app, recover, tps
from tests.streams.test_tables import recovery_of

def broken(*_):
    raise KeyError("broken")

async def main():
    app = make_app("group", "kafka://127.0.0.1:1")
    table = Table(app, "facts", like=["in"], on_recovered=broken, on_revoked=broken, stall_seconds=0.2)
"""


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("await assign(table, 1, 0); await recover(table, 1)", "facts: broken failed: KeyError: 'broken'"),
        ("table.apply_changelog_batch([None])", "facts: recovery failed: AttributeError"),
        (
            "await table.on_rebalance(tps(0, 1) - {TP(CHANGELOG, 1)}, set(), set(), 1)",
            "facts: partitions [0] came with [0, 1] of in",
        ),
        (
            "await assign(table, 1, 0, 1); app.tables._recovery = recovery_of(1);"
            "await table.on_recovery_completed({TP(CHANGELOG, 0)}, set())",
            "facts: not all of partitions [0, 1] were recovered",
        ),
        (
            "await assign(table, 1, 0);"
            "app.tables._recovery = recovery_of(1, {TP(CHANGELOG, 0): 3});"
            "await table.on_recovery_completed({TP(CHANGELOG, 0)}, set())",
            "facts: partitions [0] were not recovered",
        ),
        (
            "await assign(table, 1, 0); app.tables._recovery = recovery_of(1, {TP(CHANGELOG, 0): 3});"
            "await table._watch_recovery()",
            "facts: recovery stands still with {0: 3} offsets to read",
        ),
    ],
)
def test_what_ends_the_process(body: str, line: str) -> None:
    script = f"{PROLOGUE}    {body}\nasyncio.run(main())\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == CRASHED, done.stderr
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_a_recovery_that_the_next_one_broke_off_is_not_complete(
    app: App, table: Table, hooks: Hooks
) -> None:
    """Faust swallows its own RebalanceAgain while it waits for the last records."""
    await assign(table, 2, 0, 1, 2)
    app.tables._recovery = recovery_of(2, {TP(CHANGELOG, 2): 3})
    app.tables._recovery.signal_recovery_start.set()
    await table.on_recovery_completed({TP(CHANGELOG, p) for p in range(3)}, set())
    assert hooks.recovered == []
    await recover(table, 2)
    assert hooks.recovered == [(2, {})]


async def test_a_recovery_that_goes_on_is_left_alone(app: App) -> None:
    table = Table(app, "slow", like=["in"], stall_seconds=0.1)
    left = Counter({TP("group-slow-changelog", 0): 100})
    app.tables._recovery = SimpleNamespace(in_recovery=True, active_remaining=lambda: left)
    watch = asyncio.create_task(table._watch_recovery())
    while left.total() > 80:
        left.subtract(left.keys())
        await asyncio.sleep(0.01)
    assert not watch.done()
    watch.cancel()

"""Events a second, and CPU time an event, from Kafka to what is read of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.stream import events
from benchmarks.stream.brokers import PARTITIONS, send
from benchmarks.stream.events import Message, Row
from benchmarks.stream.process import Crew, Process, Worker, wait_until

WARM = 2_000  # events before the clock starts
EMBEDDED, EVENTS_GO_TO = "embedded", r"events go to (\S+)"  # an address that is none, and where it is said
EMBEDDED_AT_ONCE = 8_000_000  # bytes in flight: the embedded broker keeps about 5 MB a partition
CREDIT = """
[models.credit]
positive = ["approved"]
positive_outcome = ["repaid"]
attributes = ["sex", "age_band", "origin"]
windows = ["24h", "30d", "all"]
baseline = 1000
[[models.credit.rules]]
metric = "selection_rate"
compare = "ratio"
min = 0.8
[[models.credit.rules]]
metric = "true_positive_rate"
min = -0.1
max = 0.1
[[models.credit.rules]]
metric = "adwin"
compare = "value"
stream = "error"
max = 0
"""


class Cost(NamedTuple):
    """What some events took. `threads`: seconds of CPU of the main thread and of the others."""

    events: int
    wall: float
    cpu: float
    threads: Sequence[float]
    memory: int

    @property
    def micros(self) -> float:
        """CPU time an event."""
        return self.cpu / self.events * 1e6

    @classmethod
    def both(cls, first: "Cost", second: "Cost") -> "Cost":
        """Of one after the other."""
        threads = [a + b for a, b in zip(first.threads, second.threads, strict=False)]
        memory = max(first.memory, second.memory)
        return cls(
            first.events + second.events, first.wall + second.wall, first.cpu + second.cpu, threads, memory
        )


class Kind(NamedTuple):
    """The same loans as messages of one kind."""

    decisions: list[Message]
    feedback: list[Message]


Costs = tuple[Cost, Cost]  # of decisions, of their outcomes
Make = Callable[[Sequence[Row], str], Kind]
Parts = Callable[[Sequence[Message]], Iterator[Sequence[Message]]]


def single(loans: Sequence[Row], name: str) -> Kind:
    """One event a message."""
    decided = [events.decision(loan) for loan in loans]
    returned = [events.feedback(loan) for loan in loans]
    return Kind(
        list(events.single(f"{name}-decisions", decided, PARTITIONS)),
        list(events.single(f"{name}-feedback", returned, PARTITIONS)),
    )


def columns(loans: Sequence[Row], name: str) -> Kind:
    """Batches by column, as `client/` makes them."""
    decided = [events.decision(loan) for loan in loans]
    returned = [events.feedback(loan) for loan in loans]
    return Kind(
        list(events.columns(f"{name}-decisions", "credit", decided, PARTITIONS)),
        list(events.columns(f"{name}-feedback", None, returned, PARTITIONS)),
    )


def baseline(address: str, loans: Sequence[Row], name: str, *, join: bool = False) -> Cost:
    """The idiomatic Faust app on the same loans; with `join` decisions and outcomes come apart.

    With the address "embedded" the broker is in its process, and its cost is the broker's too. What is sent
    must fit into that broker then.
    """
    decided = [{**events.decision(loan), **({} if join else {"outcome": loan["outcome"]})} for loan in loans]
    messages = list(events.single(name, decided, PARTITIONS))
    if join:
        returned = [events.feedback(loan) for loan in loans]
        messages += events.single(f"{name}-feedback", returned, PARTITIONS)
    if address != EMBEDDED:
        create(address, name, f"{name}-feedback")
    arguments = ["-m", "benchmarks.stream.baseline", address, name, *(["--join"] if join else [])]
    with Process(*arguments) as app:
        wait_until(lambda: "taken 0" in app.printed(), "the baseline's first line")
        address = (app.said(EVENTS_GO_TO) or "") if address == EMBEDDED else address
        send(address, messages[:WARM])
        wait_until(lambda: f"taken {WARM}\n" in app.printed(), "the baseline's first events")
        rest = messages[WARM:]
        return measured(app, address, [rest], lambda: f"taken {len(messages)}\n" in app.printed())


def fairlead(
    address: str,
    make: Make,
    loans: Sequence[Row],
    name: str,
    *,
    workers: int = 1,
    profile: Path | None = None,
) -> Costs:
    """Workers on a Kafka: what the decisions took, and then their outcomes."""
    create(address, f"{name}-decisions", f"{name}-feedback")
    with ExitStack() as stack:
        file = stack.enter_context(configured(address, name, CREDIT))
        crew = Crew([stack.enter_context(Worker(file, profile=profile)) for _ in range(workers)])
        _warm(crew, address, make, name)
        costs = _both(crew, address, make(loans, name), _at_once)
        if profile:
            crew.workers[0].stop()
        return costs


def embedded(make: Make, loans: Sequence[Row], name: str) -> Costs:
    """A worker with the broker inside it: its cost is the broker's too."""
    with configured("unused:1", name, CREDIT) as file, Worker(file, "--embedded") as worker:
        address = str(wait_until(lambda: worker.said(EVENTS_GO_TO), "the embedded broker"))
        _warm(crew := Crew([worker]), address, make, name)
        return _both(crew, address, make(loans, name), _in_small_parts)


def _both(crew: Crew, address: str, kind: Kind, parts: Parts) -> Costs:
    start = 2 * WARM
    for worker in crew.workers:
        worker.start_profile()
    count = start + sum(message.events for message in kind.decisions)
    decided = measured(crew, address, parts(kind.decisions), lambda: crew.taken() == (count, start))
    returned = measured(crew, address, parts(kind.feedback), lambda: crew.taken() == (count, count))
    return decided, returned


def _warm(crew: Crew, address: str, make: Make, name: str) -> None:
    """Sends loans of the two days before: then all code is loaded, and all windows are known.

    Detectors begin, and load river, when a slice is finished: on the second day, when time has begun.
    """
    wait_until(lambda: crew.ready(PARTITIONS), "workers that are ready", 0.5)
    for day in (2, 1):
        before = make(events.loans(WARM, seed=day + 1, start=events.START - day * events.DAY), name)
        send(address, [*before.decisions, *before.feedback])
        count = (3 - day) * WARM
        wait_until(lambda: crew.taken() == (count, count), "the first readings", 0.5)  # noqa: B023
        wait_until(crew.has_clock, "the clock", 0.5)


def _at_once(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    yield messages


def _in_small_parts(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    size = sum(len(message.value) for message in messages)
    step = max(1, len(messages) * EMBEDDED_AT_ONCE // size)
    yield from (messages[start : start + step] for start in range(0, len(messages), step))


def measured(
    process: Process | Crew, address: str, parts: Iterable[Sequence[Message]], done: Callable[[], bool]
) -> Cost:
    """Sends the parts, each when the one before has been read, and waits until all is done."""
    count, wall, cpu, threads = 0, perf_counter(), process.cpu(), process.threads()
    for part in parts:
        if count and isinstance(process, Crew):
            wait_until(lambda: not process.lag(), "the lag to be 0", 0.1)
        send(address, part)
        count += sum(message.events for message in part)
    wait_until(done, "all events in the readings", 0.5)
    wall, cpu = perf_counter() - wall, process.cpu() - cpu
    spent = [now - before for now, before in zip(process.threads(), threads, strict=False)]
    return Cost(count, wall, cpu, spent, process.peak_memory())


def create(address: str, *topics: str) -> None:
    """Creates topics of equal partition counts."""
    admin = AdminClient({"bootstrap.servers": address})
    for future in admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in topics]).values():
        future.result(30)


@contextmanager
def configured(address: str, name: str, *models: str) -> Iterator[Path]:
    """A file with a configuration of its own topics and group."""
    broker = (
        f'[broker]\nurl = "kafka://{address}"\ngroup = "{name}"\ndecisions = "{name}-decisions"\n'
        f'feedback = "{name}-feedback"\ninvalid = "{name}-invalid"\npartitions = {PARTITIONS}\n'
        "[http]\nport = 0\n"
    )
    with TemporaryDirectory() as folder:
        file = Path(folder) / "fairlead.toml"
        file.write_text("\n".join([broker, *models]))
        yield file

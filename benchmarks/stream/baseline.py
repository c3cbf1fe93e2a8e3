"""The baseline: the Faust app that one would write, one event a message, with river's metrics.

    python -m benchmarks.stream.baseline ADDRESS TOPIC [--join]

Without --join an event already holds its outcome. With it, decisions and outcomes come in two topics,
and a Faust table joins them, as Faust's documentation does it. With ADDRESS "embedded" the broker runs
in this process. It prints how many events it has taken, twice a second.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import faust
from river import drift, metrics, utils

from benchmarks.stream.brokers import PARTITIONS
from benchmarks.stream.events import GROUPS
from streams.embedded import EmbeddedBroker

WINDOWS = [timedelta(hours=24), timedelta(days=30)]
Group = tuple[str, str]  # attribute, name


class Decision(faust.Record, serializer="json"):  # type: ignore[call-arg, misc]
    """A decision, with its outcome when that is known."""

    id: str
    model: str
    time: float
    decision: str
    attributes: dict[str, str]
    outcome: str | None = None


class Feedback(faust.Record, serializer="json"):  # type: ignore[call-arg, misc]
    """An outcome."""

    decision_id: str
    time: float
    outcome: str


class Metrics:
    """What the worker is asked for, by river: a confusion matrix a group and window, and ADWIN on errors."""

    def __init__(self) -> None:
        self.groups: dict[Group, metrics.ConfusionMatrix] = defaultdict(metrics.ConfusionMatrix)
        self.rolling: list[dict[Group, utils.TimeRolling]] = [
            defaultdict(partial(utils.TimeRolling, metrics.ConfusionMatrix, period=window))
            for window in WINDOWS
        ]
        self.errors = drift.ADWIN()
        self.drifts = 0

    def update(self, decision: str, outcome: str, attributes: dict[str, str], time: float) -> None:
        """One decision whose outcome is known."""
        truth, predicted = outcome == "repaid", decision == "approved"
        when = datetime.fromtimestamp(time, UTC).replace(tzinfo=None)  # as river compares them
        for group in [("", ""), *((name, attributes[name]) for name in GROUPS)]:
            self.groups[group].update(truth, predicted)
            for rolling in self.rolling:
                rolling[group].update(truth, predicted, t=when)
        self.errors.update(truth != predicted)
        self.drifts += self.errors.drift_detected

    def rates(self) -> dict[Group, tuple[float, float]]:
        """The selection rate and the true positive rate of each group."""
        return {group: _rates(matrix) for group, matrix in self.groups.items()}


def _rates(matrix: metrics.ConfusionMatrix) -> tuple[float, float]:
    selected, repaid = matrix.sum_col[True], matrix.sum_row[True]
    found = matrix[True][True]
    return selected / max(matrix.total_weight, 1), found / max(repaid, 1)


def build(address: str, topic: str, *, join: bool, embedded: bool = False) -> faust.App:
    """The app; consumer group and topics begin with the topic's name.

    The embedded broker cannot be asked to make topics: it has those that somebody asks for.
    """
    app = faust.App(
        f"{topic}-group", broker=f"kafka://{address}", store="memory://", topic_partitions=PARTITIONS,
        consumer_auto_offset_reset="earliest", web_enabled=False, autodiscover=False,
        table_standby_replicas=0, datadir=tempfile.gettempdir(),
        topic_allow_declare=not embedded, topic_disable_leader=embedded,
    )  # fmt: skip
    found, taken = Metrics(), [0]
    decisions = app.topic(topic, value_type=Decision)

    if join:
        table = app.Table(f"{topic}-open", partitions=PARTITIONS)
        outcomes = app.topic(f"{topic}-feedback", value_type=Feedback)

        @app.agent(decisions)  # type: ignore[untyped-decorator]
        async def remember(stream: faust.StreamT[Decision]) -> None:
            async for event in stream:
                table[event.id] = [event.decision, event.attributes, event.time]
                taken[0] += 1

        @app.agent(outcomes)  # type: ignore[untyped-decorator]
        async def watch(stream: faust.StreamT[Feedback]) -> None:
            async for event in stream:
                if (held := table.get(event.decision_id)) is not None:
                    decision, attributes, time = held
                    found.update(decision, event.outcome, attributes, time)
                taken[0] += 1

    else:

        @app.agent(decisions)  # type: ignore[untyped-decorator]
        async def count(stream: faust.StreamT[Decision]) -> None:
            async for event in stream:
                found.update(event.decision, event.outcome, event.attributes, event.time)
                taken[0] += 1

    @app.timer(1.0)  # type: ignore[untyped-decorator]
    async def read() -> None:
        found.rates()

    @app.timer(0.5)  # type: ignore[untyped-decorator]
    async def tell() -> None:
        print(f"taken {taken[0]}", flush=True)

    return app


def main(argv: list[str]) -> None:
    """Runs the app until it is killed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream.baseline")
    parser.add_argument("address")
    parser.add_argument("topic")
    parser.add_argument("--join", action="store_true")
    args = parser.parse_args(argv)
    with ExitStack() as stack:
        address = args.address
        if address == "embedded":
            broker = stack.enter_context(EmbeddedBroker())
            broker.create(args.topic, f"{args.topic}-feedback")
            address = broker.address
            print(f"events go to {address}", flush=True)
        app = build(address, args.topic, join=args.join, embedded=args.address == "embedded")
        faust.Worker(app, loglevel="error", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1:])

"""The baseline: the Faust app that one would write, one event a message, with river's metrics.

    python -m benchmarks.stream.baseline ADDRESS TOPIC [--join]

Without --join an event already holds its outcome. With it, decisions and outcomes come in two topics,
and a Faust table joins them, as Faust's documentation does it. With ADDRESS "embedded" the broker runs
in this process. It prints how many events it has taken, twice a second.
"""

import argparse
import sys
from collections import defaultdict
from contextlib import ExitStack

import faust
from river import drift, metrics, utils

from benchmarks.stream.brokers import PARTITIONS
from benchmarks.stream.events import GROUPS
from streams.embedded import EmbeddedBroker

ROLLING = 1_000


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
    """River's: a confusion matrix a group, two rolling ones, ADWIN on decisions and on errors."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str], metrics.ConfusionMatrix] = defaultdict(metrics.ConfusionMatrix)
        self.everybody = metrics.ConfusionMatrix()
        self.rolling = utils.Rolling(metrics.ConfusionMatrix, window_size=ROLLING)
        self.decisions, self.errors = drift.ADWIN(), drift.ADWIN()
        self.drifts = 0

    def update(self, decision: str, outcome: str, attributes: dict[str, str]) -> None:
        """One decision whose outcome is known."""
        truth, predicted = outcome == "repaid", decision == "approved"
        self.everybody.update(truth, predicted)
        self.rolling.update(truth, predicted)
        for name in GROUPS:
            self.groups[name, attributes[name]].update(truth, predicted)
        self.decisions.update(predicted)
        self.errors.update(truth != predicted)
        self.drifts += self.decisions.drift_detected + self.errors.drift_detected


def build(address: str, topic: str, *, join: bool) -> faust.App:
    """The app; consumer group and topics begin with the topic's name."""
    app = faust.App(
        f"{topic}-group", broker=f"kafka://{address}", store="memory://", topic_partitions=PARTITIONS,
        consumer_auto_offset_reset="earliest", web_enabled=False, autodiscover=False,
        table_standby_replicas=0,
    )  # fmt: skip
    found, taken = Metrics(), [0]
    decisions = app.topic(topic, value_type=Decision)

    if join:
        table = app.Table(f"{topic}-open", partitions=PARTITIONS)
        outcomes = app.topic(f"{topic}-feedback", value_type=Feedback)

        @app.agent(decisions)  # type: ignore[untyped-decorator]
        async def remember(stream: faust.StreamT[Decision]) -> None:
            async for event in stream:
                table[event.id] = [event.decision, event.attributes]
                taken[0] += 1

        @app.agent(outcomes)  # type: ignore[untyped-decorator]
        async def watch(stream: faust.StreamT[Feedback]) -> None:
            async for event in stream:
                if (held := table.get(event.decision_id)) is not None:
                    found.update(held[0], event.outcome, held[1])
                taken[0] += 1

    else:

        @app.agent(decisions)  # type: ignore[untyped-decorator]
        async def count(stream: faust.StreamT[Decision]) -> None:
            async for event in stream:
                found.update(event.decision, event.outcome, event.attributes)
                taken[0] += 1

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
        app = build(address, args.topic, join=args.join)
        faust.Worker(app, loglevel="error", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1:])

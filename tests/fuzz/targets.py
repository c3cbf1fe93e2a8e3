"""What is fuzzed: functions of some bytes, which may raise what is ALLOWED, and must keep what they promise.

Of what comes from outside nothing may raise at all. Records that Kafka keeps for us may be damaged: whoever
reads one says so by a ValueError, and takes no memory that the record does not have.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import cramjam
import msgspec
import numpy as np
from aiokafka.structs import ConsumerRecord

from alerts import actions, alert, outbox
from monitor import baseline
from monitor.arrays.codes import Codes
from monitor.config import Columns, Config, Model, Rule
from monitor.detecting import Detecting
from monitor.events import Decision, Decoder, Feedback, clean
from monitor.events.exposed import Register
from monitor.facts import Facts
from monitor.panes import Panes, packed
from monitor.trials import ledger, trials
from streams import messages, topics
from streams.bundles import Bundle
from streams.ingest import bodies
from streams.ingest.foreign import Foreign
from streams.partition import Partition
from streams.process import make_app
from tests.streams.holding import take

LATEST = 2_000_000_000_000
HOUR = 3_600_000
MODEL = Model(
    positive=["yes"],
    attributes=["sex", "age", ["sex", "age"]],
    slices=["region", "version"],
    features=["income", "job"],
    rules=[Rule(metric="selection_rate", attribute="sex", min=-0.1, max=0.1)],
)
LOANS = Model(
    positive=["yes"],
    topic="loans",
    columns=Columns(id="case", time="at", decision="result.verdict", outcome="result.repaid"),
)
CONFIG = Config(models={"m": MODEL, "loans": LOANS})
DAMAGED: tuple[type[Exception], ...] = (ValueError, msgspec.MsgspecError, cramjam.DecompressionError)

DECISION = (
    b'{"id": "a", "model": "m", "time": 5, "decision": "yes", "score": 0.5, "value": 1, "attributes": {"sex":'
    b' "F", "age": {"old": 0.5}}, "slices": {"region": "n"}, "features": {"income": 1e3, "job": "j"},'
    b' "flags": {"explained": true}, "reasons": ["r"], "entity": "e", "version": "1", "stage": 2,'
    b' "odd": null}'
)
FEEDBACK = (
    b'{"decision_id": "a", "time": "2026-01-01", "outcome": true, "decision": "no", "values": {"actual":'
    b' 3.5}, "flags": {"upheld": false}, "attributes": {"sex": "M"}}'
)
COLUMNS = (
    b'{"model": "m", "columns": {"id": ["a", 2], "time": [1, "x"], "decision": [true, 1.5],'
    b' "flags.f": [null, true]}}'
)
OBJECT = b'{"case": 7, "at": 5, "result": {"verdict": "yes", "repaid": 1}}'


def bundle(topic: str, data: bytes) -> Bundle:
    """Messages between bytes of 255, which no UTF-8 has."""
    return Bundle(
        topic,
        0,
        [
            ConsumerRecord(topic, 0, i, 0, 0, None, v, None, -1, len(v), ())
            for i, v in enumerate(data.split(b"\xff"))
        ],
    )


def decisions(data: bytes) -> None:
    """A bundle of decisions, all the way to panes that are sent, and back from its blocks."""
    _taken("decisions", data)


def feedback(data: bytes) -> None:
    """A bundle of feedback about decisions that are known, or not."""
    _taken("feedback", data)


def _taken(topic: str, data: bytes) -> None:
    state = Partition(0, CONFIG, 1, bytes(16), Counter())
    take(state, bundle("decisions", DECISION))
    with patch.object(clean, "LEAST", 0):  # what is small is read by rows: that is fuzzed below
        taken = take(state, bundle(topic, data))
    panes = state.take_panes()
    again = Partition(0, CONFIG, 1, bytes(16), Counter())
    for name, record in taken.blocks.items():
        again.restore({name: record})
    held = Panes(Codes(), HOUR)
    for pane in panes:
        held.put(packed.load(packed.dump([pane])[0]))
    several = (
        topic,
        Decoder(Decision if topic == "decisions" else Feedback).decode(data.split(b"\xff"), LATEST),
    )
    assert all(0 <= time <= LATEST for time in several[1].times.tolist())


def body(data: bytes) -> None:
    """The body of a request, whole or by lines."""
    for lines in (False, True):
        for kind in (Decision, Feedback):
            found = bodies.read(data, lines, Decoder(kind), LATEST)  # type: ignore[type-var]
            assert len(found.events) == len(found.places)


_FOREIGN = Foreign(make_app("fuzz", "kafka://127.0.0.1:1"), CONFIG, topics.names(CONFIG.broker), Counter())


def foreign(data: bytes) -> None:
    """A topic of another shape."""
    rows = bundle("loans", data)
    found = _FOREIGN.translate(rows, LATEST / 1000)
    _FOREIGN.reports(found, rows)


def block(data: bytes) -> None:
    """A block of facts as it lies in Kafka."""
    facts = Facts(CONFIG.models, bytes(16))
    facts.load(data)
    facts.take_blocks()


def pane(data: bytes) -> None:
    """A pane's counts, before they are packed by zstd."""
    counted = bytes(cramjam.zstd.compress(data, 1))
    shown = packed.Pane(model="m", partition=0, slot=3, shape="", phi="1", counted=counted)
    Panes(Codes(), HOUR).put(packed.load(packed.dump([shown])[0]))


def record(data: bytes) -> None:
    """Whatever else lies in Kafka: the first byte says what it is."""
    kinds: list[Callable[[bytes], Any]] = [
        messages.decode,
        packed.load,
        alert.decode,
        actions.decode,
        outbox.decode,
        ledger.decode,
        trials.decode,
        baseline.from_json,
        lambda record: Register().load(record),
        lambda record: Detecting(MODEL, Panes(Codes(), HOUR), []).restore(
            bytes(cramjam.zstd.compress(record, 1))
        ),
    ]
    if data:
        kinds[data[0] % len(kinds)](data[1:])


def _block() -> list[bytes]:
    facts = Facts(CONFIG.models, bytes(16))
    for kind, message in ((Decision, DECISION), (Feedback, FEEDBACK)):
        (batch,) = Decoder(kind).batches([message], LATEST).batches  # type: ignore[type-var]
        (facts.take_decisions if kind is Decision else facts.take_feedback)(batch)  # type: ignore[operator]
    return facts.take_blocks()


def _pane() -> list[bytes]:
    state = Partition(0, CONFIG, 1, bytes(16), Counter())
    take(state, bundle("decisions", DECISION))
    return [bytes(cramjam.zstd.decompress(pane.counted)) for pane in state.take_panes()]


def _records() -> list[bytes]:
    from tests.alerts.test_exposures import EMAIL, step

    (fired,), register = step(EMAIL), Register()
    register.hear(0, [EMAIL])
    clock = messages.encode(messages.Clock(0, 1, 5, True))
    found = messages.encode(messages.Found("m", 0, [EMAIL]))
    return [b"\0" + clock, b"\0" + found, b"\2" + alert.encode(fired), b"\x08" + register.encode()]


ALLOWED: dict[str, tuple[type[Exception], ...]] = {
    "decisions": (),
    "feedback": (),
    "body": (bodies.TooManyEventsError,),
    "foreign": (),
    "block": DAMAGED,
    "pane": DAMAGED,
    "record": DAMAGED,
}
TARGETS: dict[str, Callable[[bytes], None]] = {
    "decisions": decisions,
    "feedback": feedback,
    "body": body,
    "foreign": foreign,
    "block": block,
    "pane": pane,
    "record": record,
}
SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "decisions": lambda: [DECISION, COLUMNS, b"[" + DECISION + b"]", DECISION + b"\xff" + COLUMNS],
    "feedback": lambda: [FEEDBACK, b'{"columns": {"decision_id": ["a"], "time": [1], "outcome": [1]}}'],
    "body": lambda: [DECISION, FEEDBACK, COLUMNS, b"[" + FEEDBACK + b"]", FEEDBACK + b"\n\n" + FEEDBACK],
    "foreign": lambda: [OBJECT, OBJECT + b"\xff" + OBJECT],
    "block": _block,
    "pane": _pane,
    "record": _records,
}


def run(name: str, data: bytes) -> None:
    """One target with some bytes; raises for what is not allowed."""
    try:
        with np.errstate(all="ignore"):
            TARGETS[name](data)
    except ALLOWED[name]:
        pass

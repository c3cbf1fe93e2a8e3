"""Topics of other shapes: what their objects become, and that they are what files of the same rows are."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Broker, Columns, Config, Model
from monitor.events import Decision, Feedback
from streams import topics
from streams.bundles import Bundle
from streams.files import reader
from streams.ingest.foreign import Foreign, Translated
from streams.process import make_app

NOW = 1_790_000_000.0
COLUMNS = Columns(
    id="case",
    time="at",
    decision="result.verdict",
    outcome="result.repaid",
    attributes={"sex": "customer.sex"},
    flags={"explained": "letter"},
)
CONFIG = Config(
    models={
        "credit": Model(positive=["yes"], columns=COLUMNS, topic="loans"),
        "chat": Model(positive=[True], columns=Columns(id="#"), topic="talks"),
        "plain": Model(positive=[True]),
    }
)
ROW = {
    "case": "a",
    "at": NOW,
    "result": {"verdict": "yes"},
    "customer": {"sex": "F", "name": "Eve"},
    "letter": 1,
}


class Producer:
    """Takes records."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, bytes | None]] = []

    async def send(self, topic: str, key: bytes | None, value: bytes | None, *_: object) -> Any:
        self.sent.append((topic, key, value))

        async def done() -> SimpleNamespace:
            return SimpleNamespace(offset=0)

        return done()


def foreign(config: Config = CONFIG, counts: Counter[str] | None = None) -> Foreign:
    app = make_app("g", "kafka://127.0.0.1:1")
    return Foreign(app, config, topics.names(config.broker), Counter() if counts is None else counts)


def bundle(*values: bytes | None, topic: str = "loans") -> Bundle:
    return Bundle(
        topic,
        3,
        [
            ConsumerRecord(topic, 3, offset, 1_000, 0, None, value, None, -1, len(value or b""), ())
            for offset, value in enumerate(values, start=40)
        ],
    )


def translated(*rows: object, topic: str = "loans") -> Translated:
    return foreign().translate(bundle(*map(msgspec.json.encode, rows), topic=topic), NOW)


def reports(found: Translated, of: Bundle) -> list[tuple[int, str, int]]:
    decoded = [msgspec.json.decode(report) for report in foreign().reports(found, of)]
    assert all(d["topic"] == "loans" and d["partition"] == 3 for d in decoded)
    return [(d["offset"], d["reason"], d["count"]) for d in decoded]


def test_an_object_becomes_a_decision_of_its_model() -> None:
    found = translated(ROW)
    ((key, value),) = found.decisions
    event = msgspec.json.decode(value, type=Decision)
    assert (key, event.id, event.model, event.decision) == (b"a", "a", "credit", "yes")
    assert (event.attributes, event.flags) == ({"sex": "F"}, {"explained": True})
    assert b"Eve" not in value
    assert (found.feedback, found.invalid) == ([], [])


def test_it_may_hold_the_outcome_too() -> None:
    found = translated(ROW | {"result": {"verdict": "yes", "repaid": True}})
    assert len(found.decisions) == 1
    ((key, value),) = found.feedback
    event = msgspec.json.decode(value, type=Feedback)
    assert (key, event.decision_id, event.outcome) == (b"a", "a", True)


def test_an_object_without_an_id_is_known_by_its_place() -> None:
    found = translated({"time": NOW, "decision": True}, {"time": NOW, "decision": False}, topic="talks")
    assert [key for key, _ in found.decisions] == [b"talks/3/40", b"talks/3/41"]


def test_a_field_named_like_the_place_does_not_stand_in_for_it() -> None:
    """Else two records with the same one would be one decision."""
    found = translated(*[{"#": 1, "time": NOW, "decision": True}] * 2, topic="talks")
    assert [key for key, _ in found.decisions] == [b"talks/3/40", b"talks/3/41"]


def test_what_is_wrong_is_reported_and_counted_and_the_rest_goes_on() -> None:
    counts: Counter[str] = Counter()
    late = ROW | {"result": {"verdict": "yes", "repaid": 1}, "at": "soon"}
    values = [b"[]", b"{", msgspec.json.encode({"case": "b"}), None, msgspec.json.encode(late), b"\xff"]
    rows = bundle(*values, msgspec.json.encode(ROW))
    found = foreign(counts=counts).translate(rows, NOW)
    wrong = [(40, "malformed", 1), (41, "malformed", 1), (42, "missing_field", 1)]
    assert reports(found, rows) == [*wrong, (44, "wrong_type", 2), (45, "malformed", 1)]
    assert [key for key, _ in found.decisions] == [b"a"]
    assert counts == {"invalid.malformed": 3, "invalid.missing_field": 1, "invalid.wrong_type": 2}


@pytest.mark.parametrize("payload", [False, True])
def test_reports_hold_the_text_only_where_that_is_wanted(payload: bool) -> None:
    config = msgspec.structs.replace(CONFIG, broker=Broker(invalid_payload=payload))
    reader, rows = foreign(config), bundle(b"Eve")
    (report,) = reader.reports(reader.translate(rows, NOW), rows)
    assert (b"Eve" in report) == payload


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["case", "at", "result", "customer", "letter", "result.verdict", "customer.sex"])


@given(st.dictionaries(names, json, max_size=7) | json)
def test_any_json_is_an_event_or_reported(row: object) -> None:
    found = translated(row)
    assert len(found.decisions) + len(found.invalid) >= 1
    assert len(found.decisions) <= 1


def test_the_same_rows_in_a_file_are_the_same_events(tmp_path: Path) -> None:
    rows = [ROW | {"case": n, "result": {"verdict": "no", "repaid": n % 3 or None}} for n in range(9)]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    (chunk,) = reader.read(path, "credit", COLUMNS, 1 << 53)
    found = translated(*rows)
    assert [msgspec.json.decode(v, type=Decision) for _, v in found.decisions] == chunk.decisions.events
    assert [msgspec.json.decode(v, type=Feedback) for _, v in found.feedback] == chunk.feedback.events


async def test_all_is_sent_before_a_bundle_is_done() -> None:
    agent = foreign()
    agent._app.producer = producer = Producer()
    row = ROW | {"result": {"verdict": "yes", "repaid": True}}
    await agent._pass_on(bundle(msgspec.json.encode(row), b"{"))
    assert [(topic, key) for topic, key, _ in producer.sent] == [
        ("decisions", b"a"),
        ("feedback", b"a"),
        ("invalid", None),
    ]


def test_without_such_topics_there_is_no_agent() -> None:
    assert len(foreign()._app.agents) == 1
    assert not foreign(Config(models={"plain": Model(positive=[True])}))._app.agents

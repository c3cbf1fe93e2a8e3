"""What events hold that they should not, through the whole line: told once, kept, over after a day."""

import msgspec
from msgspec.structs import replace

from monitor.arrays.personal import PERSONAL
from monitor.config import Config
from streams.turns import Turns
from tests.streams.line import CONFIG, DAY, LOANS, Line, decision, outcome

SECRET = "jane.doe@example.com"
PLAIN = replace(CONFIG, models={"loans": replace(LOANS, rules=[])})


async def started(config: Config = PLAIN) -> Line:
    line = Line(config)
    await line.start()
    return line


async def settled(line: Line) -> None:
    """All arrives and is judged: nobody waits for a turn."""
    line.worker.evaluate._turns = Turns()
    await line.settle()


async def test_personal_values_are_told_once_and_nowhere_shown() -> None:
    line = await started()
    events = [decision(n, attributes={"sex": SECRET}) for n in range(40)]
    await line.produce(*events)
    await settled(line)
    await settled(line)
    assert line.states() == [("personal values", "firing")]
    assert [message.model for message in line.told.got] == ["loans"]
    assert {group: n for group, n in line.groups().items() if n} == {PERSONAL: 40}
    written = [(topic, value) for topic, value in line.log.order if topic != line.topics.decisions]
    assert written
    assert not any(SECRET.encode() in value for _, value in written)
    assert SECRET not in msgspec.json.encode(line.worker.health()).decode()
    assert line.worker.health().personal == {"loans": 40}


async def test_it_survives_a_restart_and_ends_a_day_after_the_last() -> None:
    line = await started()
    await line.produce(decision(0, features={"income": 1}))
    await settled(line)
    assert line.states() == [("undeclared fields", "firing")]
    line.commit()
    await line.start()
    await settled(line)
    assert line.states() == [("undeclared fields", "firing")]
    await line.produce(decision(1, time=DAY * 2.5), decision(2, time=DAY * 2.5))
    await settled(line)
    assert line.states() == [("undeclared fields", "resolved")]
    assert [str(message.state) for message in line.told.got] == ["firing", "resolved"]
    await line.produce(decision(3, time=DAY * 3, features={"income": 1}))
    await settled(line)
    assert [message.episode for message in line.told.got] == [1, 1, 2]


async def test_a_crash_before_it_is_told_tells_it_anew() -> None:
    line = await started()
    await line.produce(decision(0, entity=SECRET))
    await line.collect()
    await line.start()
    await settled(line)
    assert line.states() == [("personal values", "firing")]


async def test_every_place_is_looked_at() -> None:
    line = await started(
        replace(PLAIN, models={"loans": replace(PLAIN.models["loans"], slices=["region"], features=["job"])})
    )
    hiding: dict[str, object] = {
        "attributes": {"sex": SECRET, "shoe": "44"},
        "slices": {"region": SECRET},
        "features": {"job": SECRET},
        "reasons": [f"asked {SECRET}"],
        "flags": {SECRET: True},
        "decision": SECRET,
        "version": SECRET,
        "stage": SECRET,
        "entity": SECRET,
        "id": SECRET,
        "colour": "red",
    }
    for number, (field, value) in enumerate(hiding.items()):
        await line.produce(decision(number, **{field: value}))
        await settled(line)
    said = {"outcome": SECRET, "decision": SECRET, "attributes": {"sex": SECRET, "shoe": "44"}, "shape": 1}
    for field, value in (said | {"flags": {SECRET: True}, "values": {SECRET: 1}}).items():
        await line.produce(outcome(0, **{field: value}), feedback=True)
        await settled(line)
    found = {(e.event, e.kind, e.field) for e in (a.evidence for a in line.worker.evaluate.alerts())}
    own = ["attributes.sex", "slices.region", "features.job", "reasons", "flags", "decision", "version"]
    assert found == {
        *(("decision", "email", field) for field in [*own, "stage", "entity", "id"]),
        *(("feedback", "email", f) for f in ("outcome", "decision", "attributes.sex", "flags", "values")),
        *(("decision", "undeclared", field) for field in ("attributes.shoe", "colour")),
        *(("feedback", "undeclared", field) for field in ("attributes.shoe", "shape")),
    }
    inputs = {line.topics.decisions, line.topics.feedback}
    assert not any(SECRET.encode() in value for topic, value in line.log.order if topic not in inputs)


async def test_unchecked_fields_are_nobodys_business() -> None:
    model = replace(PLAIN.models["loans"], unchecked=["features", "id", "attributes.sex", "colour"])
    line = await started(replace(PLAIN, models={"loans": model}))
    odd = {"features": {"income": 1}, "id": SECRET, "attributes": {"sex": SECRET}, "colour": 1}
    await line.produce(*(decision(n, **odd) for n in range(20)))
    await settled(line)
    assert line.states() == []
    assert {group: n for group, n in line.groups().items() if n} == {SECRET: 1}


async def test_who_sends_what_of_two_models() -> None:
    line = await started(replace(PLAIN, models=PLAIN.models | {"rents": PLAIN.models["loans"]}))
    await line.produce(decision(0), decision(1, model="rents"))
    await settled(line)
    for number in (0, 1):
        await line.produce(outcome(number, attributes={"shoe": "44"}), feedback=True)
    await line.produce(outcome(1, outcome=SECRET), feedback=True)
    await settled(line)
    found = sorted((a.model, a.evidence.field) for a in line.worker.evaluate.alerts())
    assert found == [("loans", "attributes.shoe"), ("rents", "attributes.shoe"), ("rents", "outcome")]

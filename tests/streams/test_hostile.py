"""A producer that invents everything: what a worker keeps is bounded, and other numbers stay right."""

import gc
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from monitor.arrays.codes import LIMIT, OTHER_CODE, Codes
from monitor.arrays.hashing import Texts, partitions
from monitor.config import Config, Model, Rule
from monitor.events.exposed import FIELDS, NAMES
from monitor.facts.returned import KINDS
from monitor.facts.spelling import CLASSES, FLAGS, REASONS
from monitor.panes import ALL, DECISION, GROUPS, Panes, measures, packed
from monitor.panes.caps import NAMES as CAPS
from monitor.panes.panes import PAIRS
from streams.partition import Partition
from streams.refusals import EACH
from tests.streams.holding import bundle, take

COUNT, DAY, KEY = 2, 86_400, bytes(16)
MODEL = Model(
    positive=["yes"],
    attributes=["sex", "age", ["sex", "age"]],
    slices=["region", "version"],
    features=["income", "job"],
    rules=[Rule(metric="selection_rate", attribute="sex", min=-0.1, max=0.1)],
)
CONFIG = Config(models={"loans": MODEL, "rents": MODEL})
LONG = "x" * 200


def hostile(start: int, count: int) -> Iterator[bytes]:
    """Decisions in which every name is new, and as long as may be."""
    for n in range(start, start + count):
        name = f"{LONG}{n}"
        event: dict[str, Any] = {
            "id": name,
            "model": "loans" if n % 2 else name,
            "time": DAY,
            "decision": name,
            "score": n,
            "attributes": {"sex": name, "age": {f"{name}{i}": 0.1 for i in range(9)}, name: name},
            "slices": {"region": name, name: name},
            "features": {"job": name, name: name},
            "flags": {f"{name}{i}": True for i in range(9)},
            "reasons": [f"{name}{i}" for i in range(99)],
            "entity": name,
            "version": name,
            "stage": name,
            name: name,
        }
        yield msgspec.json.encode(event)


def lies(start: int, count: int) -> Iterator[bytes]:
    """Feedback about decisions that nobody made, in which every name is new."""
    for n in range(start, start + count):
        name = f"{LONG}{n}"
        event = {"decision_id": name, "time": DAY, "outcome": name, "decision": name, name: name}
        maps = {"values": {name: n}, "flags": {name: True}, "attributes": {"sex": name, name: name}}
        yield msgspec.json.encode(event | maps)


def honest(number: int) -> bytes:
    sex = "FM"[number % 2]
    event = {"id": f"d{number}", "model": "rents", "time": DAY, "decision": "yes", "attributes": {"sex": sex}}
    return msgspec.json.encode(event)


def flooded(number: int = 0, rounds: int = 4) -> Partition:
    state = Partition(number, CONFIG, COUNT, KEY, Counter())
    for part in range(rounds):
        take(state, bundle([*hostile(120 * part, 120)]))
        take(state, bundle([*lies(120 * part, 120)], "feedback"))
    return state


@pytest.fixture(scope="module")
def flood() -> Partition:
    return flooded()


def test_names_are_bounded(flood: Partition) -> None:
    """Of every kind of name the first ones, whatever comes."""
    lists, declared = 1_000, 2
    of_model = CLASSES + FLAGS + REASONS + lists + GROUPS * (2 * declared + 1 + 1) + PAIRS * 3 * declared
    of_feedback = KINDS + 2 * CLASSES + GROUPS
    columns = 100
    assert len(flood.facts.codes.texts) <= len(CONFIG.models) * of_model + of_feedback + columns < LIMIT / 4
    assert sum(len(text or "") for text in flood.facts.codes.texts) < 4_000_000
    flags = [name for name in flood.facts.models["loans"]._table.types if name.startswith("flags.")]
    assert len(flags) <= FLAGS + KINDS
    assert len(flood.facts._returned._kinds) <= KINDS


def test_counters_are_bounded(flood: Partition) -> None:
    unknown = [name for name in flood.counts if name.startswith("unknown.")]
    assert len(unknown) <= FIELDS + 1
    assert len(flood.counts) < FIELDS + 30


def test_what_is_told_of_fields_is_bounded(flood: Partition) -> None:
    kinds = Counter((e.event, e.kind) for e in flood.facts.models["loans"].lookout.exposed._found.values())
    assert max(kinds.values()) <= NAMES + 1
    again = [found for name, found in flood._exposures()]
    assert sum(map(len, again)) < 50_000


def test_a_longer_flood_costs_no_more_names(flood: Partition) -> None:
    longer = flooded(rounds=8)
    assert len(longer.facts.codes.texts) == len(flood.facts.codes.texts)


def test_what_is_refused_leaves_nothing_behind() -> None:
    """Models that nobody configured, texts that are none, fields beyond all limits."""
    state = Partition(0, CONFIG, COUNT, KEY, Counter())

    def refuse(start: int) -> None:
        bad = [*(honest(n).replace(b"rents", b"model %d" % n) for n in range(start, start + 500))]
        bad += [b"\xff%d" % n for n in range(start, start + 500)]
        bad += [msgspec.json.encode({"id": "x" * 300 + str(n), "time": n}) for n in range(start, start + 500)]
        take(state, bundle(bad))
        take(state, bundle(bad, "feedback"))

    refuse(0)
    gc.collect()
    tracemalloc.start()
    refuse(10_000)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    for part in range(2, 6):
        refuse(10_000 * part)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 50_000
    assert sum(n for name, n in state.counts.items() if name.startswith("invalid.")) > 10_000


def test_what_it_makes_others_send_is_bounded() -> None:
    """Not a report an event, nor a detour an event."""
    taken = take(Partition(0, CONFIG, COUNT, KEY, Counter()), bundle([*hostile(0, 1_000)]))
    assert len(taken.invalid) <= EACH + 10
    assert len(taken.found) <= 2
    away = sum(len(value) for _, _, value in taken.misrouted)
    assert len(taken.misrouted) <= 10 + away / 100_000 * 2


def test_names_of_all_partitions_together_are_bounded() -> None:
    panes = Panes(Codes(), 3_600_000)
    for number in range(COUNT):
        for pane in flooded(number, rounds=2).facts.panes["loans"].take("loans", number, ""):
            panes.put(packed.load(packed.dump([pane])[0]))
    window = panes.window(DECISION, None, None)
    groups = Counter(attribute for attribute, _ in window.groups)
    assert groups["sex"] <= GROUPS + 1
    assert max(groups.values()) <= PAIRS + 1
    kinds = {family: most + 2 for (family, _), most in CAPS.items()}
    families = Counter((int(key) >> 56, (int(key) >> 40) & 0xFFFF) for key in window.measures)
    assert len({name for family, name in families if family == 7}) <= kinds[7]


def test_others_models_are_counted_as_if_it_were_not_there(flood: Partition) -> None:
    ours = [n for n in range(400) if partitions(Texts([f"d{n}"]), COUNT)[0] == 0]
    calm = Partition(0, CONFIG, COUNT, KEY, Counter())
    for state in (flood, calm):
        take(state, bundle([honest(number) for number in ours]))
    counted = []
    for state in (flood, calm):
        window = state.facts.panes["rents"].window(DECISION, None, None)
        sizes = Counter[tuple[str, str]]()
        for (group, _), count in zip(window.pairs.tolist(), window.counts.tolist(), strict=True):
            sizes[window.groups[group]] += count
        counted.append(sizes)
    assert counted[0] == counted[1]
    assert counted[0][ALL] > 0


def test_a_flooded_model_leaves_others_their_names() -> None:
    """All models of a partition number their texts together."""
    state = Partition(0, CONFIG, COUNT, KEY, Counter())
    loans = state.facts.models["loans"]._vocabularies
    loans.encode("reasons", [f"r{number}" for number in range(LIMIT)], LIMIT)
    ours = [n for n in range(100) if partitions(Texts([f"d{n}"]), COUNT)[0] == 0]
    take(state, bundle([honest(number) for number in ours]))
    said = {"time": DAY, "values": {"csat": 1, "nps": 2}}
    take(state, bundle([msgspec.json.encode(said | {"decision_id": f"d{n}"}) for n in ours], "feedback"))
    window = state.facts.panes["rents"].window(DECISION, None, None)
    assert {("sex", "F"), ("sex", "M"), ("age", "unknown")} <= {*window.groups}
    numbers = {name for name in measures.names(window.measures) if name != OTHER_CODE}
    assert {state.facts.codes.texts[name] for name in numbers} == {"values.csat", "values.nps"}
    assert state.counts["capped"] > 0

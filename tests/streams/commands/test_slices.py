"""`fairlead slices`, and the notebook that replicates verdicts from what it writes."""

import csv
import importlib.util
import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from kafka import KafkaProducer
from msgspec.structs import replace

from monitor.config import Broker, Columns, Config, ConfigError, Model, Rule
from monitor.trials import Trials, ledger
from monitor.trials.edits import edits
from monitor.trials.ledger import Page
from monitor.trials.record import decode
from monitor.trials.running import Running
from streams import cli, parts, topics
from streams.commands import measure, options, slices
from streams.embedded import EmbeddedBroker
from streams.files import reader
from tests.monitor.trials.streams import GAP, MODEL, advanced, at, decisions, learnt, scored

NOTEBOOK = Path(__file__).parents[3] / "examples" / "replicate_verdict.py"
COMPAS = options.BUNDLED.with_suffix(".csv")


@pytest.fixture(scope="module")
def notebook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replicate_verdict", NOTEBOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_notebook_uses_nothing_of_ours() -> None:
    imported = [line for line in NOTEBOOK.read_text().splitlines() if line.startswith(("import", "from"))]
    names = {line.split()[1].partition(".")[0] for line in imported}
    assert names == {"__future__", "collections", "csv", "numpy", "typing"}


def written(folder: Path, trials: Trials, model: Model) -> str:
    """The table of a model's ledger."""
    path = folder / "slices.csv"
    with path.open("w") as out:
        slices.write(out, slices.by_model(trials.unsaved().items()), Config(models={"m": model}))
    return str(path)


LIMITS = {
    "difference": GAP,
    "excess": Rule(metric="selection_rate", max=0.05, name="gap", reference="F"),
    "ratio": Rule(metric="selection_rate", compare="ratio", min=0.8, name="gap"),
}


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize(("each", "gap"), [(30, 0.2), (70, 0.06), ({"F": 9, "M": 160}, 0.15)])
def test_a_verdict_is_replicated(
    notebook: ModuleType, tmp_path: Path, kind: str, each: int | dict[str, int], gap: float
) -> None:
    model = replace(MODEL, rules=[LIMITS[kind]], events_per_day=200.0)
    rates = {"F": 0.5 - gap, "M": 0.5}
    made = decisions(range(80), lambda day: rates if day < 20 or day > 40 else {"F": 0.5, "M": 0.5}, each)
    trials = advanced(model, learnt(model, made).panes["m"], 80)
    (running,) = trials.running["gap", "sex"]
    group, reference = running.pairs[0]
    whom = {"model": "m", "attribute": "sex", "metric": "selection_rate"}
    pair = notebook.read(written(tmp_path, trials, model), **whom, group=group, reference=reference)
    compare(notebook, running, pair)


@pytest.mark.parametrize(
    ("rule", "each"), [({"min": -0.05, "max": 0.05}, 30), ({"min": -0.02}, 70), ({"max": 0.05}, 9)]
)
def test_a_verdict_about_a_mean_is_replicated(
    notebook: ModuleType, tmp_path: Path, rule: dict[str, float], each: int
) -> None:
    bounds = (-0.5, 1.5)
    model = replace(
        MODEL,
        rules=[Rule(metric="mean_score", name="gap", **rule)],
        bounds={"score": [*bounds]},
        events_per_day=200.0,
    )
    means = {"F": 0.35, "M": 0.5} if "min" in rule else {"F": 0.65, "M": 0.5}
    made = scored(range(80), lambda day: means if day < 20 or day > 40 else {"F": 0.5, "M": 0.5}, each)
    made[7] = replace(made[7], score=9.0)
    trials = advanced(model, learnt(model, made).panes["m"], 80)
    (running,) = trials.running["gap", "sex"]
    whom = {"model": "m", "attribute": "sex", "metric": "score.mean", "fields": ("n", "k", "squares")}
    group, reference = reversed(running.pairs[0]) if running.family.side.flipped else running.pairs[0]
    pair = notebook.read(written(tmp_path, trials, model), **whom, group=group, reference=reference)
    found = (notebook.of_means(bounds, stakes) for stakes in (notebook.STAKES, notebook.SHIFTS))
    compare(notebook, running, pair, *found)
    assert np.isfinite(running.marks.state["proved"][0])


def compare(notebook: ModuleType, running: Running, pair: list, *gains: object) -> None:
    null, marks = running.family.side.null, running.marks.state
    path = notebook.evidence(pair, null.kind, null.limit, *gains[:1])
    peak = max(0.0, *(log_e for _, _, log_e in path))
    assert path[-1][2] == pytest.approx(float(np.log(running.found.e[0])), abs=1e-6)
    assert peak == pytest.approx(float(running.cells.state["log_peak"][0]), abs=1e-6)
    proof = next((step for step in path if step[2] >= -np.log(running.alpha[0])), None)
    if proof is None:
        assert np.isnan(marks["proved"][0])
    else:
        assert (proof[0] + 1, proof[1]) == (marks["proved"][0], marks["events"][0])
    found = notebook.changes(pair, null.kind, null.limit, running.terms.threshold, *gains[1:])
    if found:
        assert found[-1][0] + 1 == marks["changed"][0]
        assert found[-1][1] == pytest.approx(marks["onset"][0], abs=0.01)
    else:
        assert np.isnan(marks["changed"][0])


@pytest.mark.parametrize("kind", LIMITS)
def test_a_month_s_exact_test_is_replicated(notebook: ModuleType, tmp_path: Path, kind: str) -> None:
    """The product's p-value is bounded from above, within 1 %; the notebook's is searched for on a grid."""
    model, rates = replace(MODEL, rules=[LIMITS[kind]]), {"F": 0.35, "M": 0.6}
    made = decisions(range(0, 62, 3), rates, each={"F": 8, "M": 14})
    trials = advanced(model, learnt(model, made).panes["m"], 62)
    (running,) = trials.running["gap", "sex"]
    group, reference = running.pairs[0]
    whom = {"model": "m", "attribute": "sex", "metric": "selection_rate"}
    pair = notebook.read(written(tmp_path, trials, model), **whom, group=group, reference=reference)
    null, marks = running.family.side.null, running.marks.state
    found = notebook.months(pair, null.kind, null.limit, running.width)
    assert [month for month, _, _ in found] == ["2026-01", "2026-02", "2026-03"]
    _, events, p = found[1]  # the newest that is over
    assert events == sum((d.time - at(0)) // 86400 in range(31, 59) for d in made)
    assert 0.999 * p <= marks["p"][0] <= 1.011 * p < 0.2
    assert (p <= running.terms.monthly) == (marks["monthly"][0] == 20_513)


def test_months_that_keep_the_limit_or_are_large_are_not_tested(notebook: ModuleType) -> None:
    month = [(20_454, np.array([40, 20, 40, 21])), (20_485, np.array([600, 100, 600, 500]))]
    assert notebook.months(month, "difference", 0.05, 86_400_000) == [("2026-01", 80, 1.0)]


def test_compas_is_replicated_from_a_file(notebook: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "slices.csv"
    assert cli.main(["slices", str(COMPAS), "-c", str(options.BUNDLED), "-o", str(path)]) == 0
    whom = {"model": notebook.MODEL, "attribute": notebook.ATTRIBUTE, "metric": notebook.METRIC}
    pair = notebook.read(str(path), **whom, group=notebook.GROUP, reference=notebook.REFERENCE)
    steps = notebook.evidence(pair, notebook.KIND, notebook.LIMIT)
    proof = next(step for step in steps if step[2] >= -np.log(notebook.ALPHA))
    assert str(np.datetime64(proof[0], "D")) == "2015-03-27"
    assert proof[1] == 847


def test_a_table_has_every_row_that_was_fed(tmp_path: Path) -> None:
    trials = advanced(MODEL, learnt(MODEL, decisions(range(20), {"F": 0.5, "M": 0.5})).panes["m"], 20)
    with open(written(tmp_path, trials, MODEL), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["n"]) for row in rows) == 20 * 60
    first = {
        "model": "m",
        "source": "decisions",
        "start": "2026-01-01T00:00:00.000Z",
        "group": "F",
        "n": "30",
    }
    assert rows[0].items() >= first.items()


def test_a_file_s_persons_count_once_a_slice(tmp_path: Path) -> None:
    model = replace(MODEL, columns=Columns(entity="who", attributes={"sex": "sex"}))
    path = tmp_path / "decisions.csv"
    made = decisions(range(20), {"F": 0.5, "M": 0.5})
    rows = [f"{d.id}/{i},{d.time},{d.decision},{d.attributes['sex']},{d.id}" for d in made for i in range(2)]
    path.write_text("\n".join(["id,time,decision,sex,who", *rows]))
    chunks = reader.read(path, "m", model.columns, measure.FOREVER)
    pages = slices.of_file(options.Source(path, Config(models={"m": model}), "m"), chunks)["m"]
    whole = [d for d in made if d.time < at(19)]  # the last day is not over
    assert sum(row[3] for page in pages for row in page.rows) == len(whole)


def test_models_that_are_not_configured_are_left_out() -> None:
    out = io.StringIO()
    assert slices.write(out, {"gone": []}, Config(models={"m": MODEL})) == 0
    assert out.getvalue() == ",".join(slices.HEADER) + "\n"


def test_the_ledger_is_read_from_kafka() -> None:
    """The newest of each key counts; large records come in parts; what is no ledger is passed over."""
    key, other = b"ledger/decisions/1/m", b"ledger/outcomes/2/m"
    rows = [("sex", "selection_rate", f"a group of some name {i}", 10, 5) for i in range(20_000)]
    pages, few = [Page("decisions", 17, rows)], [Page("outcomes", 33, rows[:1])]
    head, more = parts.split(key, ledger.encode(pages))
    assert len(more) > 1
    records = [(key, b"\x90"), *more.items(), (key, head), (b"trials/m", b"x"), (other, ledger.encode(few))]
    gone = b"ledger/decisions/9/m"
    with EmbeddedBroker() as embedded:
        broker = Broker(url=embedded.url, group="g")
        embedded.create(topic := topics.names(broker).pane_table)
        producer = KafkaProducer(
            bootstrap_servers=embedded.address, api_version=(2, 1), compression_type="gzip"
        )
        for name, value in [(gone, ledger.encode(few)), (gone, None), *records]:
            producer.send(topic, key=name, value=value, partition=2)
        producer.flush()
        producer.close()
        found = slices.of_deployment(Config(models={"m": MODEL}, broker=broker))
    assert found == {"m": [*pages, *few]}


def test_which_tests_an_edited_configuration_begins_anew_is_said_by_the_durable_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Rule(metric="selection_rate", compare="ratio", min=0.8, name="kept")
    trials = advanced(
        replace(MODEL, rules=[GAP, kept]),
        learnt(MODEL, decisions(range(5), {"F": 0.5, "M": 0.5})).panes["m"],
        5,
    )
    with EmbeddedBroker() as embedded:
        broker = Broker(url=embedded.url, group="g")
        embedded.create(topic := topics.names(broker).pane_table)
        producer = KafkaProducer(bootstrap_servers=embedded.address, api_version=(2, 1))
        for name, value in trials.unsaved().items():
            producer.send(topic, key=name, value=value, partition=1)
        producer.flush()
        producer.close()
        path = tmp_path / "edited.toml"
        path.write_text(EDITED.format(url=embedded.url))
        assert cli.main(["check", "-c", str(path), "--deployed"]) == 0
        said = " ".join(capsys.readouterr().out.split())
    assert "m, gap, by sex: with this configuration its tests begin, or begin anew." in said
    assert "m, gap: what its tests have found so far ends with this configuration." in said
    assert "m, kept" not in said.partition("m, gap, by sex: with")[2]
    assert "new: its tests have not begun, so that nothing begins anew." in said


EDITED = """
[broker]
url = "{url}"
group = "g"
[models.m]
positive = ["yes"]
attributes = ["sex"]
windows = ["all"]
reference = {{ sex = "M" }}
[[models.m.rules]]
name = "gap"
metric = "selection_rate"
min = -0.1
max = 0.1
[[models.m.rules]]
name = "kept"
metric = "selection_rate"
compare = "ratio"
min = 0.8
[models.new]
positive = ["yes"]
attributes = ["sex"]
[[models.new.rules]]
metric = "selection_rate"
min = -0.1
"""


def test_the_same_configuration_begins_nothing_anew() -> None:
    panes = learnt(MODEL, decisions(range(5), {"F": 0.5, "M": 0.5})).panes["m"]
    state = decode(advanced(MODEL, panes, 5).to_bytes())
    said = edits(Config(models={"m": MODEL}), {"m": state})
    assert said == ["m: no test begins anew with this configuration."]


def test_a_broker_that_is_not_there_is_named() -> None:
    config = Config(models={"m": MODEL}, broker=Broker(url="kafka://127.0.0.1:1"))
    with pytest.raises(
        ConfigError, match=r"^broker\.url: 'kafka://127\.0\.0\.1:1' is not allowed; .*running Kafka"
    ):
        slices.of_deployment(config, patience=0.5)


def test_a_deployment_that_never_ran_is_named() -> None:
    with EmbeddedBroker() as embedded:
        config = Config(models={"m": MODEL}, broker=Broker(url=embedded.url, group="g"))
        with pytest.raises(ConfigError, match=r"^broker\.group: 'g' is not allowed; .*g-evaluate-changelog"):
            slices.of_deployment(config)

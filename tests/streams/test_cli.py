"""The command `fairlead`: what it prints, where, and with which status it ends."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from monitor import baseline
from streams import cli
from streams.commands import options, tasks
from streams.embedded import PARTITIONS, EmbeddedBroker

COMPAS = options.BUNDLED.with_suffix(".csv")
CONFIG = """
[models.loans]
positive = ["yes"]
attributes = ["sex"]
reference = { sex = "M" }
windows = ["all"]
[models.loans.columns]
score = "score"
outcome = "repaid"
[[models.loans.rules]]
metric = "selection_rate"
max = 0.3
min = -0.3
"""
ROWS = "id,time,decision,score,sex,repaid\n"


def loans(folder: Path, women: int, men: int, of: int = 200) -> Path:
    """A file in which so many women and men of each `of` were approved, and its configuration beside it."""
    rows = [
        f"{sex}{i},2026-01-0{1 + i % 9},{'yes' if i < approved else 'no'},0.5,{sex},{i % 2}\n"
        for sex, approved in (("F", women), ("M", men))
        for i in range(of)
    ]
    (folder / "loans.toml").write_text(CONFIG)
    (folder / "loans.csv").write_text(ROWS + "".join(rows))
    return folder / "loans.csv"


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def complaint(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line on standard error of a command that ends with status 2."""
    try:
        status = run(*arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err.rstrip("\n")


def test_measure_ends_with_0_when_all_is_within_limits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("measure", loans(tmp_path, 100, 110), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["attributes"]["sex"]["groups"]["F"]["rates"]["selection_rate"]["value"] == 0.5


def test_measure_ends_with_1_when_something_is_out_of_limits(tmp_path: Path) -> None:
    assert run("measure", loans(tmp_path, 20, 180), "--json") == 1


def test_measure_prints_a_table_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("measure", loans(tmp_path, 100, 110))
    out, err = capsys.readouterr()
    assert "loans: 400 decisions, 400 with an outcome" in out
    assert "undecided (about " in out
    assert err == ""


def test_measure_as_of_a_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("measure", loans(tmp_path, 100, 110, of=90), "--as-of", "2026-01-03", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["decisions"], found["as_of"]) == (60, "2026-01-03T23:59:59.999Z")


def test_measure_in_a_window_that_is_not_configured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("measure", loans(tmp_path, 100, 110, of=90), "--window", "2d", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["decisions"] == 40
    assert {c["window"] for c in found["attributes"]["sex"]["comparisons"]} == {"2d"}


def test_measure_counts_invalid_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = loans(tmp_path, 100, 110)
    path.write_text(path.read_text() + "x,2026-01-01,yes,NaN,F,1\n,2026-01-01,yes,1,F,\nshort,row\n")
    run("measure", path, "--json")
    assert json.loads(capsys.readouterr().out)["invalid"] == {
        "missing_field": 1,
        "not_finite": 1,
        "wrong_shape": 1,
    }


def test_measure_without_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = loans(tmp_path, 100, 110).rename(tmp_path / "other.csv")
    columns = ["--score", "score", "--outcome", "repaid", "--positive-outcome", "1"]
    groups = ["--attribute", "gender=sex", "--reference", "gender=M", "--feature", "score"]
    assert run("measure", path, "--positive", "yes", *columns, *groups, "--unfavourable", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["attributes"]["gender"]["reference"]) == ("other", "M")
    assert found["attributes"]["gender"]["groups"]["F"]["counts"]["tp"] == 50


def test_a_preset_judges_without_a_configuration(tmp_path: Path) -> None:
    path = loans(tmp_path, 20, 180)
    options_ = ["--positive", "yes", "--attribute", "sex", "--outcome", "repaid", "--preset", "credit"]
    assert run("measure", path, *options_, "--json") == 1


def test_the_bundled_model_needs_nothing_but_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "copy.csv"
    copy.write_text("".join(COMPAS.read_text().splitlines(keepends=True)[:500]))
    run("measure", copy, "--model", "compas", "--json")
    assert json.loads(capsys.readouterr().out)["decisions"] == 499


def test_baseline_writes_what_measure_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = loans(tmp_path, 100, 110)
    assert run("baseline", path, "-o", tmp_path / "base.json") == 0
    made = baseline.from_json((tmp_path / "base.json").read_bytes())
    assert (made.model, made.decisions) == ("loans", 400)
    assert set(made.streams) == {"score", "volume"}
    config = tmp_path / "loans.toml"
    config.write_text(
        config.read_text().replace('windows = ["all"]', 'windows = ["all"]\nbaseline = "base.json"')
    )
    run("measure", path, "--json")
    drift = json.loads(capsys.readouterr().out)["drift"]
    assert [(d["measure"], d["value"], d["baseline_n"]) for d in drift if d["measure"] == "psi"] == [
        ("psi", 0, 400)
    ]


def test_baseline_goes_to_standard_output_by_itself(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run("baseline", loans(tmp_path, 1, 1)) == 0
    assert baseline.from_json(capfdbinary.readouterr().out.strip()).decisions == 400


def test_a_baseline_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = loans(tmp_path, 1, 1)
    path.write_text(ROWS)
    assert complaint(capsys, "baseline", path) == (
        "fairlead: FILE: 0 is not allowed; allowed: one valid decision of loans or more"
    )


def test_check_prints_words_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "-c", options.BUNDLED) == 0
    assert "Model compas" in capsys.readouterr().out
    assert run("check", "-c", options.BUNDLED, "--json") == 0
    assert list(json.loads(capsys.readouterr().out)["models"]) == ["compas"]


def test_alerts_test_reaches_the_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loans(tmp_path, 1, 1)
    assert run("alerts", "test", "-c", tmp_path / "loans.toml", "console") == 0
    out, err = capsys.readouterr()
    assert "Fairlead can reach you here" in out
    assert err == "console: sent\n"


def test_alerts_test_says_what_could_not_be_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "fairlead.toml"
    config.write_text(CONFIG + '[notifiers.webhook.me]\nurl = "http://127.0.0.1:1/"\n')
    assert run("alerts", "test", "-c", config, "webhook:me") == 2
    assert capsys.readouterr().err.startswith("webhook:me: ")


def test_alerts_test_knows_its_destinations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loans(tmp_path, 1, 1)
    assert complaint(capsys, "alerts", "test", "-c", tmp_path / "loans.toml", "slack:risk") == (
        "fairlead: DESTINATION: 'slack:risk' is not allowed; allowed: one of console"
    )


def test_dashboards_export_writes_the_boards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dashboards", "export", tmp_path / "boards") == 0
    printed = capsys.readouterr().out.split()
    assert printed == [str(path) for path in sorted((tmp_path / "boards").glob("*.json"))]
    assert printed


def test_dashboards_push_needs_its_secret(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("dashboards", "push", "http://127.0.0.1:1", "--secret", "FAIRLEAD_TEST_UNSET")
    assert complaint(capsys, *arguments) == (
        "fairlead: --secret: 'FAIRLEAD_TEST_UNSET' is not allowed;"
        " allowed: the name of an environment variable that is set"
    )


def test_dashboards_push_says_when_grafana_is_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", "t")
    assert "cannot reach Grafana" in complaint(capsys, "dashboards", "push", "http://127.0.0.1:1")


BAD_USES: list[tuple[list[str], str]] = [
    (
        ["measure"],
        "fairlead measure: the following arguments are required: FILE; see fairlead measure --help",
    ),
    (
        ["measure", "{file}", "--as-of", "then"],
        "fairlead: --as-of: 'then' is not allowed; allowed: a day, or",
    ),
    (
        ["measure", "{file}", "--window", "3x"],
        "fairlead: --window: '3x' is not allowed; allowed: 'all', 'month', 'last_month', or a",
    ),
    (["measure", "{file}", "--model", "x"], "fairlead: --model: 'x' is not allowed; allowed: one of loans"),
    (["measure", "{folder}/none.csv", "-c", "{folder}/loans.toml"], "fairlead: FILE: '"),
    (
        ["measure", "{folder}/none.csv"],
        "fairlead: -c: None is not allowed; allowed: a configuration: -c, none.toml",
    ),
    (
        ["measure", "{file}", "--positive", "yes", "--preset", "x"],
        "fairlead: models.loans.preset: 'x' is not allowed",
    ),
    (
        ["measure", "{file}", "--positive", "yes", "--score", "x"],
        "fairlead: columns.score: 'x' is not allowed",
    ),
    (
        ["replay", "{file}", "--broker", "x"],
        "fairlead: --broker: 'x' is not allowed; allowed: kafka://host:port",
    ),
    (
        ["replay", "{file}", "--speed", "1", "--duration", "1s"],
        "fairlead replay: argument --duration: not allowed",
    ),
    (
        ["replay", "{file}", "--shuffle", "x", "--embedded"],
        "fairlead: --shuffle: 'x' is not allowed; allowed: a",
    ),
    (["check", "-c", "{folder}/none.toml"], "fairlead: -c: '"),
    (["frobnicate"], "fairlead: argument COMMAND: invalid choice: 'frobnicate'"),
    ([], "fairlead: the following arguments are required: COMMAND"),
]


@pytest.mark.parametrize(("arguments", "line"), BAD_USES, ids=[" ".join(use) for use, _ in BAD_USES])
def test_bad_use_ends_with_2_and_one_line(
    arguments: Sequence[str],
    line: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    file = loans(tmp_path, 1, 1)
    filled = [word.format(file=file, folder=tmp_path) for word in arguments]
    assert complaint(capsys, *filled).startswith(line)


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(tasks, "check", interrupted)
    assert run("check") == 130
    assert capsys.readouterr() == ("", "")


def test_a_fault_of_ours_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> int:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(tasks, "check", broken)
    assert run("check") == 70
    _, err = capsys.readouterr()
    assert err.startswith("fairlead: this is a fault of Fairlead, please report it: RuntimeError(")
    assert (err.count("\n"), "test_cli.py:" in err) == (1, True)


def test_a_reader_that_leaves_is_no_error() -> None:
    fairlead = Path(sys.executable).with_name("fairlead")
    command = f"{fairlead} check -c {options.BUNDLED} --json | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"{", b"")


def test_help_needs_no_heavy_library() -> None:
    program = (
        "import sys\nfrom streams import cli\ncli.parser().format_help()\n"
        "print(sorted({'numpy', 'river', 'faust', 'kafka', 'aiohttp', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def sent(address: str, topic: str, partitions: int, **client: object) -> int:
    """How many records a topic holds."""
    reader = KafkaConsumer(bootstrap_servers=address, **client)
    ends = reader.end_offsets([TopicPartition(topic, number) for number in range(partitions)])
    reader.close()
    return sum(ends.values())


def test_replay_into_an_embedded_broker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = loans(tmp_path, 100, 110)
    how = ["--duplicate", "--shuffle", "10d", "--speed", "1e12x"]
    with EmbeddedBroker() as broker:
        broker.create("decisions", "feedback")
        assert run("replay", file, "--broker", broker.url, "--embedded", *how) == 0
        assert capsys.readouterr() == ("", f"1,600 events sent to {broker.url}\n")
        for topic in ("decisions", "feedback"):
            assert sent(broker.address, topic, PARTITIONS, api_version=(2, 1)) == 800


@pytest.mark.kafka
def test_replay_creates_the_topics_of_a_new_kafka(tmp_path: Path, kafka: str, unique: str) -> None:
    topics = {name: f"{unique}-{name}" for name in ("group", "decisions", "feedback", "invalid")}
    lines = [f'{name} = "{topic}"' for name, topic in topics.items()]
    file = loans(tmp_path, 100, 110)
    config = tmp_path / "loans.toml"
    config.write_text(config.read_text() + "\n".join(["[broker]", "partitions = 3", *lines]))
    assert run("replay", file, "--broker", f"kafka://{kafka}") == 0
    assert sent(kafka, topics["decisions"], 3) == sent(kafka, topics["feedback"], 3) == 400

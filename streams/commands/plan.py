"""`fairlead plan`: what a configuration will be able to find, and when, before it goes live."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor import baseline
from monitor.baseline import Baseline, BaselineError
from monitor.config import Config, ConfigError, slice_ms
from monitor.trials.expected import Assumed, Expected, Past
from monitor.trials.plan import MONTHS, Planned, Size, plan, questions, unplanned
from streams import settings
from streams.commands.options import Source
from streams.commands.reference import build
from streams.files.reader import Chunk

PER_DAY, SHARE, RATE, RUNS = 1000.0, 0.1, 0.5, 200  # where nothing is known, or said
NOTES = (
    "Simulated, p50 to p90: half of all streams take no longer than p50, nine of ten no longer than p90."
    " Until proved: from the first decision on, if there is such a gap from then on. Until noticed: from a"
    " sudden change on, after a time without any gap. A dash is out of reach. Where a metric needs outcomes,"
    " add the time that they take, and mature_after."
)


class Assumption(msgspec.Struct, frozen=True):
    """What is to be expected where nothing is known; `per_day` None: the configuration's, else a thousand.
    `runs`: how many streams are simulated for each size of gap."""

    per_day: float | None = None
    share: float = SHARE
    rate: float = RATE
    runs: int = RUNS


def check(assumption: Assumption) -> None:
    """Raises ConfigError for what cannot be."""
    if assumption.per_day is not None and not 0 < assumption.per_day < float("inf"):
        raise ConfigError("--per-day", assumption.per_day, "a positive number")
    if assumption.runs < 1:
        raise ConfigError("--runs", assumption.runs, "1 or more")
    for name in ("share", "rate"):
        if not 0 < (value := getattr(assumption, name)) < 1:
            raise ConfigError(f"--{name}", value, "a number between 0 and 1")


def read(source: Source, chunks: Callable[[Source], Iterable[Chunk]]) -> Baseline:
    """What is known from a file: a baseline, or past decisions. Raises ConfigError."""
    if source.path.suffix != ".json":
        return build(source.name, source.model, chunks(source))
    try:
        return baseline.from_json(Path(source.path).read_bytes())
    except (OSError, BaselineError) as error:
        allowed = f"past decisions, or the file that `fairlead baseline` wrote ({error})"
        raise ConfigError("FILE", str(source.path), allowed) from None


def expected(config: Config, assumption: Assumption, known: dict[str, Baseline]) -> dict[str, Expected]:
    """Of each model what its baseline says; for the others assumptions."""
    found: dict[str, Expected] = {}
    for name, model in config.models.items():
        per_day = assumption.per_day or model.events_per_day
        past = known.get(name) or settings.read_baseline(name, model)
        if past is None:
            found[name] = Assumed(per_day or PER_DAY, assumption.share, assumption.rate)
        else:
            found[name] = Past.of(past, slice_ms(model), per_day)
    return found


def document(
    config: Config, people: dict[str, Expected], *, runs: int, seed: int, tick: Callable[[float], None]
) -> dict[str, Any]:
    """The object of `plan --json`."""
    per_day = {name: known.per_day for name, known in people.items()}
    found = plan(questions(config, people), per_day, runs, seed, tick)
    return {
        "false_alarms": config.alerts.false_alarms,
        "runs": runs,
        "seed": seed,
        "models": {
            name: {
                "per_day": known.per_day,
                "assumed": isinstance(known, Assumed),
                "tests": [msgspec.to_builtins(each) for each in found if each.model == name],
                "not_simulated": unplanned(config.models[name]),
            }
            for name, known in people.items()
        },
    }


def show(console: Console, found: dict[str, Any]) -> None:
    """Prints it for people."""
    for name, model in found["models"].items():
        tests = [msgspec.convert(each, Planned) for each in model["tests"]]
        console.print(_headline(name, model))
        if not tests and not model["not_simulated"]:
            console.print("Nothing is tested: no rule is about a rate, or no group is known.")
        for rule in model["not_simulated"]:
            console.print(Text(f"{rule}: tests of means are not simulated; fairlead check has an example."))
        alike: dict[bytes, list[Planned]] = {}
        for test in tests:
            alike.setdefault(_same(test), []).append(test)
        for group in alike.values():
            console.print(_table(group))
    console.print(Text(NOTES))


def _same(test: Planned) -> bytes:
    """What is shown once: a test without its attribute."""
    return msgspec.json.encode(replace(test, attribute=""))


def _headline(name: str, model: dict[str, Any]) -> Text:
    known = "assumed: a file of past decisions says more" if model["assumed"] else "as in the past"
    return Text(f"{name}: {model['per_day']:,.0f} decisions a day, shares and rates {known}", style="bold")


def _table(alike: list[Planned]) -> Table:
    test = alike[0]
    by = ", ".join(dict.fromkeys(each.attribute for each in alike))
    title = (
        f"{test.rule}, by {by}\n{test.group} against {test.reference}: {test.share:.1%} of both,"
        f" {test.reference_rate:.1%} there; called out at 1 in {test.once_in:,.0f}, changes at 1 in"
        f" {test.threshold:,.0f} blocks"
    )
    table = Table(title=Text(title), title_justify="left", caption=_detectable(test), box=box.SIMPLE_HEAD)
    table.caption_justify = "left"
    for heading in ("gap", "decisions until proved", "days until proved", "days until noticed"):
        table.add_column(heading, justify="right")
    for size in test.sizes:
        table.add_row(*_cells(test, size))
    return table


def _cells(test: Planned, size: Size) -> Iterator[str]:
    yield _value(test, size.value)
    yield _range(size.decisions_p50, size.decisions_p90)
    yield _range(size.days_p50, size.days_p90)
    yield _range(size.noticed_days_p50, size.noticed_days_p90)


def _detectable(test: Planned) -> str:
    """From which gap on a proof in time is likely."""
    found = [f"{name} {_value(test, test.detectable[name])}" for name in MONTHS]
    return f"Found in four of five streams within {', '.join(found)}."


def _value(test: Planned, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if test.kind == "ratio" else f"{100 * value:+.1f} pt"


def _range(middle: float | None, most: float | None) -> str:
    """p50 and p90."""
    return " to ".join("–" if value is None else _number(value) for value in (middle, most))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"

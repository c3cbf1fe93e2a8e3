"""From a table of counts to what people see: rates, comparisons, verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor import rates
from monitor.config import Model, Rule
from monitor.fairness import estimates, exposure, quotients, reference, scores
from monitor.fairness.answers import Answers
from monitor.fairness.estimates import Matrix
from monitor.fairness.intervals import ENOUGH, FEWEST, Estimates
from monitor.fairness.judging import judged
from monitor.fairness.questions import NO_RULES, NO_TABLES, Place, Question, asked, concerning
from monitor.fairness.strata import aligned
from monitor.panes.table import LAG, MEAN, NOTHING, SCORES, Table
from monitor.readings import Attribute, Group, Rate, all_known, known

LAGS = (f"{LAG}.p50", f"{LAG}.p90")


def read(
    table: Table,
    *,
    attribute: str,
    model: Model,
    window: str,
    rules: Sequence[Rule] | None = None,
    before: Table = NOTHING,
) -> Attribute:
    """All groups of one attribute in one window: their counts, rates and comparisons with verdicts.

    `rules` are the model's unless given; those about another attribute, another window or something that
    is no metric of this table (a drift measure, a composite) are left out. `before` holds the counts of the
    baseline period, which the reference "baseline" refers to.
    """
    place, asking = Place(attribute, window), {} if rules is None else {attribute: rules}
    return read_all({place: table}, model=model, rules=asking, before={attribute: before})[place]


def read_all(
    tables: Mapping[Place, Table],
    *,
    model: Model,
    rules: Mapping[str, Sequence[Rule]] = NO_RULES,
    before: Mapping[str, Table] = NO_TABLES,
) -> dict[Place, Attribute]:
    """The same for several attributes and windows: estimated at once, which costs far less.

    `rules` and `before` are by attribute.
    """
    asked_of = {
        place: _asked(table, model, place, rules.get(place.attribute, model.rules))
        for place, table in tables.items()
    }
    metrics = list(dict.fromkeys(metric for each in asked_of.values() for metric in each.shown))
    estimated = estimates.estimate_all(metrics, [each.table for each in asked_of.values()])
    matrices = {
        place: matrix.of(each.shown)
        for (place, each), matrix in zip(asked_of.items(), estimated, strict=True)
    }
    answers = {
        place: Answers(
            matrices[place],
            each.table,
            each.then(before.get(place.attribute, NOTHING)),
            model.population.get(place.attribute, {}),
        ).to(each.questions)
        for place, each in asked_of.items()
    }
    comparisons = judged(answers)
    return {
        place: Attribute(each.reference, _groups(matrices[place], each.table), comparisons[place])
        for place, each in asked_of.items()
    }


@dataclass(frozen=True)
class _Asked:
    """What is asked of one place: about a table with all groups that are referred to, and which metrics."""

    reference: str | None
    table: Table
    questions: list[Question]
    shown: list[str]

    def then(self, before: Table) -> Matrix | None:
        """The estimates of the baseline period that questions refer to."""
        past = dict.fromkeys(q.metric for q in self.questions if q.reference == reference.BASELINE)
        return estimates.estimate(list(past), aligned(self.table.groups, before)) if past else None


def _asked(table: Table, model: Model, place: Place, rules: Sequence[Rule]) -> _Asked:
    attribute = place.attribute
    about = concerning(rules, model, place)
    about = [rule for rule in about if estimates.is_metric(rates.resolve(rule.metric)[0])]
    questions = asked(about, model, attribute)
    fixed = reference.name(reference.word(model, attribute), table.groups, table.decisions)
    table = _with_groups(table, [fixed, *(question.reference for question in questions)])
    shown = list(dict.fromkeys([*_present(table), *(question.metric for question in questions)]))
    return _Asked(fixed, table, questions, shown)


def _with_groups(table: Table, words: Iterable[str | None]) -> Table:
    """The table with an empty group for every configured reference that has not come yet."""
    new = {word for word in words if word is not None and word not in reference.WORDS} - set(table.groups)
    return aligned([*table.groups, *sorted(new)], table) if new else table


def _present(table: Table) -> list[str]:
    """The metrics that the table has counts for; the rates of decisions and outcomes always."""
    atoms = table.counts
    plain = [name for name, rate in rates.RATES.items() if _came(name, rate, table)]
    flags = sorted({atom.partition("=")[0] for atom in atoms if atom.startswith("flags.")})
    reasons = sorted(atom for atom in atoms if atom.startswith("reasons."))
    means = sorted(f"{number}{MEAN}" for number in _numbers(table))
    scored = scores.METRICS if "score.pos" in table.histograms else ()
    shown = exposure.METRICS if any(atom.startswith(exposure.CLASS) for atom in atoms) else ()
    lagged = LAGS if LAG in table.histograms else ()
    return [*plain, *quotients.METRICS, *flags, *reasons, *means, *lagged, *scored, *shown]


def _came(name: str, rate: rates.Definition, table: Table) -> bool:
    return not name.startswith("final_") or any(atom in table.counts for atom in rate.denominator)


def _numbers(table: Table) -> set[str]:
    summed = {atom.removesuffix(".n") for atom in table.counts if atom.endswith(".n")}
    return summed | {"score" if name in SCORES else name for name in table.histograms}


def _groups(matrix: Matrix, table: Table) -> dict[str, Group]:
    n = np.rint(table.decisions).astype(np.int64).tolist()  # of probabilities, the sum
    coverage = matrix.groups.value[matrix.metrics.index("coverage")].tolist()
    rates_of = _rates(matrix.groups)
    counts = [dict(zip(table.counts, column, strict=True)) for column in _columns(table)]
    return {
        group: Group(n[i], known(coverage[i]), counts[i], dict(zip(matrix.metrics, rates_of[i], strict=True)))
        for i, group in enumerate(table.groups)
    }


def _columns(table: Table) -> list[list[int]]:
    """Each group's integer counts, in the order of the table's atoms."""
    rows = [_whole(counts) for counts in table.counts.values()]
    columns: list[list[int]] = np.array(rows, np.int64).reshape(len(rows), len(table.groups)).T.tolist()
    return columns


def _whole(counts: NDArray[Any]) -> NDArray[Any]:
    return counts if counts.dtype.kind == "i" else np.rint(counts)


def _rates(found: Estimates) -> list[list[Rate]]:
    """Each group's rates, in the order of the metrics."""
    low = np.where(found.n >= FEWEST, found.low, np.nan)
    high = np.where(found.n >= FEWEST, found.high, np.nan)
    rough = (found.n >= FEWEST) & (found.n < ENOUGH)
    parts = (*(all_known(each.T) for each in (found.value, low, high)), found.n.T.tolist(), rough.T.tolist())
    return [list(map(Rate, *group)) for group in zip(*parts, strict=True)]

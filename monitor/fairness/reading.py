"""From a table of counts to what people see: rates, comparisons, verdicts."""

from collections.abc import Iterable, Sequence

import numpy as np

from monitor import rates
from monitor.config import Model, Rule
from monitor.fairness import estimates, exposure, numbers, quotients, reference, scores
from monitor.fairness.answers import Answers, judged
from monitor.fairness.estimates import Matrix
from monitor.fairness.intervals import ENOUGH, FEWEST, Estimates
from monitor.fairness.questions import asked, concerning
from monitor.fairness.strata import aligned
from monitor.readings import Attribute, Group, Rate, all_known, known
from monitor.table import SCORES, Table


def read(
    table: Table, *, attribute: str, model: Model, window: str, rules: Sequence[Rule] | None = None
) -> Attribute:
    """All groups of one attribute in one window: their counts, rates and comparisons with verdicts.

    `rules` are the model's unless given; those about another attribute, another window or something that
    is no metric of this table (a drift measure, a composite) are left out.
    """
    about = concerning(model.rules if rules is None else rules, model, attribute, window)
    fixed = reference.name(reference.word(model, attribute), table.groups, table.decisions)
    questions = [
        question for question in asked(about, model, attribute) if estimates.is_metric(question.metric)
    ]
    table = _with_groups(table, [fixed, *(question.reference for question in questions)])
    shown = list(dict.fromkeys([*_present(table), *(question.metric for question in questions)]))
    matrix = estimates.estimate(shown, table)
    answers = Answers(matrix, table)
    found = [answers.to(question) for question in questions]
    return Attribute(fixed, _groups(matrix, table), judged(found, attribute, window))


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
    means = sorted(f"{number}{numbers.MEAN}" for number in _numbers(table))
    scored = scores.METRICS if "score.pos" in table.histograms else ()
    shown = exposure.METRICS if any(atom.startswith(exposure.CLASS) for atom in atoms) else ()
    return [*plain, *quotients.METRICS, *flags, *reasons, *means, *scored, *shown]


def _came(name: str, rate: rates.Definition, table: Table) -> bool:
    return not name.startswith("final_") or any(atom in table.counts for atom in rate.denominator)


def _numbers(table: Table) -> set[str]:
    summed = {atom.removesuffix(".n") for atom in table.counts if atom.endswith(".n")}
    return summed | {"score" if name in SCORES else name for name in table.histograms}


def _groups(matrix: Matrix, table: Table) -> dict[str, Group]:
    n = np.rint(table.decisions).astype(np.int64).tolist()  # of probabilities, the sum
    coverage = matrix.groups.value[matrix.metrics.index("coverage")].tolist()
    rates_of = list(zip(*_rates(matrix.groups), strict=True)) or [()] * len(n)
    counts = [dict(zip(table.counts, column, strict=True)) for column in _columns(table)]
    return {
        group: Group(n[i], known(coverage[i]), counts[i], dict(zip(matrix.metrics, rates_of[i], strict=True)))
        for i, group in enumerate(table.groups)
    }


def _columns(table: Table) -> Iterable[tuple[int, ...]]:
    """Each group's integer counts, in the order of the table's atoms."""
    rows = [np.rint(counts).astype(np.int64).tolist() for counts in table.counts.values()]
    return zip(*rows, strict=True) if rows else [()] * len(table.groups)


def _rates(found: Estimates) -> list[list[Rate]]:
    low = np.where(found.n >= FEWEST, found.low, np.nan)
    high = np.where(found.n >= FEWEST, found.high, np.nan)
    rough = (found.n >= FEWEST) & (found.n < ENOUGH)
    parts = (*map(all_known, (found.value, low, high)), found.n.tolist(), rough.tolist())
    return [list(map(Rate, *row)) for row in zip(*parts, strict=True)]

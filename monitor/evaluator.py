"""From a model's panes to its readings: every window, with verdicts, drift, and the detectors' state."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from monitor import baseline, drift, measures, proxies
from monitor.baseline import Baseline, Part
from monitor.config import Model, Rule, attribute_name, longest_window, rule_name
from monitor.drift import detectors
from monitor.drift.detectors import Detector, Slice
from monitor.durations import milliseconds
from monitor.events import scalar
from monitor.fairness import composites, read
from monitor.panes import ALL, DECISION, OUTCOME, Panes, Window
from monitor.rates import LABELLED
from monitor.readings import Attribute, Comparison, Drift, Reading, Verdict
from monitor.table import DECISION as CASES
from monitor.table import Table
from monitor.tally import Tally, together, without_outcomes
from monitor.trials import Judge, Trials
from monitor.windows import bounds

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Evaluator:
    """Reads one model's panes. Finished slices are given to the detectors and tests once, in order.

    `panes` may go on changing between the calls. `reference` is a drift baseline from a file; without one
    the model's first decisions are it. Without `trials` every verdict is that of a single look.
    """

    def __init__(
        self,
        name: str,
        model: Model,
        panes: Panes,
        reference: Baseline | None = None,
        trials: Trials | None = None,
    ) -> None:
        self.name, self.model, self.panes = name, model, panes
        self.baseline = reference
        self._trials, self._judge = trials, None if trials is None else Judge(trials)
        self._detectors: dict[str, list[Detector]] = {}
        self._fed = 0  # the first slice that the detectors have not seen
        longest = longest_window(model)
        self._rules = [replace(r, name=rule_name(r, model), window=r.window or longest) for r in model.rules]

    def read(self, clock: int | None, stale: bool = False) -> list[Reading]:
        """One reading a window, the configured order, as of `clock` (event time, ms).

        `stale`: nothing has come for so long that no verdict holds.
        """
        if clock is not None:
            self._advance(clock // self.panes.width)
            if self._trials is not None:
                self._trials.advance(clock)
        readings = [self._reading(window, clock) for window in self.model.windows]
        return [_stale(reading) for reading in readings] if stale else readings

    def _reading(self, window: str, clock: int | None) -> Reading:
        start, end = bounds(window, clock, self.panes.width)
        tally = self._tally(self._window(start, end, clock))
        tables = {name: tally.table(name) for name in [*self.attributes, *tally.proxies]}
        return Reading(
            model=self.name,
            window=window,
            as_of=clock,
            decisions=tally.everybody(CASES),
            feedback=tally.everybody(LABELLED),
            attributes={name: self._compared(name, table, window) for name, table in tables.items()},
            composites=[
                comparison
                for name, table in tables.items()
                for comparison in composites.read(
                    table,
                    attribute=name,
                    model=self.model,
                    window=window,
                    rules=self._about(name) if name.endswith(proxies.MARK) else None,
                    slices={column: tally.within(name, column) for column in self.model.slices},
                )
            ],
            drift=self._drift(tally, window, start),
        )

    def _window(self, start: int | None, end: int | None, clock: int | None) -> Window:
        """The decisions of the slices [start, end); outcomes of those that are not mature do not count."""
        wait = milliseconds(self.model.mature_after)
        if not wait or clock is None:
            return self.panes.window(DECISION, start, end)
        mature = max(start or 0, (clock - wait) // self.panes.width)
        mature = mature if end is None else min(mature, end)
        young = without_outcomes(self.panes.window(DECISION, mature, end))
        return together(self.panes.window(DECISION, start, mature), young)

    def _compared(self, name: str, table: Table, window: str) -> Attribute:
        if name.endswith(proxies.MARK):
            return read(table, attribute=name, model=self.model, window=window, rules=self._about(name))
        rules = self.model.rules if self._trials is None else self._trials.rules(name)
        found = read(table, attribute=name, model=self.model, window=window, rules=rules)
        return found if self._judge is None else self._judge.judge(name, found)

    def _about(self, proxy: str) -> list[Rule]:
        """The rules about the attribute whose groups are given as probabilities."""
        about = (None, proxy.removesuffix(proxies.MARK))
        return [replace(rule, attribute=None) for rule in self._rules if rule.attribute in about]

    @property
    def attributes(self) -> list[str]:
        return [attribute_name(attribute) for attribute in self.model.attributes]

    def _drift(self, tally: Tally, window: str, start: int | None) -> list[Drift]:
        rules = [rule for rule in self._rules if rule.window == window]
        since = None if start is None else start * self.panes.width
        current = {name: h for name, h in tally.histograms().items() if drifts(name)}
        streams = sorted({*current, *(self.baseline.streams if self.baseline else ())})
        found = drift.read(self.baseline, current, streams=streams, rules=rules, window=window)
        detected = dict(sorted(self._detectors.items()))
        return [*found, *detectors.read(detected, rules=rules, window=window, since=since)]

    def _tally(self, window: Window) -> Tally:
        return Tally(window, self.panes.codes.texts, self.model)

    # what finished slices are given to

    def _advance(self, now: int) -> None:
        """Gives the slices before `now` to the detectors, and to the baseline until it is complete."""
        if now <= self._fed:
            return
        slices, window = self.panes.series(DECISION, self._fed, now)
        for attribute in ["", *self.attributes]:
            for row, (name, group) in enumerate(window.groups):
                if name == attribute:
                    self._feed(f"selection.{name}.{group}" if name else "selection", slices, window, row)
        slices, window = self.panes.series(OUTCOME, self._fed, now)
        if ALL in window.groups:
            self._feed("error", slices, window, window.groups.index(ALL))
        self._fed = now
        if self.baseline is None and isinstance(self.model.baseline, int):
            self.baseline = baseline.first(self.name, self._parts(now), self.model.baseline)

    def _feed(self, stream: str, slices: I64, window: Window, row: int) -> None:
        """The slices of one group's 0/1 stream: errors among outcomes, or positives among decisions."""
        n, k = self._marks(window, errors=stream == "error")
        ours = (window.pairs[:, 0] == row) & n[window.pairs[:, 1]]
        if not ours.any():
            return
        distinct, inverse = np.unique(slices[ours], return_inverse=True)
        sums = np.zeros((2, len(distinct)), np.int64)
        np.add.at(sums[0], inverse, window.counts[ours])
        np.add.at(sums[1], inverse, np.where(k[window.pairs[ours, 1]], window.counts[ours], 0))
        width = self.panes.width
        fed = [Slice(s * width, n, k) for s, n, k in zip(distinct.tolist(), *sums.tolist(), strict=True) if n]
        if stream not in self._detectors:
            names = detectors.wanted(self._rules, stream)
            self._detectors[stream] = [Detector(name) for name in names]
        for detector in self._detectors[stream]:
            detector.replay(fed)

    def _marks(self, window: Window, errors: bool) -> tuple[Mask, Mask]:
        """By measure: whether it counts in a stream, and whether it counts as a one."""
        core = measures.family(window.measures) == measures.CORE
        decision, outcome = (self._texts(window, place, core) for place in (0, 1))
        positive = _among(decision, self.model.positive)
        if not errors:
            return core, positive
        labelled = np.array([text is not None for text in outcome], np.bool_)
        return labelled, labelled & (positive != _among(outcome, self.model.positive_outcome))

    def _texts(self, window: Window, place: int, core: Mask) -> list[str | None]:
        """The texts of one field of the core measures; None for others."""
        codes = np.where(core, measures.field(window.measures, place), 0)
        texts = self.panes.codes.texts
        return [texts[code] for code in codes.tolist()]

    def _parts(self, now: int) -> Iterator[Part]:
        """What each finished slice adds to a baseline, in order."""
        slices, window = self.panes.series(DECISION, 0, now)
        return (self._part(int(s), window, slices == s) for s in np.unique(slices))

    def _part(self, number: int, window: Window, mask: Mask) -> Part:
        tally = self._tally(replace(window, pairs=window.pairs[mask], counts=window.counts[mask]))
        return Part(
            start=number * self.panes.width,
            decisions=int(tally.table(ALL[0]).decisions.sum()),
            streams={name: h for name, h in tally.histograms().items() if drifts(name)},
            groups={name: _atoms(tally, name) for name in self.attributes},
        )


def drifts(stream: str) -> bool:
    """Whether a stream is compared with the baseline: the score and features; feedback's values are not."""
    return stream == "score" or stream.startswith("features.")


def _atoms(tally: Tally, attribute: str) -> dict[str, dict[str, int]]:
    table = tally.table(attribute)
    return {
        group: {atom: int(counts[i]) for atom, counts in table.counts.items() if counts.dtype == np.int64}
        for i, group in enumerate(table.groups)
    }


def _among(texts: Sequence[str | None], values: Sequence[bool | int | float | str]) -> Mask:
    wanted = {scalar(value) for value in values}
    return np.array([text in wanted for text in texts], np.bool_)


def _stale(reading: Reading) -> Reading:
    attributes = {
        name: replace(attribute, comparisons=[_stale_comparison(c) for c in attribute.comparisons])
        for name, attribute in reading.attributes.items()
    }
    return replace(
        reading,
        attributes=attributes,
        composites=[_stale_comparison(c) for c in reading.composites],
        drift=[replace(d, verdict=Verdict.STALE) for d in reading.drift],
    )


def _stale_comparison(comparison: Comparison) -> Comparison:
    return replace(comparison, verdict=Verdict.STALE)

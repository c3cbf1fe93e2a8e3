"""From a model's panes to its readings: every window, with verdicts, drift, and the detectors' state."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from monitor import arrivals, baseline, drift
from monitor.baseline import VOLUME, Baseline, Part
from monitor.config import Model, Rule, attribute_name, longest_window, rule_name
from monitor.config.durations import milliseconds
from monitor.config.windows import bounds
from monitor.detecting import Detecting
from monitor.drift import detectors
from monitor.fairness import Place, cautions, composites, read_all
from monitor.fairness import reference as references
from monitor.kept import Kept
from monitor.panes import ALL, DECISION, Panes, Window, histogram, measures, proxies
from monitor.panes.histogram import Histogram
from monitor.panes.meanings import Meanings
from monitor.panes.table import DECISION as CASES
from monitor.panes.table import NOTHING, Table
from monitor.panes.tally import Tally, together, without_outcomes
from monitor.rates import LABELLED
from monitor.readings import Attribute, Comparison, Drift, Reading, Verdict
from monitor.trials import Judge, Trials

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Judged = TypeVar("Judged", Comparison, Drift)


class Compared(NamedTuple):
    """What is read of a window before it is tested."""

    attributes: dict[str, Attribute]
    composites: list[Comparison]


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
        self._refers = any(
            references.word(model, attribute, rule) == references.BASELINE
            for rule in (None, *model.rules)
            for attribute in self.attributes
        )
        longest = longest_window(model)
        self._rules = [replace(r, name=rule_name(r, model), window=r.window or longest) for r in model.rules]
        self._meanings = Meanings(panes.codes.texts, model)
        self._kept = Kept[Compared]()
        self.detecting = Detecting(model, panes, self._rules)

    def read(self, clock: int | None, stale: bool = False) -> list[Reading]:
        """One reading a window, the configured order, as of `clock` (event time, ms).

        `stale`: nothing has come for so long that no verdict holds.
        """
        if clock is not None:
            self._advance(clock // self.panes.width)
            if self._trials is not None:
                self._trials.advance(clock)
        self._refresh(clock)
        readings = arrivals.told(self._readings(clock), self._first())
        return [_instead(reading, _STALE) for reading in readings] if stale else readings

    def glance(self) -> list[Reading]:
        """The readings while there is no clock, as of the newest decisions here.

        More may come for any time: nothing is fed to tests or detectors, and nothing is decided.
        """
        last = self.panes.last()
        clock = None if last is None else last * self.panes.width
        return [_instead(reading, _OPEN) for reading in self._readings(clock)]

    def tables(self, window: str, clock: int | None) -> dict[str, Table]:
        """The counts of each attribute's groups in a window as of `clock` (event time, ms)."""
        tally = self._tally(self._window(*bounds(window, clock, self.panes.width), clock))
        return {name: tally.table(name) for name in self.attributes}

    def _first(self) -> int | None:
        """The event time (ms) of the first decisions; None where they are summed up and nobody remembers."""
        if isinstance(self.model.baseline, int) and self.baseline is not None:
            return self.baseline.since
        first = None if self.panes.rolled else self.panes.first()
        return None if first is None else first * self.panes.width

    def _readings(self, clock: int | None) -> list[Reading]:
        """One reading a window."""
        width = self.panes.width
        windows = {w: self._window(*bounds(w, clock, width), clock) for w in self.model.windows}
        tallies = {window: self._tally(found) for window, found in windows.items()}
        rules = {name: self._asking(name) for name in self.attributes}
        found = self._kept.of(
            windows,
            lambda changed: self._compared({window: tallies[window] for window in changed}),
            context=(self.baseline, rules),
        )
        return [self._reading(w, clock, tallies[w], found[w]) for w in self.model.windows]

    def _reading(self, window: str, clock: int | None, tally: Tally, compared: Compared) -> Reading:
        attributes = {name: self._tested(name, found) for name, found in compared.attributes.items()}
        return Reading(
            model=self.name,
            window=window,
            as_of=clock,
            decisions=tally.everybody(CASES),
            feedback=tally.everybody(LABELLED),
            attributes=attributes,
            composites=compared.composites,
            drift=self._drift(tally, window, *bounds(window, clock, self.panes.width)),
            cautions=cautions.read(attributes),
            restarts=[] if self._trials is None else self._trials.restarts.told(self.panes.width),
        )

    def _tested(self, name: str, attribute: Attribute) -> Attribute:
        """The attribute with the tests' verdicts."""
        if self._judge is None or name.endswith(proxies.MARK):
            return attribute
        return self._judge.judge(name, attribute)

    def _window(self, start: int | None, end: int | None, clock: int | None) -> Window:
        """The decisions of the slices [start, end); outcomes of those that are not mature do not count."""
        wait = milliseconds(self.model.mature_after)
        if not wait or clock is None:
            return self.panes.window(DECISION, start, end)
        mature = max(start or 0, (clock - wait) // self.panes.width)
        mature = mature if end is None else min(mature, end)
        young = without_outcomes(self.panes.window(DECISION, mature, end))
        return together(self.panes.window(DECISION, start, mature), young)

    def _compared(self, tallies: Mapping[str, Tally]) -> dict[str, Compared]:
        """All attributes in some windows, at once, which costs far less."""
        found = {window: Compared({}, []) for window in tallies}
        proxied = sorted({name for tally in tallies.values() for name in tally.proxies})
        for names in (self.attributes, proxied):  # of those, histograms are of another kind
            self._read(names, tallies, found)
        return found

    def _read(self, names: Sequence[str], tallies: Mapping[str, Tally], found: dict[str, Compared]) -> None:
        """Reads some attributes where they are."""
        there = {
            Place(name, window): tally
            for name in names
            for window, tally in tallies.items()
            if name in self.attributes or name in tally.proxies
        }
        tables = {place: tally.table(place.attribute) for place, tally in there.items()}
        before = {name: self._before(name) for name in names}
        within = {p: {c: t.within(p.attribute, c) for c in self.model.slices} for p, t in there.items()}
        asked = {name: self._asking(name) for name in names}
        composed = {name: self._rules if name in self.attributes else self._about(name) for name in names}
        groups = read_all(tables, model=self.model, rules=asked, before=before)
        more = composites.read_all(tables, model=self.model, rules=composed, slices=within, before=before)
        for place in there:
            found[place.window].attributes[place.attribute] = groups[place]
            found[place.window].composites.extend(more[place])

    def _asking(self, name: str) -> Sequence[Rule]:
        """The rules about an attribute's groups; those that are tested with the reference of their tests."""
        if name.endswith(proxies.MARK):
            return self._about(name)
        return self._rules if self._trials is None else self._trials.rules(name)

    def _before(self, attribute: str) -> Table:
        """The counts of an attribute's groups in the baseline period."""
        if self.baseline is None or not self._refers:
            return NOTHING
        groups = self.baseline.groups.get(attribute, {})
        atoms = dict.fromkeys(atom for counts in groups.values() for atom in counts)
        return Table(
            list(groups),
            {atom: np.array([counts.get(atom, 0) for counts in groups.values()]) for atom in atoms},
        )

    def _refresh(self, clock: int | None) -> None:
        """Counts the groups of the first decisions anew, while outcomes of theirs may still come."""
        if self.baseline is None or not self._refers or not isinstance(self.model.baseline, int):
            return
        start, last = self.baseline.since // self.panes.width, self.baseline.until // self.panes.width
        if start < self.panes.rolled:
            return
        tally = self._tally(self._window(start, last + 1, clock))
        groups = {name: _atoms(tally, name) for name in self.attributes}
        if groups != self.baseline.groups:
            self.baseline = replace(self.baseline, groups=groups)

    def _about(self, proxy: str) -> list[Rule]:
        """The rules about the attribute whose groups are given as probabilities."""
        about = (None, proxy.removesuffix(proxies.MARK))
        return [replace(rule, attribute=None) for rule in self._rules if rule.attribute in about]

    @property
    def attributes(self) -> list[str]:
        return [attribute_name(attribute) for attribute in self.model.attributes]

    def _drift(self, tally: Tally, window: str, start: int | None, end: int | None) -> list[Drift]:
        rules = [rule for rule in self._rules if rule.window == window]
        since = None if start is None else start * self.panes.width
        current = {name: h for name, h in tally.histograms().items() if drifts(name)}
        if any(VOLUME in (rule.metric, rule.stream) for rule in rules):
            current[VOLUME] = self._volume(start, end)
        before = self.baseline and self._comparable(self.baseline)
        streams = sorted({*current, *(before.streams if before else ())})
        found = drift.read(before, current, streams=streams, rules=rules, window=window)
        detected = dict(sorted(self.detecting.streams.items()))
        return [*found, *detectors.read(detected, rules=rules, window=window, since=since)]

    def _comparable(self, before: Baseline) -> Baseline:
        """The baseline, without the volume of slices that were of another width."""
        if before.width == self.panes.width:
            return before
        streams = {name: stream for name, stream in before.streams.items() if name != VOLUME}
        return replace(before, streams=streams)

    def _volume(self, start: int | None, end: int | None) -> Histogram:
        """The decisions of each finished slice of [start, end), from the model's first decision on."""
        first, width = self._first(), self.panes.width
        if first is None:
            return Histogram()
        low = max(start or 0, first // width, self.panes.rolled)
        high = self.detecting.fed if end is None else min(end, self.detecting.fed)
        if low >= high:
            return Histogram()
        found, window = self.panes.series(DECISION, low, high)
        ours = measures.family(window.measures)[window.pairs[:, 1]] == measures.CORE
        ours &= window.pairs[:, 0] == (window.groups.index(ALL) if ALL in window.groups else -1)
        sizes = np.zeros(high - low, np.int64)
        np.add.at(sizes, found[ours] - low, window.counts[ours])
        return histogram.numeric(sizes)

    def _tally(self, window: Window) -> Tally:
        return Tally(window, self._meanings)

    # what finished slices are given to

    def _advance(self, now: int) -> None:
        """Gives the slices before `now` to the detectors, and to the baseline until it is complete."""
        if now <= self.detecting.fed:
            return
        self.detecting.advance(now)
        if self.baseline is None and isinstance(self.model.baseline, int):
            self.baseline = baseline.first(self.name, self._parts(now), self.model.baseline)

    def _parts(self, now: int) -> Iterator[Part]:
        """What each finished slice adds to a baseline, in order."""
        slices, window = self.panes.series(DECISION, 0, now)
        return (self._part(int(s), window, slices == s) for s in np.unique(slices))

    def _part(self, number: int, window: Window, mask: Mask) -> Part:
        tally = self._tally(replace(window, pairs=window.pairs[mask], counts=window.counts[mask]))
        return Part(
            start=number * self.panes.width,
            decisions=int(tally.table(ALL[0]).decisions.sum()),
            width=self.panes.width,
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


_STALE = dict.fromkeys(Verdict, Verdict.STALE)
_OPEN = {Verdict.WITHIN: Verdict.UNDECIDED, Verdict.OUT: Verdict.UNDECIDED}


def _instead(reading: Reading, verdicts: Mapping[Verdict, Verdict]) -> Reading:
    """The reading with other verdicts in place of some."""

    def other(about: Judged) -> Judged:
        return replace(about, verdict=verdicts.get(about.verdict, about.verdict))

    attributes = {
        name: replace(attribute, comparisons=[*map(other, attribute.comparisons)])
        for name, attribute in reading.attributes.items()
    }
    return replace(
        reading,
        attributes=attributes,
        composites=[*map(other, reading.composites)],
        drift=[*map(other, reading.drift)],
    )

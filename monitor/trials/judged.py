"""What the tests say of each comparison: the verdict, and the evidence that goes with it.

- `out_of_limits`: proved since the start, or in a calendar month, or a change was found; and the value is
  not back inside the limits. A proof is never taken back, but it is no longer news when the gap has closed.
- `within_limits`: nothing was proved, and the confidence sequence lies inside the limits.
- `undecided`: neither. `undefined` and `stale` are what they are without a test.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, isfinite

import numpy as np
from msgspec.structs import replace

from monitor.readings import Attribute, Comparison, Restart, Verdict, known
from monitor.sequential.blocks import events
from monitor.sequential.control import e_bh
from monitor.trials.left import Left
from monitor.trials.running import Pair, Running
from monitor.trials.trials import Trials

LISTED = 0.05  # the share of false ones to be expected in the list of now
KINDS = START, MONTH, CHANGE = "start", "month", "change"  # the one that says most first


@dataclass(frozen=True)
class Proof:
    """One proof about a comparison: its kind, the slice after it, and how rarely a compliant model gives one:
    ever, in a month, or in so many blocks."""

    kind: str
    slice: int
    once_in: float
    events: int | None = None
    onset: int | None = None


class Tested:
    """The tests of one rule about one attribute, by what they say something about."""

    def __init__(self, test: str, running: Sequence[Running]) -> None:
        self.test, self._running = test, running

    def places(self, c: Comparison) -> list[tuple[Running, int]]:
        """The tests' pairs that say something about a comparison."""
        return [
            (running, place)
            for running, found in zip(self._running, self._places, strict=True)
            for place in found.get(_about(running, c.group, c.reference), ())
        ]

    @cached_property
    def _places(self) -> list[dict[object, list[int]]]:
        found: list[dict[object, list[int]]] = [{} for _ in self._running]
        for running, places in zip(self._running, found, strict=True):
            for place, (group, other) in enumerate(running.pairs):
                places.setdefault(_about(running, group, other), []).append(place)
        return found


class Judge:
    """Judges the comparisons of one reading after another."""

    def __init__(self, trials: Trials) -> None:
        self._trials = trials
        self._left = Left()

    def judge(self, name: str, attribute: Attribute) -> Attribute:
        """An attribute's comparisons, those of rules that are tested with the tests' verdicts."""
        tested = {
            family.rule: Tested(family.test, self._trials.running.get((family.rule, name), []))
            for family in self._trials.families
            if family.attribute == name
        }
        self._left.renew(self._tests)
        listed = self._listed()
        comparisons = [
            self._judged(c, attribute, tested[c.rule], listed) if c.rule in tested else c
            for c in attribute.comparisons
        ]
        return replace(attribute, comparisons=comparisons)

    def _listed(self) -> set[tuple[int, Pair]]:
        """The pairs to list as unfair now; at most 5 % of such lists are false in expectation (e-BH)."""
        tests = self._tests
        pairs = [(id(running), pair) for running in tests for pair in running.pairs]
        e = np.concatenate([np.zeros(0), *(running.found.e for running in tests)])
        return {pair for pair, chosen in zip(pairs, e_bh(e, LISTED).tolist(), strict=True) if chosen}

    def _judged(
        self, c: Comparison, attribute: Attribute, tested: "Tested", listed: set[tuple[int, Pair]]
    ) -> Comparison:
        test, places = tested.test, tested.places(c)
        if not places:
            return replace(c, test=test, verdict=_silent(c), needed=None)
        found = [p for r, i in places for p in proofs(r, i)]
        proof = min(found, key=lambda p: (KINDS.index(p.kind), p.slice), default=None)
        verdict = _verdict(c, proof, all(bool(r.found.within[i]) for r, i in places))
        own = next(((r, i) for r, i in places if r.pairs[i] == (c.group, c.reference)), None)
        width, first = places[0][0].width, min(int(r.marks.state["first"][i]) for r, i in places)
        return replace(
            c,
            test=test,
            verdict=verdict,
            needed=self._needed(c, attribute, own) if own and verdict is Verdict.UNDECIDED else None,
            e_value=max(float(r.found.e[i]) for r, i in places),
            cs_low=known(float(own[0].found.low[own[1]])) if own else None,
            cs_high=known(float(own[0].found.high[own[1]])) if own else None,
            since=first * width if first else None,
            tested=max(r.fed(i) for r, i in places),
            proved=proof and proof.slice * width,
            proof=proof and proof.kind,
            proved_after=proof and proof.events,
            once_in=proof and proof.once_in,
            detectable=_detectable(c, own) if own else None,
            confirmed=max((p.slice * width for p in found), default=None),
            onset=max((p.onset * width for p in found if p.onset is not None), default=None),
            listed=any((id(r), r.pairs[i]) in listed for r, i in places),
            outside=max(int(r.found.outside[i]) for r, i in places),
            revised=max(sum(self._trials.revisions(r, i)) for r, i in places),
            restart=self._restart(places),
        )

    def _restart(self, places: list[tuple[Running, int]]) -> Restart | None:
        """Of the tests that speak about a comparison, the newest restart."""
        found = (self._trials.restarts.of(running, pair) for running, pair in places)
        return max(filter(None, found), key=lambda restart: restart.at, default=None)

    def _needed(self, c: Comparison, attribute: Attribute, own: tuple[Running, int]) -> int | None:
        """How many more decisions of the group a verdict will take, if all stays what it is."""
        running, pair = own
        came = events(running.cells.state["past"][:, pair])
        ours = int(came[1 if running.family.side.flipped else 0])
        left = self._left.events(running, pair)
        if not came.any() or not c.n or not isfinite(left):
            return None
        return ceil(left * ours / int(came.sum()) * attribute.groups[c.group].n / c.n) or None

    @property
    def _tests(self) -> list[Running]:
        return [running for each in self._trials.running.values() for running in each]


def proofs(running: Running, pair: int) -> Iterable[Proof]:
    """All that is proved about a pair of groups: since the start, in a month, and the newest change."""
    marks, terms = running.marks.state, running.terms
    since, month = running.found.proved[:, pair]
    if not np.isnan(since):
        yield Proof(START, int(since), float(running.found.peak[pair]), events=int(marks["events"][pair]))
    if not np.isnan(month):
        yield Proof(MONTH, int(month), 1 / terms.monthly)
    if not np.isnan(changed := marks["changed"][pair]):
        yield Proof(CHANGE, int(changed), terms.threshold, onset=round(float(marks["onset"][pair])))


def _detectable(c: Comparison, own: tuple[Running, int]) -> float | None:
    """About the nearest value that the confidence sequence, as wide as it is, would prove out of limits."""
    found, pair = own[0].found, own[1]
    half = (float(found.high[pair]) - float(found.low[pair])) / 2
    beyond = [limit + side * half for limit, side in ((c.min, -1), (c.max, 1)) if limit is not None]
    widest = own[0].family.side.null.widest  # and no ratio is below nothing
    beyond = [edge for edge in beyond if (edge > 0 if c.compare == "ratio" else abs(edge) <= widest)]
    value = c.value or 0.0
    return min(filter(isfinite, beyond), key=lambda each: abs(each - value), default=None)


def _about(running: Running, group: str, other: str | None) -> object:
    """What of a pair of groups must be the same for a test to say something about a comparison of them."""
    if running.reference is None and running.family.word == "extremes":
        return None
    if running.reference is None and running.family.word == "highest":
        return group
    return group, other


def _silent(c: Comparison) -> Verdict:
    return c.verdict if c.verdict in (Verdict.UNDEFINED, Verdict.STALE) else Verdict.UNDECIDED


def _verdict(c: Comparison, proof: Proof | None, within: bool) -> Verdict:
    if _silent(c) is not Verdict.UNDECIDED:
        return c.verdict
    if proof is not None:
        return Verdict.UNDECIDED if _inside(c) else Verdict.OUT
    return Verdict.WITHIN if within else Verdict.UNDECIDED


def _inside(c: Comparison) -> bool:
    below = c.min is not None and c.value is not None and c.value < c.min
    above = c.max is not None and c.value is not None and c.value > c.max
    return not below and not above

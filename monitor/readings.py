"""What is measured, as plain data: the one shape that the page, the exporter, the alerts,
the reports and ``fairlead measure --json`` all read.

A value that does not exist is None, with the verdict that says why; it is never 0 and never NaN.
"""

import math
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct


class Verdict(StrEnum):
    """What a comparison's interval proves against its limits."""

    WITHIN = "within_limits"  # proved
    OUT = "out_of_limits"  # proved
    UNDECIDED = "undecided"  # neither yet
    UNDEFINED = "undefined"  # an empty denominator
    STALE = "stale"  # nothing has arrived for too long


class Rate(Struct, frozen=True, gc=False):
    """A share or a mean with its pointwise 95 % interval.

    `n` is the denominator: the decisions that the rate is about. Below 10 of them no interval is
    shown; from 10 to 29 it is `rough`.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    rough: bool = False


class Group(Struct, frozen=True):
    """One group of one attribute in one window.

    `n` counts decisions, `coverage` is the share of them whose outcome has come. `counts` are the
    atoms that rates are made of (monitor/rates.py), `rates` are by name.
    """

    n: int
    coverage: float | None
    counts: dict[str, int]
    rates: dict[str, Rate]


class Restart(Struct, frozen=True, gc=False, kw_only=True):
    """Why tests of a rule began anew, or later than others, in words (monitor/trials/restarts.py).

    `reason` is "corrected", "edited" or "new_group"; what came from `at` (event time, ms) on is fed. Of a
    pair of groups that was corrected: how many `events` of those that it had been `fed`. `times` is how often
    it happened: to the comparison's own tests, or, in a reading, to any of the rule in this attribute, of
    which this is the newest.
    """

    rule: str
    attribute: str
    reason: str
    text: str
    at: int
    times: int
    group: str | None = None
    reference: str | None = None
    events: int | None = None
    fed: int | None = None


class Comparison(Struct, frozen=True, gc=False, tag="comparison"):
    """A metric of a group held against the reference's, or, where `compare` is "value", against limits alone.

    `value` is group minus reference ("difference") or group over reference ("ratio"). `low` and `high`
    bound it, pointwise, at 95 %. `n` and `reference_n` are the denominators of the two rates.
    `rule` is the name of the configured rule whose limits `min` and `max` these are.

    From `test` on: what a sequential test says (monitor/trials/). The confidence sequence, of all that came
    since the test began, is right at all times at once; `once_in` says how rarely a compliant model gives
    such a proof: ever ("start"), in a month ("month"), or in so many blocks ("change").
    """

    metric: str
    compare: str
    attribute: str
    group: str
    reference: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    reference_n: int
    group_rate: float | None
    reference_rate: float | None
    min: float | None
    max: float | None
    verdict: Verdict
    window: str
    rule: str | None = None
    needed: int | None = None  # how many more decisions of the group until a gap like this one is decided
    e_value: float | None = None
    rough: bool = False  # the interval rests on fewer than 30 of one side
    due: int | None = None  # event time (ms) when `needed` will have come at the present rate; None: not so
    detectable: float | None = None  # the least value that today's counts would prove out of limits
    test: str = "threshold"
    cs_low: float | None = None
    cs_high: float | None = None
    since: int | None = None  # event time (ms) when the test began anew; None: with the first event
    tested: int = 0  # events that the test was fed
    proved: int | None = None  # event time (ms) of the proof
    proof: str | None = None  # its kind: "start", "month" or "change"
    confirmed: int | None = None  # event time (ms) of the newest proof of any kind
    proved_after: int | None = None  # events that it took
    once_in: float | None = None
    onset: int | None = None  # about when the newest change found began, event time (ms)
    listed: bool = False  # whether it is on the list of what looks unfair now (e-BH at 5 %)
    outside: int = 0  # values that the test was fed as the nearest of the declared bounds, being beyond it
    revised: int = 0  # events that changed, or came, after the test was fed their slice
    restart: Restart | None = None  # why the test began anew, the last time


class Attribute(Struct, frozen=True):
    """All groups of one attribute; an intersection's name is joined by " & "."""

    reference: str | None
    groups: dict[str, Group]
    comparisons: list[Comparison]


class Caution(Struct, frozen=True, kw_only=True):
    """Why numbers of this window that rest on outcomes mislead, in words (monitor/fairness/cautions.py).

    `kind` is "selective_outcomes", where `value` is the coverage of positive decisions minus that of negative
    ones, or "outcome_lag", where it is the group's median lag over the reference's. `low` and `high` bound
    it, pointwise, at 95 %. Without an attribute and a group it is about everybody.
    """

    kind: str
    text: str
    value: float
    low: float
    high: float | None
    attribute: str | None = None
    group: str | None = None
    reference: str | None = None


class Drift(Struct, frozen=True, kw_only=True, tag="drift"):
    """A drift measure of one stream of values.

    `stream` is "score", "features.<name>", "error" or "selection.<attribute>.<group>". For a distance
    (psi, ks, …) `value` is the distance to the baseline; for a detector (adwin, …) it is the number of
    changes found so far and `at` the event time (ms) of the newest. `low` and `high` bound the distance of
    the two populations; each is wrong about once in a thousand looks (docs/drift.md).
    """

    measure: str
    stream: str
    window: str
    value: float | None
    n: int
    baseline_n: int
    max: float | None
    verdict: Verdict
    at: int | None = None
    rule: str | None = None
    low: float | None = None
    high: float | None = None


class Reading(Struct, frozen=True, kw_only=True):
    """One model in one window, as of one event time (ms)."""

    model: str
    window: str
    as_of: int | None
    decisions: int
    feedback: int
    attributes: dict[str, Attribute]
    composites: list[Comparison]
    drift: list[Drift]
    cautions: list[Caution] = []
    restarts: list[Restart] = []  # of the model's tests, in all windows the same
    invalid: dict[str, int] = {}


def known(number: float) -> float | None:
    """The number; None for what is undefined or has no bound.

    >>> known(0.5), known(float("nan")), known(float("inf"))
    (0.5, None, None)
    """
    return number if math.isfinite(number) else None


def all_known(numbers: npt.NDArray[np.float64]) -> list[Any]:
    """Lists of an array's numbers, which has one or two axes; None for what is undefined or has no bound.

    >>> all_known(np.array([[0.5, np.nan]]))
    [[0.5, None]]
    """
    found = numbers.astype(object)
    found[~np.isfinite(numbers)] = None
    shown: list[Any] = found.tolist()
    return shown

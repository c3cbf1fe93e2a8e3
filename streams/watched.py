"""What `evaluate` knows of one model: its panes, and what was last read from them."""

from collections.abc import Mapping
from math import inf

from monitor import baseline
from monitor.arrays.codes import Codes
from monitor.baseline import Baseline
from monitor.config import Model, slice_ms
from monitor.config.durations import milliseconds
from monitor.config.windows import window_ms
from monitor.evaluator import Evaluator
from monitor.panes import Panes, packed
from monitor.panes.packed import Pane
from monitor.readings import Reading
from monitor.trials import Levels, Trials
from streams.messages import pane_key, place_key
from streams.partition import shape

BASELINE, DETECTORS = b"baseline/", b"detectors/"
WORN = 500  # panes that are summed up at once


class Watched:
    """One model: its panes and what was last read from them."""

    def __init__(
        self, name: str, model: Model, reference: Baseline | None = None, levels: Levels | None = None
    ) -> None:
        self.name, self.model = name, model
        self.panes = Panes(Codes(), slice_ms(self.model))
        self.readings: list[Reading] = []
        self.arrived: float | None = None  # wall time (s) of the newest pane
        self.came = 0  # when the oldest event since the last reading came to Kafka (wall time, ms); 0: none
        self.took = inf  # seconds of the processor that its last reading took
        self._trials = Trials(name, model, self.panes, levels)
        self._evaluator = Evaluator(name, model, self.panes, reference, self._trials)
        self._shape = shape(self.model)
        self._baseline = reference  # the one that is durable
        self._seen: tuple[int, bool] | None = None
        self._summed: list[bytes] = []  # keys of panes that are in a sum, and that a crash has left there

    def fits(self, pane: Pane) -> bool:
        """Whether a pane is cut as our configuration says: others do not add up with ours."""
        return pane.shape == self._shape

    def restore(self, items: Mapping[bytes, bytes]) -> None:
        """Takes up the tests and detectors where the table's items left them."""
        self._trials.restore(items)
        state = items.get(DETECTORS + self.name.encode())
        if state is not None:
            self._evaluator.detecting.restore(state)

    def tidy(self, pane: Pane) -> None:
        """Notes a pane of the table that is in a sum: it is to be removed."""
        if self.panes.is_rolled(pane):
            self._summed.append(pane_key(pane))

    def read(self, clock: int | None, now: float) -> bool:
        """Reads the panes anew if something changed; says whether it did.

        Without a clock nothing is to be judged or kept: counts are shown as they are, nothing is decided.
        """
        if clock is None:
            if self.panes.dirty:
                self.panes.dirty.clear()
                self.readings = self._evaluator.glance()
            return False
        after = milliseconds(self.model.stale_after) / 1000
        stale = self.arrived is not None and now - self.arrived > after
        state = clock // self.panes.width, stale
        if not self.panes.dirty and state == self._seen:
            return False
        self.panes.dirty.clear()
        self._seen = state
        self.readings = self._evaluator.read(clock, stale)
        return True

    def unsaved(self) -> dict[bytes, bytes]:
        """What the last reading found out that must be durable before anybody is told."""
        items = self._trials.unsaved()
        state = self._evaluator.detecting.unsaved()
        if state is not None:
            items[DETECTORS + self.name.encode()] = state
        found = self._evaluator.baseline
        if found is not None and found is not self._baseline:
            self._baseline = found
            items[BASELINE + self.name.encode()] = baseline.to_json(found)
        return items

    def age(self, clock: int) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Sums up panes that no window with a start and no feedback reaches any more, when many are.

        Returns the items to write, and the keys to remove when they are durable.
        """
        finite = [length for window in self.model.windows if (length := window_ms(window)) is not None]
        reach = max([*finite, 2 * milliseconds(self.model.feedback_within)])
        end = (clock - reach) // self.panes.width
        keys, self._summed = self._summed, []
        if self.panes.worn(end) < WORN:
            return {}, keys
        pane, old = self.panes.roll(end, self.name, self._shape)
        keys += [place_key(self.name, partition, slot) for partition, slot in old]
        keys += self._trials.forget(end)
        return {**self._trials.unsaved(), pane_key(pane): packed.dump([pane])[0]}, keys

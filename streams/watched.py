"""What `evaluate` knows of one model: its panes, and what was last read from them."""

from collections.abc import Mapping

import msgspec

from monitor import baseline
from monitor.baseline import Baseline
from monitor.codes import Codes
from monitor.config import Model
from monitor.durations import milliseconds
from monitor.evaluator import Evaluator
from monitor.joined import slice_ms
from monitor.panes import Pane, Panes
from monitor.readings import Reading
from monitor.trials import Levels, Trials
from monitor.windows import window_ms
from streams.partition import shape

PANE, BASELINE = b"pane/", b"baseline/"
WORN = 500  # panes that are summed up at once


def pane_key(model: str, partition: int, slot: int) -> bytes:
    """The key of a pane in the table."""
    return b"%s%d/%d/%s" % (PANE, partition, slot, model.encode())


class Watched:
    """One model: its panes and what was last read from them."""

    def __init__(
        self, name: str, model: Model, reference: Baseline | None = None, levels: Levels | None = None
    ) -> None:
        self.name, self.model = name, model
        self.panes = Panes(Codes(), slice_ms(self.model))
        self.readings: list[Reading] = []
        self.arrived: float | None = None  # wall time (s) of the newest pane
        self._trials = Trials(name, model, self.panes, levels)
        self._evaluator = Evaluator(name, model, self.panes, reference, self._trials)
        self._shape = shape(self.model)
        self._baseline = reference  # the one that is durable
        self._seen: tuple[int, bool] | None = None

    def put(self, pane: Pane) -> bool:
        """Takes a pane if it is newer than the one here and cut as our configuration says."""
        return pane.shape == self._shape and self.panes.put(pane)

    def restore(self, items: Mapping[bytes, bytes]) -> None:
        """Takes up the tests where the table's items left them."""
        self._trials.restore(items)

    def read(self, clock: int | None, now: float) -> bool:
        """Reads the panes anew if something changed; says whether it did.

        Without a clock nothing is read: windows would have no place to begin.
        """
        if clock is None:
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
        if self.panes.worn(end) < WORN:
            return {}, []
        pane, old = self.panes.roll(end, self.name, self._shape)
        record = {pane_key(self.name, pane.partition, pane.slot): msgspec.msgpack.encode(pane)}
        keys = [pane_key(self.name, partition, slot) for partition, slot in old]
        return record, [*keys, *self._trials.forget(end)]

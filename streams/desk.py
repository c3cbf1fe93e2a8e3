"""What `evaluate` knows of the models of one partition of the panes: their panes, readings and alerts."""

import asyncio
import time
from collections.abc import Mapping

import msgspec

from alerts import alert, lifecycle
from alerts.alert import Alert
from monitor.codes import Codes
from monitor.config import Config
from monitor.durations import milliseconds
from monitor.evaluator import Evaluator
from monitor.joined import slice_ms
from monitor.panes import Pane, Panes
from monitor.readings import Reading
from streams.messages import Clock
from streams.partition import shape

PANE, ALERT = b"pane/", b"alert/"


class Watched:
    """One model: its panes and what was last read from them."""

    def __init__(self, name: str, config: Config) -> None:
        self.name = name
        self.model = config.models[name]
        self.panes = Panes(Codes(), slice_ms(self.model))
        self.readings: list[Reading] = []
        self.arrived: float | None = None  # wall time (s) of the newest pane
        self._evaluator = Evaluator(name, self.model, self.panes)
        self._shape = shape(self.model)
        self._seen: tuple[int | None, bool] | None = None

    def put(self, pane: Pane) -> bool:
        """Takes a pane if it is newer than the one here and cut as our configuration says."""
        return pane.shape == self._shape and self.panes.put(pane)

    def read(self, clock: int | None, now: float) -> bool:
        """Reads the panes anew if something changed; says whether it did."""
        after = milliseconds(self.model.stale_after) / 1000
        stale = self.arrived is not None and now - self.arrived > after
        state = None if clock is None else clock // self.panes.width, stale
        if not self.panes.dirty and state == self._seen:
            return False
        self.panes.dirty.clear()
        self._seen = state
        self.readings = self._evaluator.read(clock, stale)
        return True


class Desk:
    """The models whose panes come through one partition, their clock and their alerts."""

    def __init__(self, config: Config) -> None:
        self.lock = asyncio.Lock()
        self.models: dict[str, Watched] = {}
        self.alerts: dict[str, Alert] = {}
        self.untold: list[Alert] = []  # durable, not yet sent to `notify` by this process
        self.clock: int | None = None
        self.arrived = 0
        self._config = config
        self._clocks: dict[int, Clock] = {}

    def restore(self, items: Mapping[bytes, bytes]) -> None:
        """Rebuilds panes and alerts from the table. Every alert's present state is to be sent again."""
        for key, record in items.items():
            if key.startswith(PANE):
                self._put(msgspec.msgpack.decode(record, type=Pane))
            elif key.startswith(ALERT):
                found = alert.decode(record)
                self.alerts[found.id] = found
        self.untold = list(self.alerts.values())
        now = time.time()
        for watched in self.models.values():
            watched.arrived = now

    def take(self, pane: Pane) -> tuple[bytes, bytes] | None:
        """The item to make durable for a pane, or None if it says nothing new."""
        if not self._put(pane):
            return None
        self.models[pane.model].arrived = time.time()
        key = b"%s%d/%d/%s" % (PANE, pane.partition, pane.slot, pane.model.encode())
        return key, msgspec.msgpack.encode(pane)

    def _put(self, pane: Pane) -> bool:
        if pane.model not in self._config.models:
            return False
        if pane.model not in self.models:
            self.models[pane.model] = Watched(pane.model, self._config)
        return self.models[pane.model].put(pane)

    def tick(self, clock: Clock) -> None:
        """Follows one partition's clock. Ours is the minimum over those that are not idle, and never falls.

        It stands still until every partition has spoken: one that is silent may still hold early events.
        """
        self._clocks[clock.partition] = clock
        if clock.arrived:
            self.arrived = min(clock.arrived, self.arrived) if self.arrived else clock.arrived
        if len(self._clocks) < clock.partitions:
            return
        live = [c.time for c in self._clocks.values() if not c.idle]
        if None in live:
            return
        idle = max((c.time for c in self._clocks.values() if c.time is not None), default=None)
        now = min((t for t in live if t is not None), default=idle)
        if now is not None:
            self.clock = max(now, self.clock or 0)

    def judge(self, watched: Watched) -> list[Alert]:
        """The alerts that the model's present readings change."""
        if self.clock is None:
            return []
        present = self._of(watched.name)
        return lifecycle.step(watched.model, watched.name, watched.readings, present, self.clock)

    def _of(self, model: str) -> dict[str, Alert]:
        return {key: found for key, found in self.alerts.items() if found.model == model}

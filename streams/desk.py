"""What `evaluate` knows of the models of one partition of the panes: their panes, readings and alerts."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping

import msgspec

from alerts import alert, lifecycle
from alerts.alert import Alert
from monitor import baseline
from monitor.baseline import Baseline
from monitor.config import Config
from monitor.panes import Pane
from monitor.trials import levels
from streams.messages import Clock
from streams.watched import BASELINE, PANE, Watched, pane_key

ALERT, CLOCK = b"alert/", b"clock"
SETTLE_SECONDS = 3.0


class Desk:
    """The models whose panes come through one partition, their clock and their alerts."""

    def __init__(self, config: Config, references: Mapping[str, Baseline] | None = None) -> None:
        self.lock = asyncio.Lock()
        self.models: dict[str, Watched] = {}
        self.alerts: dict[str, Alert] = {}
        self.untold: list[Alert] = []  # durable, not yet sent to `notify` by this process
        self.clock: int | None = None
        self._saved: int | None = None  # the clock that is durable
        self.arrived = 0
        self._config, self._levels = config, levels(config)
        self._references = dict(references or {})
        self._clocks: dict[int, Clock] = {}
        self._told: deque[tuple[float, int | None]] = deque()  # when, and the slowest partition's time then

    def restore(self, items: Mapping[bytes, bytes]) -> None:
        """Rebuilds panes and alerts from the table. Every alert's present state is to be sent again."""
        for key, record in items.items():
            if key.startswith(BASELINE):
                found = baseline.from_json(record)
                self._references.setdefault(found.model, found)
        for key, record in items.items():
            if key.startswith(PANE):
                self._put(msgspec.msgpack.decode(record, type=Pane))
            elif key.startswith(ALERT):
                told = alert.decode(record)
                self.alerts[told.id] = told
        if CLOCK in items:
            self.clock = self._saved = int(items[CLOCK])
        self.untold = list(self.alerts.values())
        now = time.time()
        for watched in self.models.values():
            watched.arrived = now
            watched.restore(items)

    def take(self, pane: Pane) -> tuple[bytes, bytes] | None:
        """The item to make durable for a pane, or None if it says nothing new."""
        if not self._put(pane):
            return None
        self.models[pane.model].arrived = time.time()
        return pane_key(pane.model, pane.partition, pane.slot), msgspec.msgpack.encode(pane)

    def _put(self, pane: Pane) -> bool:
        if pane.model not in self._config.models:
            return False
        if pane.model not in self.models:
            reference = self._references.get(pane.model)
            self.models[pane.model] = Watched(
                pane.model, self._config.models[pane.model], reference, self._levels
            )
        return self.models[pane.model].put(pane)

    def tick(self, clock: Clock, now: float) -> None:
        """Hears, at `now` (s, any origin), how far one partition has come."""
        self._clocks[clock.partition] = clock
        if clock.arrived:
            self.arrived = min(clock.arrived, self.arrived) if self.arrived else clock.arrived
        self._told.append((now, self._slowest(clock.partitions)))

    def _slowest(self, partitions: int) -> int | None:
        """The minimum over the partitions that are not idle.

        It is not known until every partition has spoken: one that is silent may still hold early events.
        """
        if len(self._clocks) < partitions:
            return None
        live = [c.time for c in self._clocks.values() if not c.idle]
        if None in live:
            return None
        idle = max((c.time for c in self._clocks.values() if c.time is not None), default=None)
        return min((t for t in live if t is not None), default=idle)

    def settle(self, now: float) -> None:
        """Moves the clock to the least that it was told in the last seconds. It never falls.

        Where all were idle and much comes at once, one partition speaks of it before the others do: theirs
        is still on its way, and would come too late.
        """
        while len(self._told) > 1 and self._told[1][0] <= now - SETTLE_SECONDS:
            self._told.popleft()
        times = [time for _, time in self._told]
        if times and None not in times and self._told[0][0] <= now - SETTLE_SECONDS:
            self.clock = max(min(t for t in times if t is not None), self.clock or 0)

    def unsaved(self) -> dict[bytes, bytes]:
        """What must be durable before anybody is judged: else a restart would judge the past anew."""
        if self.clock == self._saved:
            return {}
        self._saved = self.clock
        return {CLOCK: str(self.clock).encode()}

    def judge(self, watched: Watched) -> list[Alert]:
        """The alerts that the model's present readings change."""
        if self.clock is None:
            return []
        present = self._of(watched.name)
        return lifecycle.step(watched.model, watched.name, watched.readings, present, self.clock)

    def judge_removed(self) -> list[Alert]:
        """The alerts of models that the configuration no longer holds, resolved."""
        if self.clock is None:
            return []
        return lifecycle.removed(self._config.models, self.alerts.values(), self.clock)

    def _of(self, model: str) -> dict[str, Alert]:
        return {key: found for key, found in self.alerts.items() if found.model == model}

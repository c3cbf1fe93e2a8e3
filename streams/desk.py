"""What `evaluate` knows of the models of one partition of the panes: their panes, readings and alerts."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping

from alerts import alert, exposures, lifecycle
from alerts.alert import Alert
from monitor import baseline
from monitor.baseline import Baseline
from monitor.config import Config
from monitor.events.exposed import Register
from monitor.panes import packed
from monitor.panes.packed import Pane
from monitor.trials import levels
from streams import parts
from streams.clocks import Listener
from streams.messages import PANE, Clock, Found, pane_key
from streams.watched import BASELINE, Watched

log = logging.getLogger(__name__)

ALERT, CLOCK, FOUND = b"alert/", b"clock", b"found/"


class Desk:
    """The models whose panes come through one partition, their clock and their alerts.

    `set_aside` counts, by model, the panes that another configuration cut; all desks of a worker share it.
    """

    def __init__(
        self,
        config: Config,
        references: Mapping[str, Baseline] | None = None,
        set_aside: Counter[str] | None = None,
    ) -> None:
        self.lock = asyncio.Lock()
        self.models: dict[str, Watched] = {}
        self.alerts: dict[str, Alert] = {}
        self.registers: dict[str, Register] = {}  # by model, what events held that they should not
        self.untold: list[Alert] = []  # durable, not yet sent to `notify` by this process
        self.clock: int | None = None
        self._saved: int | None = None  # the clock that is durable
        self._config, self._levels = config, levels(config)
        self._references = dict(references or {})
        self._set_aside = Counter() if set_aside is None else set_aside
        self._listener = Listener()

    def restore(self, table: Mapping[bytes, bytes]) -> None:
        """Rebuilds panes and alerts from the table. Every alert's present state is to be sent again."""
        items = parts.joined(table)
        for key, record in items.items():
            if key.startswith(BASELINE):
                found = baseline.from_json(record)
                self._references.setdefault(found.model, found)
        panes = [packed.load(record) for key, record in items.items() if key.startswith(PANE)]
        for pane in panes:
            self._put(pane)
        for pane in panes:
            if pane.model in self.models:
                self.models[pane.model].tidy(pane)
        for key, record in items.items():
            if key.startswith(ALERT):
                told = alert.decode(record)
                self.alerts[told.id] = told
            elif key.startswith(FOUND):
                self._register(key.removeprefix(FOUND).decode()).load(record)
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
        return pane_key(pane), packed.dump([pane])[0]

    def hear(self, found: Found) -> dict[bytes, bytes]:
        """Takes what a partition found in events; the items to make durable for it."""
        register = self._register(found.model)
        changed = register.hear(found.partition, found.exposures)
        return {FOUND + found.model.encode(): register.encode()} if changed else {}

    def _register(self, model: str) -> Register:
        return self.registers.setdefault(model, Register())

    def _put(self, pane: Pane) -> bool:
        if pane.model not in self._config.models:
            return False
        if pane.model not in self.models:
            reference = self._references.get(pane.model)
            self.models[pane.model] = Watched(
                pane.model, self._config.models[pane.model], reference, self._levels
            )
        watched = self.models[pane.model]
        if not watched.fits(pane):
            self._leave_out(pane.model)
            return False
        return watched.panes.put(pane)

    def _leave_out(self, model: str) -> None:
        """Counts a pane that is cut otherwise; says so once, as there will be many."""
        if not self._set_aside[model]:
            log.warning(
                "%s: counts that another configuration cut are set aside; do all workers have this one? see"
                " docs/operations.md#changing-the-configuration",
                model,
            )
        self._set_aside[model] += 1

    def tick(self, clock: Clock, now: float) -> None:
        """Hears, at `now` (s, any origin), how far one partition has come."""
        self._listener.hear(clock, now)
        if clock.arrived:
            for watched in self.models.values():
                watched.came = min(clock.arrived, watched.came) if watched.came else clock.arrived

    def settle(self, now: float) -> None:
        """Moves the clock to what is known of all partitions. It never falls."""
        time = self._listener.time(now)
        if time is not None:
            self.clock = max(time, self.clock or 0)

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

    def judge_exposures(self) -> list[Alert]:
        """The alerts on what events hold that they should not, where they change."""
        if self.clock is None:
            return []
        models = self._config.models
        registers = ((name, register) for name, register in self.registers.items() if name in models)
        return [
            change
            for name, register in registers
            for change in exposures.step(models[name], name, register.all(), self._of(name), self.clock)
        ]

    def judge_removed(self) -> list[Alert]:
        """The alerts of models that the configuration no longer holds, resolved."""
        if self.clock is None:
            return []
        return lifecycle.removed(self._config.models, self.alerts.values(), self.clock)

    def _of(self, model: str) -> dict[str, Alert]:
        return {key: found for key, found in self.alerts.items() if found.model == model}

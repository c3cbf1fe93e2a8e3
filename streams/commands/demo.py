"""`fairlead demo`: an embedded broker, a worker and its page; COMPAS replayed; alerts as they fire."""

import asyncio
import json as jsonlib
import logging
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from rich.console import Console

from alerts import message as messages
from alerts.message import Message
from alerts.notifier import Sender
from monitor.config import Config
from monitor.readings import Reading
from streams import settings, topics
from streams.app import Worker
from streams.commands import progress, show
from streams.commands.measure import Measured, main_reading, summary
from streams.commands.options import BUNDLED
from streams.embedded import EmbeddedBroker
from streams.files import reader, replay
from streams.files.replay import KafkaSink
from streams.worker import make_embedded, page

MINUTE = "60s"
BEHIND = 2_000  # events that the agents may lag behind before the replay waits for them
EVENTS_A_PANE_MESSAGE = 50
PUBLISHED = (
    "ProPublica published in 2016: of those who were not arrested again, 44.9 % of African-Americans and"
    " 23.5 % of Caucasians had been called risky; of those who were, 28.0 % and 47.7 % had been called safe."
)


class Told(Sender):
    """Keeps the messages, and prints their first lines unless it is `quiet`."""

    def __init__(self, quiet: bool) -> None:
        self.messages: list[Message] = []
        self._quiet = quiet

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if not self._quiet:
            print(f"{messages.badge(message)} {message.title}", flush=True)


def run(*, once: bool, json: bool, port: int | None) -> int:
    """Runs the demo; the exit status. `once` replays as fast as it goes and then ends.

    With `json`, standard output holds one object: "measure" as `fairlead measure --json` prints it, the
    "alerts" that were sent, and "events_per_second".
    """
    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s %(message)s")
    config = settings.load(BUNDLED)
    config = replace(config, http=replace(config.http, port=config.http.port if port is None else port))
    told = Told(quiet=json)
    with EmbeddedBroker() as broker:
        worker = make_embedded(config, broker, {"console": told})
        demo = Demo(worker, told, Console(stderr=json), paced=not once)
        result = asyncio.run(demo.run(stay=not once))
    if json:
        sys.stdout.write(jsonlib.dumps(result) + "\n")
    return 0


class Demo:
    """One run over a worker that has not started."""

    def __init__(self, worker: Worker, told: Told, console: Console, paced: bool) -> None:
        self._worker, self._told, self._console = worker, told, console
        self._paced = paced
        self._sent = 0
        self._config: Config = worker.config
        self._records = replay.events(_compas(self._config))

    async def run(self, stay: bool) -> dict[str, Any]:
        """The summary, when all events are through; with `stay`, when somebody stops it."""
        async with page(self._worker) as address:
            self._console.print(f"The page is at [bold]{address}[/]", highlight=False)
            await self._worker.app.start()
            try:
                began = time.monotonic()
                await asyncio.to_thread(self._send, asyncio.get_running_loop())
                await self._settled()
                result = self._result(len(self._records) / (time.monotonic() - began))
                self._show()
                if stay:
                    self._console.print(
                        f"The page stays at [bold]{address}[/] until Ctrl-C.", highlight=False
                    )
                    with suppress(asyncio.CancelledError):
                        await asyncio.Event().wait()
                return result
            finally:
                await self._worker.app.stop()

    def _send(self, loop: AbstractEventLoop) -> None:
        """Sends all events, in a thread of its own, no faster than the agents follow."""
        broker = self._config.broker
        sink = KafkaSink(topics.client_settings(broker), api_version=(2, 1))
        speed = replay.speed(self._records, None, MINUTE if self._paced else None)
        with progress.bar("COMPAS, two years of decisions") as done:
            replay.send(
                self._records,
                sink,
                decisions=broker.decisions,
                feedback=broker.feedback,
                pace=replay.Pace(speed) if speed else None,
                wait=lambda: self._wait(loop),
                progress=done,
            )
        sink.close()

    def _wait(self, loop: AbstractEventLoop) -> None:
        self._sent += replay.AT_ONCE
        while asyncio.run_coroutine_threadsafe(_called(self._behind), loop).result() > BEHIND:
            time.sleep(0.1)

    def _behind(self) -> int:
        """How many events are not taken yet; a message of panes stands for some."""
        health, panes = self._worker.health(), topics.names(self._config.broker).panes
        waiting = max(health.lag.get(panes, {}).values(), default=0)  # one partition holds the model
        return self._sent - sum(health.events.values()) + EVENTS_A_PANE_MESSAGE * waiting

    async def _settled(self) -> None:
        """Until every event is in the readings, these have been judged and every alert is told."""
        judged = None  # how many rounds are over when the readings' own is
        while judged is None or self._worker.evaluate.rounds < judged or not self._all_told():
            if judged is None and self._all_read():
                judged = self._worker.evaluate.rounds + 1
            await asyncio.sleep(0.1)

    def _all_read(self) -> bool:
        expected = sum(not r.feedback for r in self._records), sum(r.feedback for r in self._records)
        last = max(record.time for record in self._records)
        readings = self._worker.readings()
        main = main_reading(readings) if readings else None
        done = main is not None and (main.decisions, main.feedback, main.as_of) == (*expected, last)
        return done and (self._worker.health().clock or 0) >= last

    def _all_told(self) -> bool:
        firing = sum(alert.fired for alert in self._worker.evaluate.alerts())
        told = {delivery.alert.id for delivery in self._worker.notify.deliveries() if delivery.told}
        return len(told) >= firing

    def _result(self, rate: float) -> dict[str, Any]:
        return {
            "measure": summary(self._worker.readings(), self._worker.health().invalid),
            "alerts": msgspec.to_builtins(self._told.messages),
            "events_per_second": round(rate, 1),
        }

    def _show(self) -> None:
        readings: list[Reading] = self._worker.readings()
        measured = Measured(readings, self._worker.health().invalid, {})
        model = self._config.models[readings[0].model]
        show.show(self._console, measured, model, main_reading(readings).window, everything=False)
        self._console.print(PUBLISHED, highlight=False)


async def _called(function: Callable[[], int]) -> int:
    return function()


def _compas(config: Config) -> Any:
    model = config.models[BUNDLED.stem]
    return reader.read(Path(BUNDLED).with_suffix(".csv"), BUNDLED.stem, settings.columns(model), 1 << 53)

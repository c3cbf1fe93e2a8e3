"""A worker on the broker inside its process, read over HTTP."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace

from monitor.config import ConfigError, Http
from streams.embedded import EmbeddedBroker
from streams.replay import KafkaSink
from streams.topics import client_settings
from streams.worker import make_embedded, page
from tests.alerts.doubles import Recorder
from tests.kafka.deployment import Process, wait_until
from tests.streams.line import CONFIG, CROWD, decision

EMBEDDED = replace(CONFIG, http=Http(port=0))


async def eventually(ask: Callable[[], Any]) -> Any:
    async with asyncio.timeout(30):
        while True:
            if answer := await ask():
                return answer
            await asyncio.sleep(0.05)


async def test_events_become_readings_and_alerts() -> None:
    told = Recorder()
    with EmbeddedBroker() as broker:
        worker = make_embedded(EMBEDDED, broker, {"console": told})
        async with page(worker) as address, ClientSession(address) as session:
            assert (await session.get("/readyz")).status == 503
            await worker.app.start()
            try:
                assert (await session.get("/readyz")).status == 200
                await asyncio.to_thread(send, worker.config.broker)

                async def complete() -> Any:
                    found = await (await session.get("/api/readings")).json()
                    return [r for r in found if r["decisions"] == CROWD] and told.got

                (message,) = await eventually(complete)
                assert message.title.startswith("loans: selection rate of F (sex) is")
            finally:
                await worker.app.stop()


def send(broker: Any) -> None:
    sink = KafkaSink(client_settings(broker), api_version=(2, 1))
    for number in range(CROWD):
        value = decision(number)
        sink.send(broker.decisions, json.loads(value)["id"].encode(), value)
    sink.flush()
    sink.close()


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken, EmbeddedBroker() as broker:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        worker = make_embedded(replace(EMBEDDED, http=Http(port=port)), broker)
        with pytest.raises(ConfigError, match=rf"^http\.port: {port} is not allowed; allowed: a port"):
            async with page(worker):
                pass


def test_what_is_logged_is_few_and_useful(tmp_path: Any) -> None:
    configuration = tmp_path / "fairlead.toml"
    configuration.write_text("[http]\nport = 0\n[models.m]\npositive = [true]\n")
    with Process(configuration, "--embedded") as worker:
        wait_until(worker.ready, "a worker that is ready")
        assert worker.stop(signal.SIGTERM) == 0
    said = [line.split(" ", 2)[2] for line in worker.lines]
    assert [line.split()[0] for line in said] == ["WARNING", "WARNING", "INFO"]
    assert "events go to 127.0.0.1:" in "".join(said)

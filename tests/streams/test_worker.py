"""`fairlead worker --embedded`: events become readings and alerts; little is logged, all of it useful."""

import json
import re
import socket
from pathlib import Path

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace

from monitor.config import ConfigError, Http, Ingest, Secret
from streams import cli
from streams.embedded import EmbeddedBroker
from streams.files.replay import KafkaSink
from streams.worker import make_embedded, page
from tests.kafka.deployment import Process, alerts, reading, wait_until
from tests.streams.line import CONFIG, CROWD, Line, decision

CONFIGURATION = """
hash_key = { env = "FAIRLEAD_TEST_KEY" }
[http]
port = 0
[alerts]
token = { env = "FAIRLEAD_TOKEN" }
[models.loans]
positive = ["yes"]
attributes = ["sex"]
reference = { sex = "M" }
windows = ["all"]
[[models.loans.rules]]
metric = "selection_rate"
min = -0.1
max = 0.1
"""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Process:
    monkeypatch.setenv("FAIRLEAD_TEST_KEY", "0123456789abcdef")
    monkeypatch.setenv("FAIRLEAD_TOKEN", "0123456789abcdef")
    configuration = tmp_path / "fairlead.toml"
    configuration.write_text(CONFIGURATION)
    return Process(configuration, "--embedded")


def test_events_become_readings_and_alerts(worker: Process) -> None:
    with worker:
        wait_until(worker.ready, "a worker that is ready")
        send(broker(worker))
        found = reading([worker], CROWD, 0)
        assert found["attributes"]["sex"]["groups"]["F"]["rates"]["selection_rate"]["value"] == 0
        wait_until(lambda: [a["state"] for a in alerts([worker])] == ["firing"], "an alert")
        assert worker.stop() == 0, worker.lines
    said = [line.split(" ", 2)[2].split(" ", 2) for line in worker.lines]
    assert [(level, name) for level, name, _ in said] == [
        ("WARNING", "streams.worker"),  # where events go
        ("INFO", "streams.worker"),  # where the page is
    ]


def test_people_see_reports_and_act_on_alerts(worker: Process, capsys: pytest.CaptureFixture[str]) -> None:
    def asked(*words: str) -> dict[str, list[dict[str, str]]]:
        capsys.readouterr()
        assert cli.main(["alerts", *words, "--json", "--url", worker.address]) == 0
        found: dict[str, list[dict[str, str]]] = json.loads(capsys.readouterr().out)
        return found

    with worker:
        wait_until(worker.ready, "a worker that is ready")
        silence = ["alerts", "silence", "--for", "1h", "--by", "Ada", "--url", worker.address]
        assert cli.main(silence) == 0
        wait_until(lambda: asked("list")["silences"], "the silence")
        send(broker(worker))
        wait_until(lambda: [a["state"] for a in alerts([worker])] == ["firing"], "an alert")
        told = wait_until(lambda: asked("history")["deliveries"], "a delivery")
        assert [(event["destination"], event["progress"]) for event in told] == [("console", "due")]
        assert cli.main(["status", worker.address]) == 1
        assert "Proved to be beyond the limit." in worker.get("/report/loans")
        assert worker.stop() == 0, worker.lines
    assert re.search(r"silence of \w{16} by Ada", "".join(worker.lines))


def broker(worker: Process) -> str:
    """Where events go, as the log says."""
    found = re.search(r"events go to (\S+)", "".join(worker.lines))
    assert found is not None, worker.lines
    return found[1]


def send(address: str) -> None:
    sink = KafkaSink({"bootstrap_servers": [address]}, api_version=(2, 1))
    for value in map(decision, range(CROWD)):
        sink.send("decisions", json.loads(value)["id"].encode(), value)
    sink.flush()
    sink.close()


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken, EmbeddedBroker() as broker:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        worker = make_embedded(replace(CONFIG, http=Http(port=port)), broker)
        with pytest.raises(ConfigError, match=rf"^http\.port: {port} is not allowed; allowed: a port"):
            async with page(worker):
                pass


async def test_a_compressed_body_is_refused_and_not_unfolded() -> None:
    """Whatever is in it, also what is no gzip at all."""
    token = "0123456789abcdef"
    config = replace(CONFIG, http=Http(port=0), ingest=Ingest(token=Secret(token)))
    line = Line(config)
    await line.start()
    kind = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    headers = {"Authorization": f"Bearer {token}", **kind}
    async with page(line.worker) as address, ClientSession(auto_decompress=False) as client:
        sent = client.post(
            f"{address}v1/decisions", data=b"no gzip", headers={**headers, "Content-Encoding": "gzip"}
        )
        async with sent as answer:
            assert (answer.status, (await answer.json())["errors"][0]["reason"]) == (415, "encoded")

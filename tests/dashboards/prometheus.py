"""A real Prometheus that scrapes one target."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession
from aiohttp.test_utils import unused_port

PATIENCE = 30.0  # seconds until a condition that does not come is an error
CONFIG = """
global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}
scrape_configs:
  - job_name: fairlead
    static_configs: [{{targets: ["{target}"]}}]
"""


def executable(name: str) -> str:
    """Its path; without one the test is skipped, or fails on CI."""
    found = shutil.which(name)
    if found is None:
        missing = f"no {name}: the queries are not tried on a real one"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return found


class Prometheus:
    """Its HTTP API."""

    def __init__(self, session: ClientSession, address: str) -> None:
        self._session = session
        self._address = address

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector of a PromQL expression, once it has one: a scrape that is late leaves a gap."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := await self._found(expression)):
                    pass
        except TimeoutError:
            pytest.fail(f"no data: {expression}")
        return found

    async def values(self, label: str, series: str) -> list[str]:
        """The values that a label has in the series."""
        return list(await self._get(f"label/{label}/values", **{"match[]": series}))

    async def _found(self, expression: str) -> list[dict[str, Any]]:
        with suppress(ClientError):  # it is starting
            if found := list((await self._get("query", query=expression))["result"]):
                return found
        await asyncio.sleep(0.1)  # before it is asked again
        return []

    async def _get(self, path: str, **parameters: str) -> Any:
        url = f"http://{self._address}/api/v1/{path}"
        async with self._session.get(url, params=parameters) as answer:
            if answer.status == 503:
                raise ClientError("not ready")
            body = await answer.json()
            assert body["status"] == "success", (parameters, body)
            return body["data"]


@asynccontextmanager
async def prometheus(directory: Path, target: str) -> AsyncIterator[Prometheus]:
    """A Prometheus with its data in `directory`; it ends with the context."""
    config = _configured(directory, target)
    address = f"127.0.0.1:{unused_port()}"
    process = await asyncio.create_subprocess_exec(
        executable("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with ClientSession() as session:
            yield Prometheus(session, address)
    finally:
        process.terminate()
        await process.wait()


def _configured(directory: Path, target: str) -> Path:
    directory.mkdir()
    config = directory / "prometheus.yml"
    config.write_text(CONFIG.format(target=target))
    return config

"""A real headless Chromium, driven over its DevTools protocol."""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]
PATIENCE = 20.0  # seconds until a condition that does not come is an error


def executable() -> str:
    """Chromium's path; without one the test is skipped, or fails on CI."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        missing = "no Chromium: the page is not tried in a browser"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return found


class Tab:
    """One tab. `problems` are its console errors, failed loads and violations of the content policy."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.problems: list[str] = []

    async def call(self, method: str, **parameters: object) -> dict[str, object]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=PATIENCE)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, object]) -> None:
        if message.get("method") in {"Log.entryAdded", "Runtime.exceptionThrown"}:
            self.problems.append(json.dumps(message["params"]))

    async def open(self, url: str, width: int = 1280, height: int = 900) -> None:
        await self.call("Log.enable")
        await self.call("Runtime.enable")
        await self.resize(width, height)
        await self.call("Page.navigate", url=url)

    async def resize(self, width: int, height: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def value(self, expression: str) -> object:
        """A JavaScript expression's value."""
        answer = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Waits until a JavaScript expression is true."""
        look = f"const look = () => ({expression}) ? done() : setTimeout(look, 20); look()"
        async with asyncio.timeout(PATIENCE):
            await self.value(f"new Promise((done) => {{ {look} }})")

    async def text(self, selector: str) -> str:
        return str(await self.value(f"document.querySelector({json.dumps(selector)})?.innerText"))


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Tab]:
    """A browser with an empty profile; it ends with the context."""
    process = await asyncio.create_subprocess_exec(
        executable(), *FLAGS, f"--user-data-dir={profile}", "about:blank", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    try:
        async with asyncio.timeout(PATIENCE):
            address = await _address(process.stderr)
        async with asyncio.TaskGroup() as tasks, ClientSession() as session:
            tasks.create_task(process.stderr.read())  # so that it never waits for a reader
            async with session.get(f"http://{address}/json/list") as answer:
                page = next(tab for tab in await answer.json() if tab["type"] == "page")
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                yield tab
                await tab.call("Browser.close")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _address(said: asyncio.StreamReader) -> str:
    """Where the protocol is served: "DevTools listening on ws://127.0.0.1:41213/…"."""
    async for line in said:
        if line.startswith(b"DevTools listening on ws://"):
            return line.decode().split("/")[2]
    raise AssertionError("Chromium ended before it was ready")

"""`fairlead worker`: one worker with its page, until SIGTERM."""

import asyncio
import functools
import gc
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from alerts import routes
from alerts.notifier import Sender
from dashboards.web import guard, make_web
from monitor.config import Config, ConfigError
from streams import office, rights, tables, topics
from streams.app import Worker
from streams.embedded import PARTITIONS, EmbeddedBroker
from streams.ingest import endpoints, foreign
from streams.ingest.backlog import Backlog
from streams.ingest.foreign import Foreign
from streams.process import serve
from streams.topics import Topics

YOUNG = 200_000  # objects that may be made before the garbage collector looks at them; Python's 700 are few
SWITCH_SECONDS = 0.0005  # after which a thread that reads models lets the loop go on; Python's 5 ms add up

LINGER = 2.0  # seconds for answers that are under way: Kafka is gone by then, and they wait for nothing


def run(config: Config, *, embedded: bool = False) -> int:
    """Runs a worker until SIGTERM or SIGINT; the exit status."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in (
        "aiokafka",
        "faust",
        "mode",
        "streams.tables",
        "streams.stores",
        "streams.consumer",
        "streams.process",
    ):
        logging.getLogger(chatty).setLevel("ERROR")
    logging.getLogger("kafka").setLevel("CRITICAL")  # its errors are raised, too
    if not embedded:
        worker = make(config)
        asyncio.run(_serve(worker))
        return 0
    with EmbeddedBroker() as broker:
        worker = make_embedded(config, broker)
        logging.getLogger(__name__).warning("events go to %s", broker.address)
        asyncio.run(_serve(worker))
    return 0


def make(config: Config, **settings: Any) -> Worker:
    """A worker on Apache Kafka; creates the topics that are missing. `settings` are Faust's."""
    notifiers = routes.build(config)
    found = topics.ensure(config.broker)
    theirs = foreign.named(config)
    rights.require(config.broker, found, theirs)
    ours = [found.decisions, found.panes, found.alerts]
    counts = topics.partitions(config.broker, ours)
    if unknown := [topic for topic in ours if not counts[topic]]:
        allowed = f"a Kafka that knows the topics which were made ({', '.join(unknown)})"
        raise ConfigError("broker.url", config.broker.url, allowed)
    exist = topics.partitions(config.broker, theirs, patience=0)
    for topic, name in theirs.items():
        if not exist[topic]:
            raise ConfigError(f"models.{name}.topic", topic, "a topic that exists")
    worker = Worker(
        config,
        found,
        notifiers,
        partitions=counts[found.decisions],
        panes=counts[found.panes],
        alerts=counts[found.alerts],
        **settings,
    )
    Foreign(worker.app, config, found, worker.collect.counts)
    return worker


def make_embedded(
    config: Config, broker: EmbeddedBroker, notifiers: Mapping[str, Sender] | None = None
) -> Worker:
    """A worker on the broker inside this process; notifiers are the configuration's unless given."""
    config = replace(config, broker=replace(config.broker, url=broker.url))
    found: Topics = topics.names(config.broker)
    broker.create(*found.everything, *foreign.named(config))
    told = routes.build(config) if notifiers is None else notifiers
    worker = Worker(config, found, told, partitions=PARTITIONS, panes=PARTITIONS, embedded=True)
    Foreign(worker.app, config, found, worker.collect.counts)
    return worker


@asynccontextmanager
async def page(worker: Worker) -> AsyncIterator[str]:
    """Serves the worker's page, metrics and health; gives its address. Raises ConfigError."""
    http = worker.config.http
    settings: dict[str, Any] = {"access_log": None, "logger": endpoints.log, "shutdown_timeout": LINGER}
    settings["auto_decompress"] = False  # no body may be compressed: what it would unfold to is not asked
    runner = web.AppRunner(_site(worker), **settings)
    await runner.setup()
    try:
        site = web.TCPSite(runner, http.host, http.port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigError("http.port", http.port, f"a port that is free ({error.strerror})") from None
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


def _site(worker: Worker) -> web.Application:
    """The page; events over HTTP, and acting on alerts, if there are tokens for them."""
    config = worker.config
    site = make_web(worker)
    if config.http.user is not None and config.http.password is not None:
        site.middlewares.append(endpoints.beside(guard(config.http.user, config.http.password), office.PATHS))
    if config.ingest.token is not None:
        backlog = Backlog(functools.partial(tables.send, worker.app))
        doors = endpoints.Ingest(config, config.ingest.token, backlog, worker.collect.counts)
        site.add_routes(doors.routes())
    if config.alerts.token is not None:
        site.add_routes(office.Office(worker, config.alerts.token).routes())
    return site


async def _serve(worker: Worker) -> None:
    _collect_garbage_rarely()
    sys.setswitchinterval(SWITCH_SECONDS)
    async with page(worker) as address:
        logging.getLogger(__name__).info("the page is at %s", address)
        await serve(worker.app)


def _collect_garbage_rarely() -> None:
    """Events hold no cycles, and die with their bundle: to look for cycles among them would cost a third."""
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)

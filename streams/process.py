"""A worker's process: Faust's app with our consumer, from its settings to its end."""

import asyncio
import signal
import tempfile
from typing import Any

import faust
from aiokafka.errors import KafkaError

from streams.bundles import BundleSchema
from streams.consumer import Consumer
from streams.guard import STOP_SECONDS, die, end_within, fatal
from streams.lanes import Take, side_by_side


class App(faust.App):  # type: ignore[misc]
    """A Faust app that uses our consumer and ends the process when a part of Faust crashes."""

    def __init__(self, *args: Any, embedded: bool, **kwargs: Any) -> None:
        self.embedded = embedded
        super().__init__(*args, **kwargs)

    def inputs(self, *topics: str) -> faust.Topic:
        """The channel of an agent: bundles of one or several topics with equal partition counts."""
        return self.topic(*topics, schema=BundleSchema())

    def consume(self, take: Take, *topics: str, name: str) -> None:
        """Adds an agent that awaits `take` for each bundle of some topics."""
        self.agent(self.inputs(*topics), name=name)(fatal(side_by_side(take)))

    def _new_transport(self) -> Any:
        transport = super()._new_transport()
        transport.Consumer = Consumer
        return transport

    def _crash(self, reason: BaseException) -> None:
        """While it stops anyway, Faust's services may crash as they like."""
        if self.should_stop:
            super()._crash(reason)
        else:
            die("Faust crashed", reason)


def make_app(group: str, broker: str, *, embedded: bool = False, **settings: Any) -> App:
    """The app of one worker of the consumer group `group`; `broker` is `kafka://host:port[;host:port]`.

    `settings` are Faust's and override ours, e.g. `broker_credentials`. Topics are not created: see
    `tables.Table.changelog` for those of the tables.
    """
    ours: dict[str, Any] = {
        "autodiscover": False,
        "web_enabled": False,
        "datadir": tempfile.gettempdir(),
        "processing_guarantee": "at_least_once",
        "producer_acks": -1,
        "producer_compression_type": None,  # blocks and panes are packed already
        "producer_max_batch_size": 512 * 1024,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": 1024 * 1024,
        "broker_session_timeout": 10.0,
        "broker_heartbeat_interval": 2.0,
        "broker_commit_interval": 2.0,
        "stream_buffer_maxsize": 10_000,  # never full: of a partition the agents have one bundle at most
        "stream_wait_empty": True,
        "table_standby_replicas": 0,  # a standby would only hold what recovery reads in seconds
        "topic_allow_declare": False,
        "topic_disable_leader": True,
    }
    return App(group, broker=broker, embedded=embedded, **(ours | settings))


async def serve(app: App, patience: float = STOP_SECONDS) -> None:
    """Runs the app in the running loop until SIGTERM or SIGINT, then stops it cleanly.

    From then on the process has `patience` seconds to end: without a broker it could take for ever.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    starting = asyncio.create_task(app.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            await stopping
    except KafkaError as error:  # it was there when the topics were looked at
        die("Kafka was lost while the worker started", error)
    finally:
        end_within(patience)
        starting.cancel()
        stopping.cancel()
        await app.stop()

"""`fairlead slices`: what the tests were fed, for whoever wants to check a verdict without our code."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import IO, Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from monitor.config import Broker, Config, ConfigError, slice_ms
from monitor.trials import ledger
from monitor.trials.ledger import Page
from monitor.trials.record import State, decode
from monitor.trials.trials import BOOKS, STATE
from streams import parts, topics
from streams.commands.measure import Measurement, spelled
from streams.commands.options import Source
from streams.files.reader import Chunk

HEADER = ("model", "source", "slice", "start", "attribute", "metric", "group", "n", "k", "squares", "outside")
Pages = dict[str, list[Page]]  # by model


def of_deployment(config: Config, patience: float = 30.0) -> Pages:
    """What is written down in Kafka, of all models. Raises ConfigError as :func:`durable` does."""
    return by_model(durable(config, patience))


def states_of_deployment(config: Config, patience: float = 30.0) -> dict[str, State]:
    """All tests as they are written down in Kafka, by model. Raises ConfigError as :func:`durable` does."""
    items = durable(config, patience)
    return {key.removeprefix(STATE).decode(): decode(item) for key, item in items if key.startswith(STATE)}


def durable(config: Config, patience: float) -> list[tuple[bytes, bytes]]:
    """What `evaluate` has written down. Raises ConfigError where Kafka cannot be read, or is silent for so
    many seconds."""
    broker = config.broker
    topic = topics.names(broker).pane_table
    try:
        with closing(Consumer(_settings(broker))) as consumer:
            found = consumer.list_topics(topic, timeout=patience).topics[topic]
            tables = [_table(consumer, topic, number, patience) for number in sorted(found.partitions)]
    except KafkaException as error:
        reason = error.args[0].str()
        raise ConfigError("broker.url", broker.url, f"the address of a running Kafka ({reason})") from None
    if not tables:
        raise ConfigError("broker.group", broker.group, f"a deployment's, whose topic is {topic}")
    return [item for table in tables for item in parts.joined(table).items()]


def _settings(broker: Broker) -> dict[str, Any]:
    """librdkafka's settings: of our clients it alone reads whatever the others compress with."""
    ours = topics.client_settings(broker)
    if "ssl_certfile" in ours:
        ours.setdefault("ssl_keyfile", ours["ssl_certfile"])  # librdkafka looks for the key nowhere else
    names = {
        "security_protocol": "security.protocol",
        "ssl_cafile": "ssl.ca.location",
        "ssl_certfile": "ssl.certificate.location",
        "ssl_keyfile": "ssl.key.location",
        "ssl_password": "ssl.key.password",
        "sasl_mechanism": "sasl.mechanism",
        "sasl_plain_username": "sasl.username",
        "sasl_plain_password": "sasl.password",
    }
    given = {names[name]: ours[name] for name in names if ours.get(name) is not None}
    return {
        "bootstrap.servers": ",".join(ours["bootstrap_servers"]),
        "group.id": f"{broker.group}-slices",  # it is asked for, and never used
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "log_level": 0,
        **given,
    }


def _table(consumer: Any, topic: str, partition: int, patience: float) -> dict[bytes, bytes]:
    """A compacted topic's items as of now."""
    items: dict[bytes, bytes | None] = {}
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
    while (message := consumer.poll(patience)) is not None:
        if message.error() is None:
            items[message.key()] = message.value()
        elif message.error().code() == KafkaError._PARTITION_EOF:
            return {key: value for key, value in items.items() if value is not None}
        else:
            raise KafkaException(message.error())
    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


def by_model(items: Iterable[tuple[bytes, bytes]]) -> Pages:
    """The ledger's pages among a table's items."""
    found: Pages = {}
    for key, record in items:
        if key.startswith(BOOKS):
            found.setdefault(key.split(b"/", 3)[3].decode(), []).extend(ledger.decode(record))
    return found


def of_file(source: Source, chunks: Iterable[Chunk]) -> Pages:
    """What the tests of `fairlead measure` are fed of a file."""
    measurement = Measurement(source.config, source.name)
    for chunk in chunks:
        measurement.take(chunk)
    if measurement.as_of is not None:
        measurement.trials.advance(measurement.as_of)
    return by_model(measurement.trials.unsaved().items())


def write(out: IO[str], pages: Pages, config: Config) -> int:
    """Writes them as CSV, by model, source, slice and row; how many rows. Models that the configuration does
    not hold are left out."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    rows = [row for name in sorted(pages.keys() & config.models.keys()) for row in _rows(name, pages, config)]
    writer.writerows(rows)
    return len(rows)


def _rows(name: str, pages: Pages, config: Config) -> Iterator[tuple[Any, ...]]:
    width = slice_ms(config.models[name])
    for page in sorted(pages[name], key=lambda page: (page.source, page.slice)):
        for row in [*((*row, "", "") for row in page.rows), *page.numbers]:
            yield name, page.source, page.slice, spelled(page.slice * width), *row

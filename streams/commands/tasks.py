"""What each command does with its arguments; the exit status is what it returns.

What a command needs is imported when it runs: no command waits for another's libraries.
"""

import asyncio
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from msgspec.structs import replace
from rich.console import Console

from monitor.config import Broker, Config, ConfigError, Model, Secret, durations, longest_window, windows
from monitor.config.windows import window_ms
from monitor.events import DAY_MS
from streams import settings
from streams.commands import options, progress
from streams.commands.options import Source
from streams.files import reader
from streams.files.reader import Chunk

OK, OUT_OF_LIMITS, FAILED = 0, 1, 2


def demo(args: Namespace) -> int:
    from streams.commands import demo

    return demo.run(once=args.once, json=args.json, port=args.port)


def worker(args: Namespace) -> int:
    from streams import worker

    return worker.run(settings.load(args.config), embedded=args.embedded)


def measure(args: Namespace) -> int:
    from streams.commands import paper
    from streams.commands.measure import Measurement, document, moment, out_of_limits
    from streams.commands.show import show

    whole = _with_window(options.source(args), args.window)
    source = _windowed(whole, args.window)
    baseline = settings.read_baseline(source.name, source.model)
    as_of = None if args.as_of is None else moment(args.as_of)
    measurement = Measurement(whole.config, source.name, as_of, baseline)
    for chunk in _chunks(source):
        measurement.take(chunk)
    with _waiting("Measuring"):
        measured = measurement.result(args.window)
    impacts = paper.impacts(measured, source, args.exclude_small) if args.impact else None
    if args.json:
        _print_json(document(measured, args.window, impacts))
    else:
        show(Console(), measured, source.model, args.window, args.all)
        paper.show(Console(), impacts or {}, source.model.favourable)
    if args.html is not None:
        wanted = {"internal": args.internal, "with_impact": args.impact, "exclude_small": args.exclude_small}
        paper.write(args.html, measured, source, **wanted)
    return OUT_OF_LIMITS if out_of_limits(measured.readings) else OK


def replay(args: Namespace) -> int:
    from streams import topics
    from streams.files import replay

    source = options.source(args)
    broker = _broker(source.config, args.broker)
    records = replay.events(_chunks(source))
    if args.shuffle is not None:
        records = replay.shuffled(records, _milliseconds("--shuffle", args.shuffle))
    if args.duplicate:
        records = replay.twice(records)
    speed = replay.speed(records, args.speed, args.duration)
    found = topics.names(broker) if args.embedded else topics.ensure(broker)
    # librdkafka's cluster answers no newer request, and has every topic
    more = {"api_version": (2, 1)} if args.embedded else {}
    client = topics.client_settings(broker)
    with closing(replay.KafkaSink(client, **more)) as sink, progress.bar("Sending") as bar:
        pace = None if speed is None else replay.Pace(speed)
        replay.send(
            records, sink, decisions=found.decisions, feedback=found.feedback, pace=pace, progress=bar
        )
    print(f"{len(records):,} events sent to {broker.url}", file=sys.stderr)
    return OK


def _broker(config: Config, url: str | None) -> Broker:
    broker = config.broker if url is None else replace(config.broker, url=url)
    settings.check_broker(broker, "broker.url" if url is None else "--broker")
    return broker


def baseline(args: Namespace) -> int:
    from monitor.baseline import to_json
    from streams.commands.reference import build

    source = options.source(args)
    made = to_json(build(source.name, source.model, _chunks(source)))
    if args.output is None:
        sys.stdout.buffer.write(made + b"\n")
        return OK
    try:
        args.output.write_bytes(made)
    except OSError as error:
        allowed = f"a file that can be written ({error.strerror})"
        raise ConfigError("--output", str(args.output), allowed) from None
    return OK


def init(args: Namespace) -> int:
    from streams.commands.init.proposal import draft, write

    made = draft(args.file, args.preset, args.model)
    write(args.output, made.text, args.force)
    for what, how in made.understood:
        print(f"{what:12}{how}")
    print(f"{args.output} is written; it is a guess. See what it says: fairlead check -c {args.output}")
    return OK


def rebuild(args: Namespace) -> int:
    from streams.commands import rebuild

    rebuild.run(settings.load(args.config).broker, sure=args.yes)
    return OK


def check(args: Namespace) -> int:
    from streams.commands.check import description, show

    config = settings.load(args.config)
    anew = _edits(config) if args.deployed else None
    if args.json:
        _print_json(description(config, anew))
    else:
        show(Console(), config, anew)
    return OK


def _edits(config: Config) -> list[str]:
    from monitor.trials.edits import edits
    from streams.commands.slices import states_of_deployment

    return edits(config, states_of_deployment(config))


def plan(args: Namespace) -> int:
    from streams.commands.plan import Assumption, check, document, expected, read, show

    config = settings.load(args.config)
    assumption = Assumption(args.per_day, args.share, args.rate, args.runs)
    check(assumption)
    known = {}
    if args.file is not None:
        name = options.model_name(args.model, config)
        known[name] = read(Source(args.file, config, name), _chunks)
    people = expected(config, assumption, known)
    with progress.bar("Simulating") as bar:
        found = document(config, people, runs=args.runs, seed=args.seed, tick=bar)
    if args.json:
        _print_json(found)
    else:
        show(Console(), found)
    return OK


def slices(args: Namespace) -> int:
    from streams.commands.slices import of_deployment, of_file, write

    config = settings.load(args.config)
    if args.file is not None:
        source = Source(args.file, config, options.model_name(args.model, config))
        pages = of_file(source, _chunks(source))
    else:
        pages = of_deployment(config)
    if args.model is not None:
        name = options.model_name(args.model, config)
        pages = {name: pages.get(name, [])}
    if args.output is None:
        write(sys.stdout, pages, config)
        return OK
    try:
        with args.output.open("w", encoding="utf-8", newline="") as out:
            write(out, pages, config)
    except OSError as error:
        allowed = f"a file that can be written ({error.strerror})"
        raise ConfigError("--output", str(args.output), allowed) from None
    return OK


def status(args: Namespace) -> int:
    from streams.commands import remote, status

    found = status.ask(remote.reader(args))
    if args.json:
        _print_json(status.document(found))
    else:
        status.show(Console(), found)
    return OK if found.well else OUT_OF_LIMITS


def push_boards(args: Namespace) -> int:
    from dashboards.provision import ProvisionError, push

    secret = os.environ.get(args.secret)
    if not secret:
        raise ConfigError("--secret", args.secret, "the name of an environment variable that is set")
    credential = Secret(secret) if args.user is None else (args.user, Secret(secret))
    try:
        for address in push(args.url, credential):
            print(address)
    except ProvisionError as error:
        print(f"fairlead: {error}", file=sys.stderr)
        return FAILED
    return OK


def export_boards(args: Namespace) -> int:
    from dashboards.provision import export

    try:
        for path in export(args.directory):
            print(path)
    except OSError as error:
        allowed = f"a folder that can be written ({error.strerror})"
        raise ConfigError("DIRECTORY", str(args.directory), allowed) from None
    return OK


def try_alerts(args: Namespace) -> int:
    from alerts import routes

    config = settings.load(args.config)
    senders = routes.build(config)
    unknown = next((name for name in args.to if name not in senders), None)
    if unknown is not None:
        raise ConfigError("DESTINATION", unknown, f"one of {', '.join(sorted(senders))}")
    return asyncio.run(_try_all(config, {name: senders[name] for name in args.to or sorted(senders)}))


async def _try_all(config: Config, senders: dict[str, Any]) -> int:
    from alerts import message
    from alerts.notifier import Refused, Retry

    status = OK
    for name, sender in senders.items():
        try:
            await sender.send(message.trial(config))
            print(f"{name}: sent", file=sys.stderr)
        except (Retry, Refused) as error:
            print(f"{name}: {error.reason}", file=sys.stderr)
            status = FAILED
    return status


def alerts_list(args: Namespace) -> int:
    from streams.commands import officer, remote

    found = officer.ask(remote.officer(args))
    if args.json:
        listed = {"alerts": officer.listed(found), "silences": found.silences}
        _print_json(officer.document(listed))
    else:
        officer.show_list(Console(), found)
    return OK


def alerts_show(args: Namespace) -> int:
    from streams.commands import officer, remote

    found = officer.ask(remote.officer(args))
    id = officer.chosen(found.alerts, args.id)
    if args.json:
        _print_json(officer.document(officer.of_one(found, id)))
    else:
        officer.show_one(Console(), found, id)
    return OK


def alerts_history(args: Namespace) -> int:
    from streams.commands import officer, remote

    found = officer.ask(remote.officer(args))
    if args.json:
        _print_json(officer.document({"deliveries": found.deliveries, "actions": found.actions}))
    else:
        officer.show_history(Console(), found)
    return OK


def alerts_ack(args: Namespace) -> int:
    from alerts.actions import Kind
    from streams.commands import officer, remote

    worker = remote.officer(args)
    id = officer.chosen(officer.ask(worker).alerts, args.id)
    officer.act(worker, Kind.ACK, about=id, by=args.by, comment=args.comment)
    print(f"{id} is taken on by {args.by}")
    return OK


def alerts_silence(args: Namespace) -> int:
    from alerts.actions import Kind
    from streams.commands import officer, remote

    words = {"model": args.model, "rule": args.rule, "group": args.group}
    ms = _milliseconds("--for", args.time)
    done = officer.act(remote.officer(args), Kind.SILENCE, ms=ms, by=args.by, comment=args.comment, **words)
    print(f"{done.about} begins, for {args.time}")
    return OK


def alerts_unsilence(args: Namespace) -> int:
    from alerts.actions import Kind
    from streams.commands import officer, remote

    worker = remote.officer(args)
    id = officer.chosen(officer.ask(worker).silences, args.id)
    officer.act(worker, Kind.UNSILENCE, about=id, by=args.by, comment=args.comment)
    print(f"{id} is over")
    return OK


def _with_window(source: Source, window: str | None) -> Source:
    """The source with a model that has this window, too; its rules keep theirs, and so does the budget."""
    if window is None or window in source.model.windows:
        return source
    try:
        window_ms(window)
    except ValueError:
        raise ConfigError("--window", window, windows.ALLOWED) from None
    model, longest = source.model, longest_window(source.model)
    rules = [replace(rule, window=rule.window or longest) for rule in model.rules]
    return options.with_model(source, replace(model, windows=[*model.windows, window], rules=rules))


def _windowed(source: Source, window: str | None) -> Source:
    """The source with a model that has only this window, and only the rules about it: what is shown."""
    return source if window is None else options.with_model(source, _only(source.model, window))


def _only(model: Model, window: str) -> Model:
    longest = longest_window(model)
    rules = [rule for rule in model.rules if (rule.window or longest) == window]
    return replace(model, windows=[window], rules=rules)


def _chunks(source: Source) -> Iterator[Chunk]:
    """The file's events, with a progress bar."""
    latest = int(time.time() * 1000) + DAY_MS
    with progress.bar(f"Reading {source.path.name}") as bar:
        for chunk in reader.read(source.path, source.name, source.columns, latest):
            bar(chunk.done)
            yield chunk


@contextmanager
def _waiting(label: str) -> Iterator[None]:
    with Console(stderr=True).status(label):
        yield


def _milliseconds(option: str, text: str) -> int:
    try:
        return durations.milliseconds(text)
    except ValueError:
        raise ConfigError(option, text, durations.ALLOWED) from None


def _print_json(found: Any) -> None:
    print(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))

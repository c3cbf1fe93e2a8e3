"""The command `fairlead`."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args

from monitor.config import ConfigError, Preset
from streams.commands import options

OK, OUT_OF_LIMITS, BAD_INPUT, BROKEN, INTERRUPTED = 0, 1, 2, 70, 130


class Parser(ArgumentParser):
    """argparse, with errors in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit status."""
    args = parser().parse_args(arguments)
    try:
        return _run(args)
    except ConfigError as error:
        return _complain(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who read our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        return _complain(
            f"this is a fault of Fairlead, please report it: {error!r} at {_place(error)}", BROKEN
        )


def _run(args: Namespace) -> int:
    from streams.commands import tasks  # imported late, so that --help answers at once

    status: int = getattr(tasks, args.run)(args)
    sys.stdout.flush()
    return status


def _complain(message: str, status: int) -> int:
    print(f"fairlead: {' '.join(message.splitlines())}", file=sys.stderr)
    return status


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def parser() -> ArgumentParser:
    """All commands and their options."""
    top = Parser(prog="fairlead", description="Watches the decisions that AI systems make about people.")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_worker(commands)
    _add_measure(commands)
    _add_replay(commands)
    _add_baseline(commands)
    _add_init(commands)
    _add_check(commands)
    _add_dashboards(commands)
    _add_alerts(commands)
    return top


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser("demo", help="try it out: COMPAS through a broker, a worker and a page")
    demo.add_argument("--once", action="store_true", help="end when all events are through")
    demo.add_argument("--json", action="store_true", help="print the summary as JSON at the end")
    demo.add_argument(
        "--port", type=int, metavar="PORT", help="the page's port (default: the configuration's)"
    )
    demo.set_defaults(run="demo")


def _add_worker(commands: Any) -> None:
    worker = commands.add_parser("worker", help="run one worker of the deployment")
    _add_config(worker)
    worker.add_argument("--embedded", action="store_true", help="with a broker inside, for trying out")
    worker.set_defaults(run="worker")


def _add_measure(commands: Any) -> None:
    measure = commands.add_parser("measure", help="measure a file, without Kafka")
    options.add(measure)
    measure.add_argument(
        "--as-of", metavar="TIME", help="only events up to then count; a day stands for its end"
    )
    measure.add_argument("--window", metavar="WINDOW", help="one window instead of the configured ones")
    measure.add_argument("--all", action="store_true", help="show comparisons that no rule asks for, too")
    measure.add_argument("--json", action="store_true", help="print one JSON object")
    measure.set_defaults(run="measure")


def _add_replay(commands: Any) -> None:
    replay = commands.add_parser("replay", help="send a file as decision and feedback events")
    options.add(replay)
    pace = replay.add_mutually_exclusive_group()
    pace.add_argument("--speed", metavar="N", help="N times as fast as it was, as in 10000x")
    pace.add_argument("--duration", metavar="TIME", help="so that all takes TIME, as in 60s")
    replay.add_argument("--duplicate", action="store_true", help="send every event twice")
    replay.add_argument("--shuffle", metavar="TIME", help="delay each event by up to TIME, as in 60d")
    replay.add_argument("--broker", metavar="URL", help="the broker (default: the configuration's)")
    replay.add_argument("--embedded", action="store_true", help="the broker is one inside a worker")
    replay.set_defaults(run="replay")


def _add_baseline(commands: Any) -> None:
    baseline = commands.add_parser("baseline", help="build a drift baseline from a file")
    options.add(baseline)
    baseline.add_argument(
        "-o", "--output", type=Path, metavar="PATH", help="where to (default: standard output)"
    )
    baseline.set_defaults(run="baseline")


def _add_init(commands: Any) -> None:
    init = commands.add_parser("init", help="write a configuration to start from")
    init.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a CSV of decisions (also with .gz)")
    init.add_argument("--preset", choices=get_args(Preset), metavar="WORD", help="the kind of model")
    init.add_argument("--model", metavar="NAME", help="what the model is called (default: as the file)")
    init.add_argument(
        "-o", "--output", type=Path, default="fairlead.toml", metavar="PATH", help="where to write it"
    )
    init.add_argument("--force", action="store_true", help="also over a file that is there")
    init.set_defaults(run="init")


def _add_check(commands: Any) -> None:
    check = commands.add_parser("check", help="say what will be monitored")
    _add_config(check)
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.set_defaults(run="check")


def _add_dashboards(commands: Any) -> None:
    dashboards = commands.add_parser("dashboards", help="the Grafana boards")
    actions = dashboards.add_subparsers(title="actions", metavar="ACTION", required=True)
    push = actions.add_parser("push", help="create or replace them in Grafana")
    push.add_argument("url", metavar="URL", help="Grafana's address")
    push.add_argument("--user", metavar="NAME", help="log in by name; without it, by a token")
    push.add_argument(
        "--secret",
        default="GRAFANA_TOKEN",
        metavar="VARIABLE",
        help="the variable with the token or password",
    )
    push.set_defaults(run="push_boards")
    export = actions.add_parser("export", help="write them as files that Grafana provisions")
    export.add_argument("directory", type=Path, metavar="DIRECTORY")
    export.set_defaults(run="export_boards")


def _add_alerts(commands: Any) -> None:
    alerts = commands.add_parser("alerts", help="who is told")
    actions = alerts.add_subparsers(title="actions", metavar="ACTION", required=True)
    test = actions.add_parser("test", help="send a trial message")
    _add_config(test)
    test.add_argument("to", nargs="*", metavar="DESTINATION", help="as in slack:risk (default: all)")
    test.set_defaults(run="try_alerts")


def _add_config(command: ArgumentParser) -> None:
    command.add_argument(
        "-c", "--config", type=Path, default="fairlead.toml", metavar="TOML", help="the configuration"
    )

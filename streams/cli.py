"""The command `fairlead`."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args

from monitor.config import ConfigError, Preset
from streams.commands import options

ADDRESS = "http://127.0.0.1:6066"  # of a worker, as `[http]` has it unless told otherwise
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
    _add_plan(commands)
    _add_slices(commands)
    _add_status(commands)
    _add_rebuild(commands)
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
    measure.add_argument("--impact", action="store_true", help="add impact ratios as regulators ask for")
    measure.add_argument(
        "--exclude-small", action="store_true", help="leave categories under 2 %% out of impact ratios"
    )
    measure.add_argument("--html", type=Path, metavar="PATH", help="write a report for people")
    measure.add_argument("--internal", action="store_true", help="small groups, too, in the report")
    _add_json(measure)
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
    check.add_argument(
        "--deployed",
        action="store_true",
        help="and which tests it begins anew, by the deployment's state in Kafka",
    )
    _add_json(check)
    check.set_defaults(run="check")


def _add_plan(commands: Any) -> None:
    plan = commands.add_parser("plan", help="say which gaps will be found, and when")
    plan.add_argument("file", nargs="?", type=Path, metavar="FILE", help="past decisions, or a baseline")
    _add_config(plan)
    plan.add_argument("--model", metavar="NAME", help="the model that the file is about")
    plan.add_argument("--per-day", type=float, metavar="N", help="decisions a day")
    plan.add_argument("--share", type=float, default=0.1, metavar="S", help="a group's share, if not known")
    plan.add_argument("--rate", type=float, default=0.5, metavar="R", help="every rate, if not known")
    plan.add_argument("--runs", type=int, default=200, metavar="N", help="simulated streams a gap")
    plan.add_argument("--seed", type=int, default=1, metavar="N", help="of the random numbers")
    _add_json(plan)
    plan.set_defaults(run="plan")


def _add_slices(commands: Any) -> None:
    slices = commands.add_parser("slices", help="what the tests were fed, to replicate a verdict")
    slices.add_argument("file", nargs="?", type=Path, metavar="FILE", help="decisions, instead of Kafka")
    _add_config(slices)
    slices.add_argument("--model", metavar="NAME", help="one model instead of all")
    slices.add_argument(
        "-o", "--output", type=Path, metavar="PATH", help="where to (default: standard output)"
    )
    slices.set_defaults(run="slices")


def _add_status(commands: Any) -> None:
    status = commands.add_parser("status", help="say how a running worker does, and what fires")
    status.add_argument(
        "url", nargs="?", default=ADDRESS, metavar="URL", help=f"the worker (default: {ADDRESS})"
    )
    status.add_argument("--user", metavar="NAME", help="log in by name, as the page asks for it")
    status.add_argument(
        "--secret", default="FAIRLEAD_PASSWORD", metavar="VARIABLE", help="the variable with the password"
    )
    _add_json(status)
    status.set_defaults(run="status")


def _add_rebuild(commands: Any) -> None:
    rebuild = commands.add_parser("rebuild", help="forget all state, and make it anew from the events")
    _add_config(rebuild)
    rebuild.add_argument("--yes", action="store_true", help="do it; without, only say what would go")
    rebuild.set_defaults(run="rebuild")


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
    _add_json(_add_officer(actions, "list", "all alerts and silences of a running worker"))
    show = _add_officer(actions, "show", "one alert, its evidence, what was told and done")
    show.add_argument("id", metavar="ID", help="what its id begins with")
    _add_json(show)
    past = _add_officer(actions, "history", "what was told, and what people did")
    _add_json(past)
    ack = _add_officer(actions, "ack", "take an alert on: everybody sees who did")
    ack.add_argument("id", metavar="ID", help="what its id begins with")
    _add_who(ack)
    silence = _add_officer(actions, "silence", "tell nobody for a time")
    silence.add_argument("--for", required=True, dest="time", metavar="TIME", help="for how long, as in 8h")
    for word in ("model", "rule", "group"):
        silence.add_argument(f"--{word}", metavar="NAME", help=f"only alerts of this {word}")
    _add_who(silence)
    unsilence = _add_officer(actions, "unsilence", "end a silence")
    unsilence.add_argument("id", metavar="ID", help="what its id begins with")
    _add_who(unsilence)


def _add_officer(actions: Any, name: str, says: str) -> ArgumentParser:
    """A command for those who have the token of `[alerts]`."""
    command: ArgumentParser = actions.add_parser(name, help=says)
    command.add_argument("--url", default=ADDRESS, metavar="URL", help=f"the worker (default: {ADDRESS})")
    command.add_argument(
        "--secret", default="FAIRLEAD_TOKEN", metavar="VARIABLE", help="the variable with the token"
    )
    command.set_defaults(run=f"alerts_{name}")
    return command


def _add_who(command: ArgumentParser) -> None:
    command.add_argument("--by", required=True, metavar="NAME", help="who you are, for the audit trail")
    command.add_argument("--comment", default="", metavar="TEXT", help="why")


def _add_json(command: ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object")


def _add_config(command: ArgumentParser) -> None:
    command.add_argument(
        "-c", "--config", type=Path, default="fairlead.toml", metavar="TOML", help="the configuration"
    )

"""How a command that reads a file learns what the file's columns mean: a configuration, or options."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from monitor.config import SEPARATOR, Columns, Config, ConfigError, Model, parts

DEFAULT = Path("fairlead.toml")
BUNDLED = Path(__file__).parents[1] / "data" / "compas.toml"


class Source(Struct, frozen=True):
    """A file, the model that its events are about, and the configuration that knows it."""

    path: Path
    config: Config
    name: str

    @property
    def model(self) -> Model:
        return self.config.models[self.name]

    @property
    def columns(self) -> Columns | None:
        return self.model.columns


def with_model(source: Source, model: Model) -> Source:
    """The source with another configuration of its model."""
    models = source.config.models | {source.name: model}
    return replace(source, config=replace(source.config, models=models))


def add(parser: ArgumentParser) -> None:
    """The options of every command that reads a file."""
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV, JSONL (both also with .gz) or Parquet")
    parser.add_argument("-c", "--config", type=Path, metavar="TOML", help="the configuration")
    parser.add_argument("--model", metavar="NAME", help="the model that the file is about")
    group = parser.add_argument_group(
        "instead of a configuration", "what the columns mean; the default of each is in docs/commands.md"
    )
    group.add_argument(
        "--positive", action="append", metavar="VALUE", help="a decision that counts as positive"
    )
    group.add_argument("--unfavourable", action="store_true", help="positive is bad for the person")
    group.add_argument("--positive-outcome", action="append", metavar="VALUE", help="a positive outcome")
    group.add_argument(
        "--attribute",
        action="append",
        metavar="NAME[=COLUMN]",
        help="a protected attribute, or an intersection such as 'sex & race'; again for more",
    )
    group.add_argument(
        "--feature", action="append", metavar="NAME[=COLUMN]", help="a feature to watch for drift"
    )
    group.add_argument("--reference", action="append", metavar="ATTRIBUTE=GROUP", help="whom to compare with")
    group.add_argument("--preset", metavar="WORD", help="rules: credit, hiring, support or recommendation")
    for field in ("id", "time", "decision", "score", "outcome", "outcome-time"):
        group.add_argument(
            f"--{field}", metavar="COLUMN", help=f"the column of the {field.replace('-', ' ')}"
        )


def source(args: Namespace) -> Source:
    """What the options say. Raises ConfigError."""
    from streams import (
        settings,  # brings the notifiers with it: imported late, so that --help answers at once
    )

    if args.positive:
        return _described(args, settings.build)
    path = _config_path(args)
    config = settings.load(path)
    return Source(args.file, config, model_name(args.model, config))


def model_name(wanted: str | None, config: Config) -> str:
    """The model named by `--model`; the only one where none is. Raises ConfigError."""
    if wanted in config.models:
        return wanted
    if wanted is None and len(config.models) == 1:
        return next(iter(config.models))
    raise ConfigError("--model", wanted, f"one of {', '.join(config.models)}")


def _config_path(args: Namespace) -> Path:
    """The configuration given; else the one beside the file, the one here, or that of the demo's model."""
    if args.config is not None:
        return Path(args.config)
    beside: Path = args.file.with_name(args.file.name.partition(".")[0] + ".toml")
    bundled = [BUNDLED] if args.model == BUNDLED.stem else []
    found = next((path for path in (beside, *bundled, DEFAULT) if path.exists()), None)
    if found is None:
        allowed = (
            f"a configuration: -c, {beside.name} beside the file, {DEFAULT} here, or --positive and its like"
        )
        raise ConfigError("-c", None, allowed)
    return found


def _described(args: Namespace, build: Callable[[dict[str, Any], Path], Config]) -> Source:
    crossed = [word for word in args.attribute or [] if SEPARATOR in word]
    singles = [word for word in args.attribute or [] if SEPARATOR not in word]
    attributes = {part: part for word in crossed for part in parts(word)} | _pairs(singles)
    features = _pairs(args.feature)
    fields = ("id", "time", "decision", "score", "outcome", "outcome_time")
    given = {field: getattr(args, field) for field in fields if getattr(args, field) is not None}
    model: dict[str, Any] = {
        "positive": args.positive,
        "favourable": not args.unfavourable,
        "attributes": [*attributes, *map(parts, crossed)],
        "features": list(features),
        "windows": ["all"],
        "columns": {**given, "attributes": attributes, "features": features},
    }
    optional = {"positive_outcome": args.positive_outcome, "preset": args.preset}
    model |= {key: value for key, value in optional.items() if value}
    if args.reference:
        model["reference"] = _pairs(args.reference)
    name = args.model or args.file.name.partition(".")[0]
    return Source(args.file, build({"models": {name: model}}, Path()), name)


def _pairs(words: list[str] | None) -> dict[str, str]:
    """`NAME=COLUMN`; a name alone is the column's too."""
    split = (word.partition("=") for word in words or [])
    return {name: column or name for name, _, column in split}

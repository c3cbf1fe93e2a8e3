"""The long run: `make fuzz`. Each target for some time, by atheris, whose coverage leads it to new paths.

    make fuzz ARGS="--seconds 600 --only body"

An input that fails is printed; put its bytes into CRASHES of test_targets.py, and mend what it found.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["monitor", "streams", "alerts"], enable_loader_override=False):
    from tests.fuzz import targets

LONGEST = 4_096  # bytes of an input
MEMORY = 1_000  # MB that a target may take


def main() -> int:
    """Runs the targets, each in a process of its own; 1 if one failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=300, help="for each target (%(default)s)")
    parser.add_argument("--only", choices=targets.TARGETS, help="one target")
    args = parser.parse_args()
    names = [args.only] if args.only else list(targets.TARGETS)
    failed = [name for name in names if _one(name, args.seconds)]
    print(f"{len(names) - len(failed)} of {len(names)} targets held", *failed)
    return 1 if failed else 0


def _one(name: str, seconds: int) -> int:
    print(f"--- {name}", flush=True)
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--target", name, str(seconds)], check=False
    ).returncode


def fuzz(name: str, seconds: int) -> None:
    """One target in this process, which ends with it."""
    with tempfile.TemporaryDirectory(prefix="fairlead-fuzz-") as corpus:
        for number, seed in enumerate(targets.SEEDS[name]()):
            (Path(corpus) / str(number)).write_bytes(seed)
        limits = [
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST}",
            f"-rss_limit_mb={MEMORY}",
            "-timeout=20",
        ]

        def one(data: bytes) -> None:
            try:
                targets.run(name, data)
            except Exception:
                print(f"CRASH of {name}: {data!r}", flush=True)
                raise

        atheris.Setup([sys.argv[0], corpus, *limits, "-print_final_stats=1"], one)
        atheris.Fuzz()


if sys.argv[1:2] == ["--target"]:
    fuzz(sys.argv[2], int(sys.argv[3]))
elif __name__ == "__main__":
    sys.exit(main())

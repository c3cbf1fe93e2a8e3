"""A nightly batch job that reports a file of scored candidates: `python batch_job.py scored.csv`.

The file has the columns id, time (ISO 8601 with an offset), score, invited (yes or no), sex. Running the job
twice does no harm: Fairlead counts an event once, however often it comes.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime

from fairlead_client import Emitter

BATCH = 10_000  # rows, fewer than an emitter's queue holds


def report(rows: Iterable[Mapping[str, str]], emitter: Emitter, patience: float = 600) -> int:
    """Delivers one decision for each row and returns how many there were.

    Ends the job when Kafka has not taken a batch within `patience` seconds, or refuses an event.
    """
    count = 0
    for row in rows:
        emitter.decision(
            id=row["id"],
            time=datetime.fromisoformat(row["time"]),
            decision=row["invited"] == "yes",
            score=float(row["score"]),
            attributes={"sex": row["sex"] or None},
        )
        count += 1
        if count % BATCH == 0:
            deliver(emitter, patience)
    deliver(emitter, patience)
    return count


def deliver(emitter: Emitter, patience: float) -> None:
    """Waits until all that was emitted is in Kafka."""
    if not emitter.flush(timeout=patience):
        sys.exit(f"not all events were delivered: {emitter.stats}")


def main(path: str) -> None:
    """Reports the file; a job that could not deliver everything fails, so that it is run again."""
    kafka = os.environ.get("KAFKA_BOOTSTRAP", "localhost:9092")
    # A batch job wants to know what is wrong.
    with (
        open(path, newline="", encoding="utf-8") as file,
        Emitter(kafka, model="hiring", strict=True) as emitter,
    ):
        count = report(csv.DictReader(file), emitter)
    print(f"{count} decisions reported")


if __name__ == "__main__":
    main(*sys.argv[1:])

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


def report(rows: Iterable[Mapping[str, str]], emitter: Emitter) -> int:
    """Emits one decision for each row and returns how many there were."""
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
    return count


def main(path: str) -> None:
    """Reports the file; a job that could not deliver everything fails, so that it is run again."""
    # A batch job has time: it waits for Kafka rather than dropping events, and wants to know what is wrong.
    with (
        open(path, newline="", encoding="utf-8") as file,
        Emitter(
            os.environ.get("KAFKA_BOOTSTRAP", "localhost:9092"), model="hiring", policy="block", strict=True
        ) as emitter,
    ):
        count = report(csv.DictReader(file), emitter)
        if not emitter.flush(timeout=600):
            sys.exit(f"{emitter.stats['pending']} of {count} events were not delivered: {emitter.stats}")
    print(f"{count} decisions reported")


if __name__ == "__main__":
    main(*sys.argv[1:])

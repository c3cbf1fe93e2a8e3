"""What every folder of tests may use."""

from tests.kafka.broker import kafka, unique

__all__ = ["kafka", "unique"]

"""What ingest promises: one document, one page, one piece of code that say the same."""

import json
import re
from pathlib import Path

from streams.ingest import endpoints, openapi

DOCS = Path(__file__).parents[3] / "docs"


def test_the_document_is_fresh() -> None:
    found = (DOCS / "openapi.json").read_bytes()
    assert found == openapi.document(), "run python -m streams.ingest.openapi docs/openapi.json"


def test_every_reference_leads_somewhere() -> None:
    text = openapi.document().decode()
    references = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text))
    assert references == set(json.loads(text)["components"]["schemas"])


def test_every_status_and_reason_is_documented() -> None:
    text = (DOCS / "ingest.md").read_text()
    documented = {(int(s), r) for s, r in re.findall(r"^\| (\d{3}) \| (?:`(\w+)` )?\|", text, re.MULTILINE)}
    code = Path(endpoints.__file__).read_text()
    refused = {(int(s), r) for s, r in re.findall(r'RefusedError\((\d{3}), "(\w+)"', code)}
    assert documented == refused | {(202, ""), (400, "")}
    assert {status for status, _ in documented} == set(openapi.ANSWERS)

"""Writes the JSON Schemas from the models: `python -m lab.schemas`; a test keeps them in step."""

import json
from pathlib import Path

from pydantic import BaseModel

import harness.schemas
from harness.evidence.models import Evidence
from harness.judging.verdict import Verdict

DOCUMENTS: dict[str, type[BaseModel]] = {"verdict": Verdict, "evidence": Evidence}


def schema(name: str) -> str:
    """Return the schema of a document as JSON text."""
    model = DOCUMENTS[name]
    return json.dumps(model.model_json_schema(mode="serialization"), indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write every schema where the package ships it."""
    for name in DOCUMENTS:
        (Path(harness.schemas.__file__).parent / f"{name}.schema.json").write_text(schema(name), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Splits the applications into training and validation data and fits the encoder.

    python3 src/preprocess.py --input-train DIR --output-train DIR --output-validation DIR

Both splits keep the raw columns, cleaned: models encode for themselves, so that an older model, with
another encoder, can be measured on the same validation data. The encoder is fitted on the training
part alone and goes with it, as `schema/encoder.json`.

A row's part is decided by a digest of its values. So the split is the same on every machine, equal
rows never fall on both sides, and rows that are added later leave the others where they are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import sys

import tables
from features import RAW_COLUMNS, Encoder

VALIDATION_PERCENT = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input-train", type=pathlib.Path, required=True)
    parser.add_argument("--output-train", type=pathlib.Path, required=True)
    parser.add_argument("--output-validation", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    try:
        preprocess(arguments.input_train, arguments.output_train, arguments.output_validation)
    except (ValueError, OSError) as error:
        sys.exit(f"preprocess: {error}")


def preprocess(source: pathlib.Path, train: pathlib.Path, validation: pathlib.Path) -> None:
    applications = tables.read_folder(source)
    kept = [application for application in applications if not is_validation(application)]
    held_out = [application for application in applications if is_validation(application)]
    for name, part in (("training", kept), ("validation", held_out)):
        if len({application.denied for application in part}) < 2:
            raise ValueError(f"the {name} part needs both approved and denied applications")

    encoder = Encoder.fit([application.row for application in kept])
    tables.write_file(train / "train.csv", kept)
    tables.write_file(validation / "validation.csv", held_out)
    schema = train / "schema" / "encoder.json"
    schema.parent.mkdir(parents=True, exist_ok=True)
    schema.write_text(json.dumps(encoder.to_json(), indent=2) + "\n", encoding="utf-8")

    print(f"applications: {len(applications)} (training: {len(kept)}, validation: {len(held_out)})")
    print(f"features: {', '.join(encoder.names)}")


def is_validation(application: tables.Application) -> bool:
    values = [application.row[column] for column in RAW_COLUMNS] + [application.denied]
    digest = hashlib.sha256(json.dumps(values).encode()).digest()
    return int.from_bytes(digest[:8], "big") % 100 < VALIDATION_PERCENT


if __name__ == "__main__":
    main()

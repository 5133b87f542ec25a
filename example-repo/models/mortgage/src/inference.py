"""Serves the model: the four functions that SageMaker's serving containers call.

Requests, one or more raw applications:
    application/json   {"instances": [{"dir": 0.33, "lvr": 0.8, ...}, ...]}, or one such object alone
    text/csv           one application a line, the columns in the order of features.RAW_COLUMNS;
                       a first line that names exactly these columns is skipped
Answers:
    application/json   {"predictions": [{"probability": 0.07, "approved": true}, ...]}
    text/csv           one line an application: probability,approved

`probability` is that of a denial. A column that is absent, null, empty or NA is missing, and a
category that training never saw counts as missing.
"""

from __future__ import annotations

import csv
import io
import json
import pathlib
import sys
from typing import Any, Dict, List, Optional, Union

# The serving container imports this file by its path, so its siblings would not be found.
SOURCE = str(pathlib.Path(__file__).resolve().parent)
if SOURCE not in sys.path:
    sys.path.insert(0, SOURCE)

from features import RAW_COLUMNS, Row, parse_row  # noqa: E402
from logistic import MODEL_FILE, Model  # noqa: E402

JSON = "application/json"
CSV = "text/csv"


def model_fn(model_dir: str) -> Model:
    return Model.parse((pathlib.Path(model_dir) / MODEL_FILE).read_text(encoding="utf-8"))


def input_fn(body: Union[str, bytes], content_type: str) -> List[Row]:
    kind = _media_type(content_type)
    if kind not in (JSON, CSV):
        raise ValueError(f"content type {content_type!r} is not supported; use {JSON} or {CSV}")
    text = body if isinstance(body, str) else bytes(body).decode("utf-8")
    rows = _read_json(text) if kind == JSON else _read_csv(text)
    if not rows:
        raise ValueError("the request holds no application")
    return rows


def predict_fn(data: List[Row], model: Model) -> List[Dict[str, Any]]:
    predictions = []
    for row in data:
        probability = model.probability(row)
        predictions.append({"probability": probability, "approved": model.approves(probability)})
    return predictions


def output_fn(prediction: List[Dict[str, Any]], accept: Optional[str]) -> tuple[str, str]:
    """The body and its content type."""
    kind = _answer_type(accept)
    if kind == JSON:
        return json.dumps({"predictions": prediction}), JSON
    lines = (f"{one['probability']!r},{json.dumps(one['approved'])}\n" for one in prediction)
    return "".join(lines), CSV


def _read_json(text: str) -> List[Row]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    instances = document.get("instances", [document]) if isinstance(document, dict) else None
    if not isinstance(instances, list):
        raise ValueError('expected {"instances": [...]} or one application as an object')
    return [_parse(f"instances[{index}]", instance) for index, instance in enumerate(instances)]


def _read_csv(text: str) -> List[Row]:
    try:
        lines = [(number, cells) for number, cells in enumerate(csv.reader(io.StringIO(text)), 1) if cells]
    except csv.Error as error:
        raise ValueError(f"the body is not CSV: {error}") from None
    if lines and [cell.strip() for cell in lines[0][1]] == list(RAW_COLUMNS):
        lines = lines[1:]
    rows = []
    for number, cells in lines:
        if len(cells) != len(RAW_COLUMNS):
            expected = f"{len(RAW_COLUMNS)} columns ({','.join(RAW_COLUMNS)})"
            raise ValueError(f"line {number}: expected {expected}, got {len(cells)}")
        rows.append(_parse(f"line {number}", dict(zip(RAW_COLUMNS, cells))))
    return rows


def _parse(place: str, application: Any) -> Row:
    if not isinstance(application, dict):
        raise ValueError(f"{place}: expected an object, got {application!r}")
    # A misspelled field would otherwise quietly count as missing.
    unknown = [name for name in application if name not in RAW_COLUMNS]
    if unknown:
        raise ValueError(f"{place}: unknown field {unknown[0]!r}; the fields are {', '.join(RAW_COLUMNS)}")
    try:
        row = parse_row(application)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    if all(value is None for value in row.values()):
        raise ValueError(f"{place}: every field is missing")
    return row


def _answer_type(accept: Optional[str]) -> str:
    """The first type in the Accept header that can be answered; JSON where anything will do."""
    wanted = [_media_type(part) for part in (accept or "*/*").split(",")]
    for kind in wanted:
        if kind in (JSON, "*/*", "application/*"):
            return JSON
        if kind in (CSV, "text/*"):
            return CSV
    raise ValueError(f"accept {accept!r} is not supported; use {JSON} or {CSV}")


def _media_type(header: Optional[str]) -> str:
    return (header or "").split(";")[0].strip().lower()

"""The example's model, worked out a second time from the artefact: no code of the example is run."""

from __future__ import annotations

import io
import json
import math
import tarfile
from typing import Any, Dict, Mapping, Optional

Application = Mapping[str, object]

COLUMNS = "dir hir lvr ccs mcs pbcr dmi self single uria comdominiom black".split()

# Rows of several kinds: ordinary, extreme, with what is missing in each of the ways, and with a word
# that no training has seen.
APPLICATIONS: tuple[Application, ...] = (
    dict(zip(COLUMNS, (0.221, 0.221, 0.8, 5, 2, "no", "no", "no", "no", 3.9, 0, "no"))),
    dict(zip(COLUMNS, (0.42, 0.30, 0.95, 5, 2, "yes", "no", "no", "no", 3.2, 0, "no"))),
    dict(zip(COLUMNS, (3.0, 3.0, 1.95, 6, 4, "yes", "yes", "yes", "yes", 10.6, 1, "yes"))),
    dict(zip(COLUMNS, (0, 0, 0.02, 1, 1, "no", "no", "no", "no", 1.8, 0, "no"))),
    {"dir": 0.33},
    {"dir": None, "lvr": 0.8, "pbcr": ""},
    {"dir": "NA", "lvr": "0.75", "pbcr": "perhaps", "dmi": " YES "},
)


def read_artefact(archive: bytes) -> Dict[str, Any]:
    """`model.json` of a `model.tar.gz`."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            if member.isfile() and member.name.rpartition("/")[2] == "model.json":
                file = tar.extractfile(member)
                assert file is not None
                return json.load(file)
    raise ValueError("the artefact holds no model.json")


def predict(model: Mapping[str, Any], application: Application) -> Dict[str, Any]:
    """What the endpoint has to answer for one application."""
    encoder = model["encoder"]
    score = model["intercept"]
    for weight, term in zip(model["coefficients"], encoder["terms"], strict=True):
        score += weight * _input(term, encoder["categories"], application.get(term["column"]))
    probability = 0.5 * (1.0 + math.tanh(score / 2.0))
    return {"probability": probability, "approved": probability < model["threshold"]}


def _input(term: Mapping[str, Any], categories: Mapping[str, Any], raw: object) -> float:
    """A standardised number or indicator; what is missing is the average, which is 0."""
    known = categories.get(term["column"])
    text = "" if raw is None else str(raw).strip()
    if text in ("", "NA"):
        return 0.0
    if known is None:
        return (float(text) - term["mean"]) / term["scale"]
    word = text.lower()
    if word not in known:
        return 0.0
    return ((1.0 if word == term["category"] else 0.0) - term["mean"]) / term["scale"]


def as_csv(application: Application) -> str:
    cells = (application.get(column) for column in COLUMNS)
    return ",".join("" if cell is None else str(cell) for cell in cells) + "\n"


def difference(found: Mapping[str, Any], expected: Mapping[str, Any]) -> Optional[str]:
    """How two predictions differ; None if they agree to eleven digits."""
    if set(found) != {"probability", "approved"}:
        return f"the members are {sorted(found)}"
    close = math.isclose(found["probability"], expected["probability"], rel_tol=1e-11, abs_tol=1e-14)
    if not close or found["approved"] is not expected["approved"]:
        return f"found {dict(found)}, expected {dict(expected)}"
    return None

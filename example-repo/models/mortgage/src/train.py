"""Trains the model: a SageMaker training job in script mode.

    SM_CHANNEL_TRAIN=DIR SM_MODEL_DIR=DIR SM_OUTPUT_DATA_DIR=DIR python3 src/train.py --l2 0.001 ...

The training channel holds `train.csv` and `schema/encoder.json`, as preprocessing wrote them; the
validation channel, if there is one, holds `validation.csv` and is only measured. A fit that has not
converged is no model: the job fails and says why.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
from typing import Any, Dict, NoReturn, Sequence

import logistic
import metrics
import tables
from features import Encoder


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse would exit by itself, and the job would not say what is wrong with it.
        raise ValueError(f"hyperparameters: {message}")


def main() -> None:
    try:
        train(parse_hyperparameters(sys.argv[1:]))
    except (logistic.NotConverged, ValueError, OSError) as error:
        fail(f"train: {error}")


def parse_hyperparameters(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--l2", type=float, default=0.001, help="strength of the ridge penalty")
    parser.add_argument("--max_iterations", "--max-iterations", type=int, default=25)
    parser.add_argument("--tolerance", type=float, default=1e-8, help="largest gradient that counts as zero")
    parser.add_argument("--threshold", type=float, default=0.5, help="deny from this probability on")
    chosen = parser.parse_args(arguments)
    if not chosen.l2 >= 0 or not chosen.tolerance > 0 or chosen.max_iterations < 1:
        parser.error("l2 must not be negative; tolerance and max_iterations must be positive")
    if not 0 < chosen.threshold < 1:
        parser.error("threshold must lie between 0 and 1")
    return chosen


def train(chosen: argparse.Namespace) -> None:
    channel = directory("SM_CHANNEL_TRAIN")
    schema = (channel / "schema" / "encoder.json").read_text(encoding="utf-8")
    encoder = Encoder.from_json(json.loads(schema))
    applications = tables.read_folder(channel)
    labels = [application.denied for application in applications]
    if len(set(labels)) < 2:
        raise ValueError("the training data needs both approved and denied applications")

    inputs = [encoder.encode(application.row) for application in applications]
    fit = logistic.fit(inputs, labels, chosen.l2, chosen.max_iterations, chosen.tolerance)
    model = logistic.Model(encoder, fit.intercept, fit.coefficients, chosen.threshold)

    measured = {"train": measure(model, applications)}
    if os.environ.get("SM_CHANNEL_VALIDATION"):
        measured["validation"] = measure(model, tables.read_folder(directory("SM_CHANNEL_VALIDATION")))
    report = {"metrics": measured, "iterations": fit.iterations, "hyperparameters": vars(chosen)}
    model.save(directory("SM_MODEL_DIR"), report)
    write_metrics(measured)

    print(f"converged after {fit.iterations} iterations")
    for name, weight in [("intercept", model.intercept), *zip(encoder.names, model.coefficients)]:
        print(f"  {name:12} {weight:+.4f}")
    for part, values in measured.items():
        print(f"{part}:auc={values['auc']:.6f}; {part}:log_loss={values['log_loss']:.6f};")


def measure(model: logistic.Model, applications: Sequence[tables.Application]) -> Dict[str, Any]:
    scores = [model.probability(application.row) for application in applications]
    labels = [application.denied for application in applications]
    return {
        "rows": len(labels),
        "auc": metrics.auc(scores, labels),
        "log_loss": logistic.log_loss(scores, labels),
    }


def write_metrics(measured: Dict[str, Any]) -> None:
    if os.environ.get("SM_OUTPUT_DATA_DIR"):
        folder = directory("SM_OUTPUT_DATA_DIR")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


def directory(variable: str) -> pathlib.Path:
    path = os.environ.get(variable)
    if not path:
        raise ValueError(f"the environment variable {variable} is not set")
    return pathlib.Path(path)


def fail(reason: str) -> NoReturn:
    """Ends the job; SageMaker shows the text of the failure file as the reason."""
    data = os.environ.get("SM_OUTPUT_DATA_DIR", "/opt/ml/output/data")
    output = pathlib.Path(os.environ.get("SM_OUTPUT_DIR") or pathlib.Path(data).parent)
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / "failure").write_text(reason, encoding="utf-8")
    except OSError as error:
        print(f"train: the reason could not be written: {error}", file=sys.stderr)
    sys.exit(reason)


if __name__ == "__main__":
    main()

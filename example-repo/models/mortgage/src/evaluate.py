"""Measures a trained model on the validation data.

    python3 src/evaluate.py --input-model DIR --input-validation DIR --output-evaluation DIR

The model's folder holds `model.tar.gz`, the validation folder `validation.csv`. The result is
`evaluation.json`; the positive class is a denied application.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import tarfile

import logistic
import metrics
import tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input-model", type=pathlib.Path, required=True)
    parser.add_argument("--input-validation", type=pathlib.Path, required=True)
    parser.add_argument("--output-evaluation", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    try:
        evaluate(arguments.input_model, arguments.input_validation, arguments.output_evaluation)
    except (ValueError, OSError, tarfile.TarError) as error:
        sys.exit(f"evaluate: {error}")


def evaluate(model_folder: pathlib.Path, validation: pathlib.Path, output: pathlib.Path) -> None:
    model = read_model(model_folder / "model.tar.gz")
    applications = tables.read_folder(validation)
    scores = [model.probability(application.row) for application in applications]
    labels = [application.denied for application in applications]
    quality = metrics.model_quality(scores, labels, model.threshold)

    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(quality, indent=2, allow_nan=False) + "\n"
    (output / "evaluation.json").write_text(text, encoding="utf-8")
    for name in ("auc", "accuracy", "precision", "recall", "f1"):
        print(f"{name}={quality['binary_classification_metrics'][name]['value']:.6f};")


def read_model(archive: pathlib.Path) -> logistic.Model:
    """Reads the one file that is needed; nothing is unpacked."""
    wanted = pathlib.PurePosixPath(logistic.MODEL_FILE)
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and pathlib.PurePosixPath(member.name) == wanted:
                content = tar.extractfile(member)
                if content is not None:
                    return logistic.Model.parse(content.read().decode("utf-8"))
    raise ValueError(f"{archive}: no {logistic.MODEL_FILE} inside")


if __name__ == "__main__":
    main()

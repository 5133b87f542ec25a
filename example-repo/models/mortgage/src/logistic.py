"""Logistic regression: fitting by Newton's method, and the fitted model with its encoder."""

from __future__ import annotations

import json
import math
import pathlib
from typing import Any, Dict, NamedTuple, Sequence

from features import Encoder, Row

MODEL_FILE = "model.json"
FORMAT = 1

Vector = Sequence[float]


class NotConverged(Exception):
    """The fit did not reach its optimum: its coefficients would mean nothing."""


class Fit(NamedTuple):
    intercept: float
    coefficients: list[float]
    iterations: int


class Model(NamedTuple):
    """What training hands to evaluation and serving."""

    encoder: Encoder
    intercept: float
    coefficients: list[float]
    threshold: float

    def probability(self, row: Row) -> float:
        """The probability that the application is denied."""
        return sigmoid(self.intercept + _dot(self.coefficients, self.encoder.encode(row)))

    def approves(self, probability: float) -> bool:
        return probability < self.threshold

    def save(self, folder: pathlib.Path, report: Dict[str, Any]) -> None:
        """Writes the model, with a report for people that no code reads."""
        document = {
            "format": FORMAT,
            "kind": "logistic_regression",
            "features": self.encoder.names,
            "intercept": self.intercept,
            "coefficients": self.coefficients,
            "threshold": self.threshold,
            "encoder": self.encoder.to_json(),
            **report,
        }
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, indent=2, allow_nan=False) + "\n"
        (folder / MODEL_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def parse(cls, text: str) -> Model:
        document = json.loads(text)
        if document.get("format") != FORMAT:
            raise ValueError(f"{MODEL_FILE}: format {document.get('format')!r} is not known")
        encoder = Encoder.from_json(document["encoder"])
        if encoder.names != document["features"] or len(encoder.names) != len(document["coefficients"]):
            raise ValueError(f"{MODEL_FILE}: features, coefficients and encoder do not match")
        return cls(encoder, document["intercept"], document["coefficients"], document["threshold"])


def fit(
    inputs: Sequence[Vector], labels: Sequence[int], l2: float, max_iterations: int, tolerance: float
) -> Fit:
    """Minimises the mean log loss + l2/2 * |coefficients|^2; the intercept is not penalised."""
    rows = [(1.0, *row) for row in inputs]
    penalty = [0.0] + [l2] * (len(rows[0]) - 1)
    weights = [0.0] * len(rows[0])
    loss = _loss(rows, labels, weights, penalty)
    for iteration in range(max_iterations + 1):
        gradient, curvature = _derivatives(rows, labels, weights, penalty)
        slope = max(map(abs, gradient))
        if slope <= tolerance:
            return Fit(weights[0], weights[1:], iteration)
        if iteration < max_iterations:
            step = _solve(curvature, gradient)
            weights, loss = _descend(rows, labels, weights, penalty, step, loss)
    raise NotConverged(
        f"not converged after {max_iterations} iterations: the largest gradient is {slope:.3g}, "
        f"tolerance {tolerance:g}; raise max_iterations, or l2 if the classes are separable"
    )


def sigmoid(score: float) -> float:
    # Two forms, so that neither overflows.
    if score >= 0:
        return 1.0 / (1.0 + math.exp(-score))
    odds = math.exp(score)
    return odds / (1.0 + odds)


def log_loss(probabilities: Sequence[float], labels: Sequence[int]) -> float:
    tiny = 1e-15
    chosen = (p if label else 1.0 - p for p, label in zip(probabilities, labels))
    return -math.fsum(math.log(max(p, tiny)) for p in chosen) / len(labels)


def _derivatives(
    rows: Sequence[Vector], labels: Sequence[int], weights: Vector, penalty: Vector
) -> tuple[list[float], list[list[float]]]:
    size = range(len(weights))
    gradient = [penalty[i] * weights[i] for i in size]
    curvature = [[penalty[i] if i == j else 0.0 for j in size] for i in size]
    for row, label in zip(rows, labels):
        probability = sigmoid(_dot(weights, row))
        error = (probability - label) / len(rows)
        spread = probability * (1.0 - probability) / len(rows)
        for i in size:
            gradient[i] += error * row[i]
            for j in range(i + 1):
                curvature[i][j] += spread * row[i] * row[j]
    for i in size:
        for j in range(i):
            curvature[j][i] = curvature[i][j]
    return gradient, curvature


def _descend(
    rows: Sequence[Vector],
    labels: Sequence[int],
    weights: Vector,
    penalty: Vector,
    step: Vector,
    loss: float,
) -> tuple[list[float], float]:
    """Takes the Newton step, or the largest halving of it that does not make the loss worse."""
    length = 1.0
    # Near the optimum the loss can only be told to about one part in 10^16.
    enough = loss + 1e-12 * abs(loss)
    for _ in range(30):
        moved = [weight - length * change for weight, change in zip(weights, step)]
        reached = _loss(rows, labels, moved, penalty)
        if reached <= enough:
            return moved, reached
        length /= 2
    raise NotConverged(f"no step lowers the loss of {loss:.6g}")


def _loss(rows: Sequence[Vector], labels: Sequence[int], weights: Vector, penalty: Vector) -> float:
    scores = (_dot(weights, row) for row in rows)
    # log(1 + exp(-margin)), written so that it cannot overflow.
    margins = (score if label else -score for score, label in zip(scores, labels))
    losses = (max(-margin, 0.0) + math.log1p(math.exp(-abs(margin))) for margin in margins)
    ridge = sum(strength * weight * weight for strength, weight in zip(penalty, weights))
    return math.fsum(losses) / len(rows) + ridge / 2


def _solve(matrix: Sequence[Vector], right: Vector) -> list[float]:
    """Gaussian elimination with pivoting."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right)]
    largest = max(abs(value) for line in matrix for value in line)
    for column in range(size):
        pivot = max(range(column, size), key=lambda line: abs(rows[line][column]))
        if abs(rows[pivot][column]) <= 1e-12 * largest:
            raise NotConverged("the inputs are linearly dependent or separate the classes; raise l2")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for line in range(column + 1, size):
            factor = rows[line][column] / rows[column][column]
            for position in range(column, size + 1):
                rows[line][position] -= factor * rows[column][position]
    solution = [0.0] * size
    for line in reversed(range(size)):
        known = sum(rows[line][j] * solution[j] for j in range(line + 1, size))
        solution[line] = (rows[line][size] - known) / rows[line][line]
    return solution


def _dot(left: Vector, right: Vector) -> float:
    return sum(a * b for a, b in zip(left, right))

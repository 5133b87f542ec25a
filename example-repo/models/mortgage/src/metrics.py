"""Measures of a binary classifier, in the shape of SageMaker's model quality statistics."""

from __future__ import annotations

import itertools
from typing import Any, Dict, Iterator, Sequence

Scores = Sequence[float]
Labels = Sequence[int]


def auc(scores: Scores, labels: Labels) -> float:
    """The share of (positive, negative) pairs that are ranked right; a tie counts half. Exact."""
    positives, negatives = sum(labels), len(labels) - sum(labels)
    if not positives or not negatives:
        raise ValueError("AUC needs both classes")
    doubled, below = 0, 0
    for _, hits, misses in _groups(scores, labels, ascending=True):
        doubled += hits * (2 * below + misses)
        below += misses
    return doubled / (2 * positives * negatives)


def model_quality(scores: Scores, labels: Labels, threshold: float) -> Dict[str, Any]:
    """`evaluation.json`: the positive class is 1, predicted where the score reaches the threshold."""
    predictions = [int(score >= threshold) for score in scores]
    majority = int(2 * sum(labels) > len(labels))
    best_constant = _points(_counts([majority] * len(labels), labels))
    counts = _counts(predictions, labels)
    measured = _points(counts)
    measured.update(_rates(counts))
    names = ("recall", "precision", "accuracy", "f0_5", "f1", "f2")
    measured.update({f"{name}_best_constant_classifier": best_constant[name] for name in names})
    measured["auc"] = auc(scores, labels)
    metrics: Dict[str, Any] = {
        name: {"value": value, "standard_deviation": "NaN"} for name, value in measured.items()
    }
    metrics["confusion_matrix"] = {
        str(actual): {str(predicted): counts[actual][predicted] for predicted in (0, 1)} for actual in (0, 1)
    }
    metrics.update(_curves(scores, labels))
    return {
        "version": 0.0,
        "dataset": {"item_count": len(labels)},
        "binary_classification_metrics": metrics,
    }


def _counts(predictions: Sequence[int], labels: Labels) -> list[list[int]]:
    """How often, by actual and then by predicted class."""
    counts = [[0, 0], [0, 0]]
    for predicted, actual in zip(predictions, labels):
        counts[actual][predicted] += 1
    return counts


def _points(counts: Sequence[Sequence[int]]) -> Dict[str, float]:
    (true_negative, false_positive), (false_negative, true_positive) = counts
    precision = _ratio(true_positive, true_positive + false_positive)
    recall = _ratio(true_positive, true_positive + false_negative)
    points = {
        "recall": recall,
        "precision": precision,
        "accuracy": _ratio(true_negative + true_positive, sum(map(sum, counts))),
    }
    for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0)):
        square = beta * beta
        points[name] = _ratio((1 + square) * precision * recall, square * precision + recall)
    return points


def _rates(counts: Sequence[Sequence[int]]) -> Dict[str, float]:
    (true_negative, false_positive), (false_negative, true_positive) = counts
    return {
        "true_positive_rate": _ratio(true_positive, true_positive + false_negative),
        "true_negative_rate": _ratio(true_negative, true_negative + false_positive),
        "false_positive_rate": _ratio(false_positive, true_negative + false_positive),
        "false_negative_rate": _ratio(false_negative, true_positive + false_negative),
    }


def _curves(scores: Scores, labels: Labels) -> Dict[str, Dict[str, list[float]]]:
    """One point per distinct score, from the strictest threshold to the most lenient."""
    positives, negatives = sum(labels), len(labels) - sum(labels)
    false_positive_rates, true_positive_rates, precisions, recalls = [0.0], [0.0], [1.0], [0.0]
    hit, missed = 0, 0
    for _, hits, misses in _groups(scores, labels, ascending=False):
        hit, missed = hit + hits, missed + misses
        false_positive_rates.append(missed / negatives)
        true_positive_rates.append(hit / positives)
        precisions.append(hit / (hit + missed))
        recalls.append(hit / positives)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": false_positive_rates,
            "true_positive_rates": true_positive_rates,
        },
        "precision_recall_curve": {"precisions": precisions, "recalls": recalls},
    }


def _groups(scores: Scores, labels: Labels, ascending: bool) -> Iterator[tuple[float, int, int]]:
    """For each distinct score, how many positives and negatives have it."""
    ranked = sorted(zip(scores, labels), reverse=not ascending)
    for score, group in itertools.groupby(ranked, key=lambda pair: pair[0]):
        found = [label for _, label in group]
        yield score, sum(found), len(found) - sum(found)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

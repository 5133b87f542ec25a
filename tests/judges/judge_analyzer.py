"""Judges the analysis of datasets: its numbers against those of pandas and SciPy.

    python judge_analyzer.py --bin BIN

BIN is the built program. It analyzes generated datasets as the container of a monitor would.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
from typing import Any, Dict, Mapping, Optional

import numpy
import pandas
from scipy import stats

from judging import Judge

ROWS = 20_000
# By how much the share of numbers up to any number may be off in a sketch.
SKETCH_ERROR = 0.003
# By how much the number of different values may be off where they are many.
DISTINCT_ERROR = 0.05
ANALYSIS_DEADLINE = 120


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    program = parser.parse_args().bin.resolve()
    judge = Judge()
    with tempfile.TemporaryDirectory() as folder:
        analyzer = Analyzer(program, pathlib.Path(folder))
        for section in (judge_statistics, judge_distances, judge_capture):
            with judge.section(section.__name__):
                section(judge, analyzer)
    return judge.finish()


class Analyzer:
    """The program, and a folder of its own for each analysis."""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path) -> None:
        self.program = program
        self.folder = folder
        self.count = 0

    def run(
        self,
        text: str,
        dataset_format: Mapping[str, Any],
        baseline: Optional[Mapping[str, Any]] = None,
    ) -> Dict[str, Any]:
        """The files that an analysis of `text` writes, its message, and its metrics by name."""
        self.count += 1
        root = self.folder / str(self.count)
        (root / "in").mkdir(parents=True)
        (root / "in" / "data").write_text(text, encoding="utf-8")
        environment = {
            "dataset_format": json.dumps(dataset_format),
            "dataset_source": str(root / "in"),
            "output_path": str(root / "out"),
            "publish_cloudwatch_metrics": "Enabled",
        }
        for name, content in (baseline or {}).items():
            path = root / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            environment[f"baseline_{name}"] = str(path)
        subprocess.run(
            [str(self.program), "__analyze", str(root)],
            env={**environment, "PATH": os.environ["PATH"]},
            check=True,
            timeout=ANALYSIS_DEADLINE,
        )
        found = {path.stem: json.loads(path.read_text()) for path in (root / "out").iterdir()}
        found["message"] = (root / "output" / "message").read_text()
        lines = (root / "output" / "metrics" / "cloudwatch").read_text().splitlines()
        metrics = [json.loads(line) for line in lines]
        found["metrics"] = {metric["MetricName"]: metric for metric in metrics}
        return found


def generated(seed: int, rows: int = ROWS, shift: float = 0.0) -> pandas.DataFrame:
    """A table with columns of all sorts."""
    random = numpy.random.default_rng(seed)
    gaps = random.normal(5 + shift, 2, rows)
    gaps[random.random(rows) < 0.3] = numpy.nan
    # One word is enough to make a column one of texts.
    mixed = numpy.where(random.random(rows) < 0.01, "x", "3")
    mixed[0] = "x"
    return pandas.DataFrame(
        {
            "normal": random.normal(shift, 1, rows),
            "counts": random.poisson(20 + 5 * shift, rows),
            "negative": -random.integers(1, 1_000_000, rows) - round(shift * 1e5),
            "constant": numpy.full(rows, 7),
            "huge": numpy.exp(random.normal(30 + shift, 3, rows)),
            "tiny": random.random(rows) * 1e-12,
            "offset": 1e9 + random.random(rows) + shift / 10,
            "gaps": gaps,
            "city": random.choice(["a", "b b", 'c"c', "d,d", "é"], rows, p=skewed(shift)),
            "key": [f"key {n}" for n in random.permutation(rows)],
            "mixed": mixed,
            "none": numpy.full(rows, numpy.nan),
        }
    )


def skewed(shift: float) -> list[float]:
    moved = min(shift / 5, 0.3)
    return [0.4 - moved, 0.3, 0.15, 0.1, 0.05 + moved]


CSV = {"csv": {"header": True}}


def judge_statistics(judge: Judge, analyzer: Analyzer) -> None:
    for name, frame in (("table", generated(1)), ("small table", generated(2, rows=17))):
        found = analyzer.run(frame.to_csv(index=False), CSV)
        judge.equal(f"rows of the {name}", found["statistics"]["dataset"]["item_count"], len(frame))
        constraints = {one["name"]: one for one in found["constraints"]["features"]}
        for one in found["statistics"]["features"]:
            column = one["name"]
            judge_column(judge, f"{name}: {column}", one, constraints[column], frame[column])


def judge_column(
    judge: Judge,
    name: str,
    found: Mapping[str, Any],
    constraint: Mapping[str, Any],
    values: pandas.Series,
) -> None:
    numeric = pandas.api.types.is_numeric_dtype(values) and values.notna().any()
    kind = "String"
    if values.isna().all():
        kind = "Unknown"
    elif numeric:
        kind = "Integral" if pandas.api.types.is_integer_dtype(values) else "Fractional"
    judge.equal(f"type of {name}", found["inferred_type"], kind)
    judge.equal(f"completeness of {name}", constraint["completeness"], values.notna().mean())
    part = found["numerical_statistics" if numeric else "string_statistics"]
    common = {"num_present": values.notna().sum(), "num_missing": values.isna().sum()}
    judge.equal(f"common of {name}", part["common"], common)
    if not numeric:
        distinct = values.nunique()
        most = 0 if distinct <= 1_000 else DISTINCT_ERROR * distinct
        near = abs(part["distinct_count"] - distinct) <= most
        judge.check(f"distinct of {name}", near, f"{part['distinct_count']} for {distinct}")
        if distinct <= 1_000:
            buckets = part["distribution"]["categorical"]["buckets"]
            counts = {bucket["value"]: bucket["count"] for bucket in buckets}
            judge.equal(f"counts of {name}", counts, values.value_counts().to_dict())
        return
    close(judge, f"mean of {name}", part["mean"], values.mean())
    close(judge, f"sum of {name}", part["sum"], values.sum())
    close(judge, f"deviation of {name}", part["std_dev"], values.std(ddof=0), 1e-6)
    judge.equal(f"min of {name}", part["min"], float(values.min()))
    judge.equal(f"max of {name}", part["max"], float(values.max()))
    signed = constraint["num_constraints"]["is_non_negative"]
    judge.equal(f"sign of {name}", signed, bool(values.min() >= 0))
    buckets = part["distribution"]["kll"]["buckets"]
    counts = numpy.array([bucket["count"] for bucket in buckets])
    judge.equal(f"buckets of {name}", (len(counts), counts.sum()), (10, values.notna().sum()))
    if values.nunique() > 1:
        edges = [bucket["lower_bound"] for bucket in buckets] + [buckets[-1]["upper_bound"]]
        exact, _ = numpy.histogram(values.dropna(), bins=edges)
        off = abs(numpy.cumsum(exact) - numpy.cumsum(counts)).max() / len(values)
        judge.check(f"shares of {name}", off <= SKETCH_ERROR, f"off by {off}")


def close(judge: Judge, name: str, found: float, expected: float, relative: float = 1e-9) -> None:
    near = numpy.isclose(found, expected, rtol=relative, atol=1e-300)
    judge.check(name, near, f"found {found!r}, expected {expected!r}")


def judge_distances(judge: Judge, analyzer: Analyzer) -> None:
    before = generated(3)
    first = analyzer.run(before.to_csv(index=False), CSV)
    same = analyzer.run(before.to_csv(index=False), CSV, first)
    judge.equal("violations of the same data", same["constraint_violations"]["violations"], [])
    judge.check("message without violations", same["message"].startswith("Completed: "), same["message"])
    for name, now in (
        ("alike", generated(4)),
        ("moved", generated(5, shift=0.5)),
        ("far", generated(6, shift=3.0)),
        ("few", generated(7, rows=200, shift=0.5)),
    ):
        text = now.to_csv(index=False)
        for method in ("Simple", "Robust"):
            found = analyzer.run(text, CSV, ruled(first, comparison_method=method))
            judge_drift(judge, f"{name}, {method}", found, before, now, method)
        chi = analyzer.run(text, CSV, ruled(first, categorical_drift_method="ChiSquared"))
        judge_chance(judge, name, chi, before["city"], now["city"])


def ruled(first: Mapping[str, Any], **rules: str) -> Dict[str, Any]:
    """A baseline out of an analysis, with other rules of comparison."""
    constraints = json.loads(json.dumps(first["constraints"]))
    constraints["monitoring_config"]["distribution_constraints"].update(rules)
    return {"constraints": constraints, "statistics": first["statistics"]}


def judge_drift(
    judge: Judge,
    name: str,
    found: Mapping[str, Any],
    before: pandas.DataFrame,
    now: pandas.DataFrame,
    method: str,
) -> None:
    violations = found["constraint_violations"]["violations"]
    drifted = {
        one["feature_name"]
        for one in violations
        if one["constraint_check_type"] == "baseline_drift_check"
    }
    for column in before.columns:
        one, other = before[column].dropna(), now[column].dropna()
        metric = found["metrics"].get(f"feature_baseline_drift_{column}")
        if column in ("key", "none"):
            judge.equal(f"{name}: {column} is not compared", metric, None)
            continue
        if pandas.api.types.is_numeric_dtype(one):
            distance, error = stats.ks_2samp(one, other).statistic, 2 * SKETCH_ERROR
        else:
            shares = [side.value_counts(normalize=True) for side in (one, other)]
            distance, error = shares[0].sub(shares[1], fill_value=0).abs().max(), 1e-9
        if method == "Robust":
            chance = 1.8 * numpy.sqrt((len(one) + len(other)) / (len(one) * len(other)))
            distance = max(0.0, distance - chance)
        near = abs(metric["Value"] - distance) <= error
        judge.check(f"{name}: {column}", near, f"found {metric['Value']}, expected {distance}")
        judge.equal(f"{name}: drift of {column}", column in drifted, metric["Value"] > 0.1)


def judge_chance(
    judge: Judge,
    name: str,
    found: Mapping[str, Any],
    before: pandas.Series,
    now: pandas.Series,
) -> None:
    counts = pandas.DataFrame({"now": now.value_counts(), "before": before.value_counts()}).fillna(0)
    expected = counts["before"] * counts["now"].sum() / counts["before"].sum()
    chance = stats.chisquare(counts["now"], expected).pvalue
    metric = found["metrics"]["feature_baseline_drift_city"]["Value"]
    close(judge, f"{name}: chance of the counts", metric, chance, 1e-6)


def judge_capture(judge: Judge, analyzer: Analyzer) -> None:
    frame = generated(8, rows=500)[["normal", "counts", "city"]]
    plain = analyzer.run(frame.to_csv(index=False), CSV)
    captured = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
    lines = []
    for _, row in frame.iterrows():
        inputs = pandas.DataFrame([row[["counts", "city"]]]).to_csv(index=False, header=False)
        sides = {"endpointInput": inputs.strip("\n"), "endpointOutput": repr(float(row["normal"]))}
        data = {
            side: {"observedContentType": "text/csv", "data": text, "encoding": "CSV"}
            for side, text in sides.items()
        }
        lines.append(json.dumps({"captureData": data, "eventVersion": "0"}))
    found = analyzer.run("\n".join(lines), captured, plain)
    judge.equal("captured data has the statistics of the table", found["statistics"], plain["statistics"])
    judge.equal("captured data breaks nothing", found["constraint_violations"]["violations"], [])
    records = frame.to_json(orient="records", lines=True, double_precision=15)
    lined = analyzer.run(records, {"json": {"lines": True}}, plain)
    judge.equal("JSON lines break nothing", lined["constraint_violations"]["violations"], [])


if __name__ == "__main__":
    raise SystemExit(main())

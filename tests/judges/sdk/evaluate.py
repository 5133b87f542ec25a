"""Measures the line's mean error at the flats that it has not seen."""

import argparse
import csv
import json
import os
import tarfile

parser = argparse.ArgumentParser()
for name in ("model", "test", "output"):
    parser.add_argument(f"--{name}", required=True)
given = parser.parse_args()
with tarfile.open(os.path.join(given.model, "model.tar.gz")) as archive:
    member = next(one for one in archive if one.name.endswith("line.json"))
    line = json.load(archive.extractfile(member))
with open(os.path.join(given.test, "flats.csv"), encoding="utf-8") as file:
    flats = [(float(row["size"]) * line["unit"], float(row["rent"])) for row in csv.DictReader(file)]
error = sum(abs(line["start"] + line["slope"] * x - y) for x, y in flats) / len(flats)
with open(os.path.join(given.output, "evaluation.json"), "w", encoding="utf-8") as file:
    json.dump({"regression_metrics": {"mae": {"value": error}}}, file)

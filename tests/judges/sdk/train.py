"""Draws the best line through the flats."""

import argparse
import csv
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("--unit", type=float, default=1.0)
given, _ = parser.parse_known_args()
with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "flats.csv"), encoding="utf-8") as file:
    flats = [(float(row["size"]) * given.unit, float(row["rent"])) for row in csv.DictReader(file)]
size = sum(one for one, _ in flats) / len(flats)
rent = sum(one for _, one in flats) / len(flats)
slope = sum((x - size) * (y - rent) for x, y in flats) / sum((x - size) ** 2 for x, _ in flats)
line = {"slope": slope, "start": rent - slope * size, "unit": given.unit}
print(f"slope={slope:.4f}")
with open(os.path.join(os.environ["SM_MODEL_DIR"], "line.json"), "w", encoding="utf-8") as file:
    json.dump(line, file)

"""Splits the flats: every third is kept to test with."""

import argparse
import csv
import os

parser = argparse.ArgumentParser()
for name in ("input", "train", "test"):
    parser.add_argument(f"--{name}", required=True)
given = parser.parse_args()
with open(os.path.join(given.input, "flats.csv"), encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
for folder, kept in ((given.train, rows[1::3] + rows[2::3]), (given.test, rows[::3])):
    with open(os.path.join(folder, "flats.csv"), "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["size", "rent"])
        writer.writeheader()
        writer.writerows(kept)

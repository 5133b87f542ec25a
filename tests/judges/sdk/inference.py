"""Answers what flats of these sizes cost."""

import json
import os


def model_fn(model_dir):
    with open(os.path.join(model_dir, "line.json"), encoding="utf-8") as file:
        return json.load(file)


def predict_fn(sizes, line):
    return [line["start"] + line["slope"] * size * line["unit"] for size in sizes]

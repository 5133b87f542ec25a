"""Reading and writing the applications as CSV files with a header."""

from __future__ import annotations

import csv
import pathlib
from typing import Dict, Iterator, NamedTuple, Optional, Sequence

from features import MISSING, RAW_COLUMNS, TARGET, Row, Value, parse_row

DECISIONS = {"no": 0, "yes": 1}


class Application(NamedTuple):
    row: Row
    denied: int


def read_folder(folder: pathlib.Path) -> list[Application]:
    """The applications of all CSV files directly in a folder, in the order of the files' names.

    Nothing can be learnt or measured on a row without a decision: such rows are left out.
    """
    paths = sorted(path for path in folder.glob("*.csv") if path.is_file())
    if not paths:
        raise ValueError(f"{folder}: no .csv file found")
    return [application for path in paths for application in read_file(path)]


def read_file(path: pathlib.Path) -> Iterator[Application]:
    undecided = 0
    # utf-8-sig: a spreadsheet's byte order mark would otherwise become part of the first column's name.
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or ()
        absent = [column for column in (*RAW_COLUMNS, TARGET) if column not in columns]
        if absent:
            raise ValueError(f"{path}: no column {', '.join(absent)}")
        for record in reader:
            try:
                application = _parse(record, len(columns))
            except ValueError as error:
                raise ValueError(f"{path}:{reader.line_num}: {error}") from None
            if application is None:
                undecided += 1
            else:
                yield application
    if undecided:
        print(f"{path}: {undecided} rows without a decision are left out")


def write_file(path: pathlib.Path, applications: Sequence[Application]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    decisions = {number: word for word, number in DECISIONS.items()}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*RAW_COLUMNS, TARGET))
        for row, denied in applications:
            writer.writerow((*(_text(row[column]) for column in RAW_COLUMNS), decisions[denied]))


def _text(value: Value) -> Value:
    """Whole numbers stay whole: a score of 2 is not to come out as 2.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _parse(record: Dict[str, str], width: int) -> Optional[Application]:
    if None in record or None in record.values():
        raise ValueError(f"expected {width} values")
    decision = record[TARGET].strip()
    if decision in MISSING:
        return None
    if decision not in DECISIONS:
        raise ValueError(f'{TARGET}: expected "no" or "yes", got {decision!r}')
    return Application(parse_row(record), DECISIONS[decision])

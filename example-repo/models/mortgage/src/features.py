"""Which columns the model uses, and how a raw application becomes numbers.

A raw application has the twelve columns of RAW_COLUMNS. The columns named in FEATURES are encoded:
a number is standardised; a word becomes one indicator per category, standardised too. What is fitted
here on the training data travels inside the model (`Encoder.to_json`), so that evaluation and serving
encode exactly as training did, whatever this file says by then.
"""

from __future__ import annotations

import collections
import math
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Union

# The columns that the model learns from. Adding one here is all it takes to use it.
FEATURES = ("dir", "lvr")

RAW_COLUMNS = (
    "dir",  # debt payments to total income
    "hir",  # housing expenses to income
    "lvr",  # size of the loan to the assessed value of the property
    "ccs",  # consumer credit score, 1 (good) to 6
    "mcs",  # mortgage credit score, 1 (good) to 4
    "pbcr",  # public bad credit record
    "dmi",  # mortgage insurance was denied
    "self",  # self-employed
    "single",  # the applicant is single
    "uria",  # unemployment rate of the applicant's industry, percent
    "comdominiom",  # the unit is a condominium (0 or 1; spelled as in the source)
    "black",  # the applicant is black
)
WORDS = ("pbcr", "dmi", "self", "single", "black")
TARGET = "deny"

# Race and marital status may not decide on credit. They stay in the data, so that fairness can be
# measured, and are refused as features.
PROTECTED = ("single", "black")

MISSING = ("", "NA")

Value = Union[float, str, None]
Row = Dict[str, Value]


class Term(NamedTuple):
    """One input of the model: a number, or the indicator of one category of a word."""

    column: str
    category: Optional[str]
    mean: float
    scale: float

    @property
    def name(self) -> str:
        return self.column if self.category is None else f"{self.column}={self.category}"

    def encode(self, value: Value) -> float:
        """Zero, the average applicant, stands for a value that is missing."""
        if value is None:
            return 0.0
        return (_measure(self.category, value) - self.mean) / self.scale


class Encoder:
    """Turns a row into the model's inputs, always in the same order."""

    def __init__(self, terms: Sequence[Term], categories: Mapping[str, Sequence[str]]):
        self.terms = tuple(terms)
        self.categories = {column: tuple(words) for column, words in categories.items()}

    @classmethod
    def fit(cls, rows: Sequence[Row], features: Sequence[str] = FEATURES) -> Encoder:
        _check_features(features)
        categories = {column: _categories(rows, column) for column in features if column in WORDS}
        terms = []
        for column in features:
            # The most frequent category needs no indicator: it is what all others are compared with.
            for category in categories[column][1:] if column in WORDS else (None,):
                terms.append(_fit_term(rows, column, category))
        return cls(terms, categories)

    @property
    def names(self) -> list[str]:
        return [term.name for term in self.terms]

    def encode(self, row: Row) -> list[float]:
        return [term.encode(self._known(term.column, row.get(term.column))) for term in self.terms]

    def _known(self, column: str, value: Value) -> Value:
        """A category that training never saw tells the model nothing: it counts as missing."""
        known = self.categories.get(column)
        return value if known is None or value in known else None

    def to_json(self) -> Dict[str, Any]:
        return {
            "categories": {column: list(words) for column, words in self.categories.items()},
            "terms": [dict(term._asdict(), name=term.name) for term in self.terms],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Encoder:
        terms = [Term(**{key: term[key] for key in Term._fields}) for term in document["terms"]]
        return cls(terms, document["categories"])


def parse_row(raw: Mapping[str, Any]) -> Row:
    """The application's columns as numbers and words; a column that is absent counts as missing."""
    return {column: parse_value(column, raw.get(column)) for column in RAW_COLUMNS}


def parse_value(column: str, raw: Any) -> Value:
    """A number or a word, or None if missing; ValueError if it is neither."""
    if raw is None or (isinstance(raw, str) and raw.strip() in MISSING):
        return None
    return _parse_word(column, raw) if column in WORDS else _parse_number(column, raw)


def _parse_word(column: str, raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f'{column}: expected a word such as "no" or "yes", got {raw!r}')
    return raw.strip().lower()


def _parse_number(column: str, raw: Any) -> float:
    error = ValueError(f"{column}: expected a number, got {raw!r}")
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise error
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        raise error from None
    if not math.isfinite(number):
        raise error
    return number


def _check_features(features: Sequence[str]) -> None:
    unknown = [column for column in features if column not in RAW_COLUMNS]
    if unknown:
        raise ValueError(f"unknown feature {unknown[0]!r}; the columns are {', '.join(RAW_COLUMNS)}")
    protected = [column for column in features if column in PROTECTED]
    if protected:
        raise ValueError(f"{protected[0]!r} is a protected characteristic and cannot be a feature")
    if not features or len(set(features)) != len(features):
        raise ValueError("the features must be at least one column, each named once")


def _categories(rows: Sequence[Row], column: str) -> tuple[str, ...]:
    """The column's words, most frequent first, ties in alphabetical order."""
    counts = collections.Counter(str(value) for value in _present(rows, column))
    return tuple(sorted(counts, key=lambda word: (-counts[word], word)))


def _fit_term(rows: Sequence[Row], column: str, category: Optional[str]) -> Term:
    values = [_measure(category, value) for value in _present(rows, column)]
    if not values:
        raise ValueError(f"{column}: every value is missing in the training data")
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    return Term(column, category, mean, deviation or 1.0)


def _present(rows: Sequence[Row], column: str) -> list[Union[float, str]]:
    return [value for value in (row[column] for row in rows) if value is not None]


def _measure(category: Optional[str], value: Union[float, str]) -> float:
    return float(value) if category is None else float(value == category)

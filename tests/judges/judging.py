"""Counts checks and prints one line for each."""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import sys
import traceback
from typing import Any, Dict, Iterator, Sequence

# Further problems of one check are counted, not printed.
PROBLEMS_SHOWN = 5


class Judge:
    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def check(self, name: str, holds: object, why: object = "") -> bool:
        """`ok name`, or `FAIL name: why`."""
        if holds:
            self.passed += 1
            print(f"ok   {name}", flush=True)
        else:
            self.failed += 1
            text = str(why).replace("\n", "\n     ")
            print(f"FAIL {name}" + (f": {text}" if text else ""), flush=True)
        return bool(holds)

    def equal(self, name: str, found: object, expected: object) -> bool:
        return self.check(name, found == expected, f"found {found!r}, expected {expected!r}")

    def sound(self, name: str, problems: Sequence[str]) -> bool:
        """Holds if there are no problems."""
        shown = list(problems[:PROBLEMS_SHOWN])
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        return self.check(name, not problems, "; ".join(shown))

    @contextlib.contextmanager
    def section(self, name: str) -> Iterator[None]:
        """What ends a section early is a failed check, and the next section is still judged."""
        try:
            yield
        except Exception as error:  # noqa: BLE001: the report is the purpose
            place = traceback.extract_tb(sys.exc_info()[2])[-1]
            self.check(name, False, f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})")

    def finish(self) -> int:
        """Prints the totals; the exit code. Nothing checked is a failure."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.passed and not self.failed else 1


def read_manifest(description: str) -> Dict[str, Any]:
    """The manifest that the command line names, of a judge that takes nothing else."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--manifest", type=pathlib.Path, required=True)
    return json.loads(parser.parse_args().manifest.read_text(encoding="utf-8"))

"""Judges that every operation that the local SageMaker says it has was judged.

    python judge_coverage.py --page docs/reference/local.md --calls FILE

FILE is what the other judges called (see witness.py). Each operation of the page was answered at least
once, every answer in the shape of the service model; and refused at least once, every refusal with a
code of the service's. What is answered and not on the page is a promise that nobody made.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import re
import sys
from typing import Dict, List, Set, Tuple

from judging import Judge

Operation = Tuple[str, str]

# What nothing that a client can send is wrong for, with the reason.
NEVER_REFUSED: Dict[Operation, str] = {
    ("s3", "ListBuckets"): "it names nothing",
    ("sts", "GetCallerIdentity"): "it takes nothing",
}


class Seen:
    """What came of the calls of one operation."""

    def __init__(self) -> None:
        self.answers = 0
        self.codes: Set[str] = set()
        self.problems: List[str] = []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=pathlib.Path, required=True)
    parser.add_argument("--calls", type=pathlib.Path, required=True)
    given = parser.parse_args()
    judge = Judge()
    listed = operations(given.page.read_text(encoding="utf-8"))
    seen = read(given.calls)
    judge.check("the page lists operations", len(listed) > 1, given.page)
    for operation in listed:
        judge_operation(judge, operation, seen[operation])
    unlisted = [" ".join(one) for one in sorted(set(seen) - set(listed)) if seen[one].answers]
    judge.sound("what is answered is on the page", unlisted)
    wrong = [" ".join(one) for one in NEVER_REFUSED if one not in listed or seen[one].codes]
    judge.sound("what cannot be refused is not", wrong)
    return judge.finish()


def judge_operation(judge: Judge, operation: Operation, seen: Seen) -> None:
    name = " ".join(operation)
    answers = f"{name}: {seen.answers} answer{'' if seen.answers == 1 else 's'}"
    if judge.check(answers, seen.answers, "none was seen"):
        judge.sound(f"{name}: answers and refusals fit the model", sorted(set(seen.problems)))
    if operation not in NEVER_REFUSED:
        judge.check(f"{name}: refused with {', '.join(sorted(seen.codes))}", seen.codes, "never")


def operations(page: str) -> List[Operation]:
    """The operations that the page lists, under the services that have them."""
    found, service = [], ""
    for line in page.splitlines():
        if heading := re.fullmatch(r"## (\S+)", line):
            service = heading[1]
        elif operation := re.fullmatch(r"- `(\w+)`", line):
            found.append((service, operation[1]))
    return found


def read(calls: pathlib.Path) -> Dict[Operation, Seen]:
    seen: Dict[Operation, Seen] = collections.defaultdict(Seen)
    with calls.open(encoding="utf-8") as lines:
        for line in lines:
            call = json.loads(line)
            one = seen[call["service"], call["operation"]]
            one.problems += call["problems"]
            if call["code"] is None:
                one.answers += 1
            else:
                one.codes.add(call["code"])
    return seen


if __name__ == "__main__":
    sys.exit(main())

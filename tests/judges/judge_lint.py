"""Judges the forms of the linter by those who read them: models of SARIF and of JUnit's XML, and what
GitHub, GitLab and reviewdog document.

    python judge_lint.py --bin BIN

BIN is the built program. It lints a repository with faults, in letters that forms like to trip over.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import subprocess
import tempfile
from typing import Any, Dict, List

import junitparser
import sarif_pydantic

from judging import Judge

FOLDER = "models/ä b"
CONFIG = f"{FOLDER}/config.yaml"
FILES = {
    "trueup.yaml": 'version: 1\ninstallation: acme\nscopes: ["111122223333/eu-west-1"]\n',
    CONFIG: """\
version: 1
name: churn
account: "111122223333"
region: eu-west-1
framework: sklearn@1.2-1
description: "<b> & 'ü' | 100%, a: b"
data:
  train: {file: t.csv, pin: none, targett: "é"}
trainning: {entry_point: src/train.py}
owner: no
tags: {"a<b>&": "x"}
environments:
  staging: {}
  # trueup: ignore[H001] until=2999-01-31 reason="a load <test> & more"
  production: {}
""",
    f"{FOLDER}/t.csv": "x,y\n1,2\n",
    f"{FOLDER}/src/train.py": "pass\n",
}
LINT_DEADLINE = 60
COMMAND = re.compile(r"^::(error|warning|notice) ([^:]*)::(.*)$")
LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    program = parser.parse_args().bin.resolve()
    judge = Judge()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for path, text in FILES.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        linter = Linter(program, folder)
        document = json.loads(linter.run("json"))
        for section in (judge_sarif, judge_junit, judge_gitlab, judge_rdjson, judge_github):
            with judge.section(section.__name__):
                section(judge, linter, document)
    return judge.finish()


class Linter:
    """The program, and the repository that it looks at."""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path) -> None:
        self.program = program
        self.folder = folder

    def run(self, form: str) -> str:
        """What it writes in a form. There are errors, so it must exit with 1."""
        done = subprocess.run(
            [self.program, "lint", "-q", "-o", form],
            cwd=self.folder,
            env={"HOME": str(self.folder)},
            capture_output=True,
            timeout=LINT_DEADLINE,
            check=False,
        )
        if done.returncode != 1:
            raise AssertionError(f"exit code {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8")


def judge_sarif(judge: Judge, linter: Linter, document: Dict[str, Any]) -> None:
    text = linter.run("sarif")
    log = sarif_pydantic.Sarif.model_validate_json(text)
    (run,) = log.runs
    results = run.results or []
    expected = [*document["findings"], *document["ignored"]]
    judge.equal("sarif: a result for each finding", len(results), len(expected))
    levels = [LEVELS[one["severity"]] for one in expected]
    judge.equal("sarif: levels", [one.level.value for one in results], levels)
    prints = [one.partial_fingerprints["trueup/v1"] for one in results]
    judge.equal("sarif: fingerprints differ", len(set(prints)), len(prints))
    rules = [rule.id for rule in run.tool.driver.rules]
    judge.check("sarif: indices lead to the rules", all(rules[one.rule_index] == one.rule_id for one in results))
    places = [one.locations[0].physical_location for one in results]
    uris = {place.artifact_location.uri for place in places}
    judge.check("sarif: references are escaped", "models/%C3%A4%20b/config.yaml" in uris, uris)
    regions = [place.region for place in places]
    ordered = all((one.start_line, one.start_column) <= (one.end_line, one.end_column) for one in regions)
    judge.check("sarif: regions end behind their start", ordered)
    suppressed = [one for one in json.loads(text)["runs"][0]["results"] if one.get("suppressions")]
    judge.equal("sarif: what is ignored is suppressed", len(suppressed), len(document["ignored"]))


def judge_junit(judge: Judge, linter: Linter, document: Dict[str, Any]) -> None:
    report = junitparser.JUnitXml.fromstring(linter.run("junit").encode("utf-8"))
    failing = [one for one in document["findings"] if one["severity"] != "info"]
    judge.equal("junit: failures are counted", report.failures, len(failing))
    cases = [case for suite in report for case in suite]
    judge.equal("junit: cases are counted", report.tests, len(cases))
    failures = [case for case in cases if case.result]
    judge.equal("junit: failures are there", len(failures), len(failing))


def judge_gitlab(judge: Judge, linter: Linter, document: Dict[str, Any]) -> None:
    entries: List[Dict[str, Any]] = json.loads(linter.run("gitlab"))
    judge.equal("gitlab: an entry for each finding", len(entries), len(document["findings"]))
    known = {"info", "minor", "major", "critical", "blocker"}
    problems = [
        f"{entry}"
        for entry in entries
        if not isinstance(entry["description"], str)
        or not isinstance(entry["check_name"], str)
        or entry["severity"] not in known
        or entry["location"]["path"].startswith(("/", "./"))
        or entry["location"]["lines"]["begin"] < 1
    ]
    judge.sound("gitlab: the fields are those that are documented", problems)
    prints = [entry["fingerprint"] for entry in entries]
    judge.equal("gitlab: fingerprints differ", len(set(prints)), len(prints))


def judge_rdjson(judge: Judge, linter: Linter, document: Dict[str, Any]) -> None:
    result = json.loads(linter.run("rdjson"))
    diagnostics = result["diagnostics"]
    judge.equal("rdjson: one for each finding", len(diagnostics), len(document["findings"]))
    lines = {path: text.encode("utf-8").split(b"\n") for path, text in FILES.items()}
    found = {}
    for one in diagnostics:
        place = one["location"]
        start, end = place["range"]["start"], place["range"]["end"]
        if start["line"] == end["line"] and place["path"] in lines:
            line = lines[place["path"]][start["line"] - 1]
            found.setdefault(one["code"]["value"], []).append(line[start["column"] - 1 : end["column"] - 1])
    judge.check("rdjson: columns are bytes", b"targett" in found.get("S001", []), found)
    texts = {edit["text"] for one in diagnostics for edit in one.get("suggestions", [])}
    judge.check("rdjson: fixes are suggestions", {"training", "target", '"no"'} <= texts, texts)


def judge_github(judge: Judge, linter: Linter, document: Dict[str, Any]) -> None:
    lines = linter.run("github").splitlines()
    matched = [COMMAND.match(line) for line in lines if line.startswith("::")]
    judge.check("github: every command is one line", matched and all(matched), lines)
    shown = [one for one in matched if one]
    judge.equal("github: all are shown", len(shown), len(document["findings"]))
    keys = {"file", "line", "col", "endLine", "endColumn", "title"}
    sound = all({part.split("=", 1)[0] for part in one.group(2).split(",")} == keys for one in shown)
    judge.check("github: the properties are those that are documented", sound, lines)


if __name__ == "__main__":
    raise SystemExit(main())

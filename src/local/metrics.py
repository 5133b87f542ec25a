"""Finds the last value of each metric in a job's log.

Reads {"log": path, "definitions": [{"Name": ..., "Regex": ...}]} from the file that is the first
argument and writes {name: value} to the one that is the second. A regular expression's first group
is the value.
"""

import json
import re
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        task = json.load(source)
    patterns = [(each["Name"], re.compile(each["Regex"])) for each in task["definitions"]]
    found = {}
    with open(task["log"], encoding="utf-8", errors="replace") as log:
        for line in log:
            for name, pattern in patterns:
                for match in pattern.finditer(line):
                    try:
                        found[name] = float(match.group(1))
                    except (IndexError, TypeError, ValueError):
                        pass
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        json.dump({k: v for k, v in found.items() if v == v and abs(v) != float("inf")}, out)


if __name__ == "__main__":
    main()

"""Turns the demo's summary into what the judges read.

    python manifest.py SUMMARY MANIFEST CALLS

MANIFEST becomes a JSON object with url, region, account, bucket and endpoints; CALLS the requests that
the local SageMaker remembers, one JSON object a line, as judge_requests.py reads them.
"""

from __future__ import annotations

import json
import pathlib
import sys
import urllib.request

ACCOUNT = "111122223333"
REGION = "eu-west-1"


def main(summary_file: str, manifest_file: str, calls_file: str) -> None:
    summary = json.loads(pathlib.Path(summary_file).read_text(encoding="utf-8"))
    url = summary["endpoint_url"]
    manifest = {
        "url": url,
        "region": REGION,
        "account": ACCOUNT,
        "bucket": f"sagemaker-{REGION}-{ACCOUNT}",
        "endpoints": sorted(summary["endpoint_configs"]),
    }
    pathlib.Path(manifest_file).write_text(json.dumps(manifest), encoding="utf-8")
    with urllib.request.urlopen(f"{url}/_trueup/calls?since=0", timeout=30) as answer:
        log = json.load(answer)
    records = log["calls"] if isinstance(log, dict) else log
    with open(calls_file, "w", encoding="utf-8") as lines:
        for record in records:
            if record["service"] == "sagemaker" and record["request"] is not None and record["error"] is None:
                lines.write(json.dumps({"op": record["op"], "body": record["request"]}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

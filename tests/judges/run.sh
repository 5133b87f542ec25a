#!/usr/bin/env bash
# Judges the program from outside: with boto3, the AWS CLI, the SageMaker Python SDKs, botocore's model of
# the service, and with pandas and SciPy.
#
#     tests/judges/run.sh BIN
#
# BIN is the built program. It is started with the example deployed, judged and stopped. Needs
# Python 3.11 or newer; the virtual environments are made once, in tests/judges/.venv*.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${1:?usage: run.sh BIN}
bin=$(realpath "$bin")
work=$(mktemp -d)
started=

# Seconds until the example must be deployed: it trains on the way.
START_DEADLINE=${START_DEADLINE:-300}

# Whatever the user has configured for AWS is not for the judges.
unset "${!AWS_@}"
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
# What Python compiles stays with what is installed, not beside the sources.
export PYTHONPYCACHEPREFIX=$here/.venv/pycache

cleanup() {
    if [[ -n $started ]] && kill "$started" 2>/dev/null; then
        wait "$started" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT

# Starts the program with the example deployed. Once that is done it prints a summary, a JSON object,
# and stays until it is stopped.
start() {
    "$bin" demo --dir "$work/demo" -o json >"$work/summary.json" 2>"$work/log" &
    started=$!
    local end=$((SECONDS + START_DEADLINE))
    until python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/summary.json" 2>/dev/null; do
        if ! kill -0 "$started" 2>/dev/null; then
            started=
            give_up "the program ended before the example was deployed"
        elif ((SECONDS >= end)); then
            give_up "the example was not deployed within $START_DEADLINE s"
        fi
        sleep 0.2
    done
}

give_up() {
    tail -n 40 "$work/log" >&2
    printf 'FAIL start: %s\n0 passed, 1 failed\n' "$1"
    exit 1
}

"$here/environment.sh" all
python="$here/.venv/bin/python"
"$python" "$here/derive_shapes.py"
start
"$python" "$here/manifest.py" "$work/summary.json" "$work/manifest.json" "$work/calls.jsonl"
page=$here/../../docs/reference/local.md
# Every call of the judges' is written down, so that the last of them can say what nobody called.
export JUDGED_CALLS=$work/judged.jsonl
failed=0
judge() {
    "$python" "$here/$1" "${@:2}" | tee -a "$work/verdicts" || failed=1
}
url=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["url"])' "$work/manifest.json")
# The SDKs look for a region and an address before anybody tells them.
judge_sdk() {
    env AWS_DEFAULT_REGION=eu-west-1 AWS_ENDPOINT_URL="$url" SAGEMAKER_SUPPRESS_V2_WARNING=1 \
        "$here/.venv-$1/bin/python" -W ignore "$here/judge_$1.py" --manifest "$work/manifest.json" |
        tee -a "$work/verdicts" || failed=1
}
judge judge_boto3.py --manifest "$work/manifest.json"
judge judge_neighbours.py --manifest "$work/manifest.json"
judge judge_protocols.py --manifest "$work/manifest.json"
judge judge_queues.py --manifest "$work/manifest.json"
judge judge_logs.py --manifest "$work/manifest.json"
judge judge_objects.py --manifest "$work/manifest.json"
judge judge_roles.py --manifest "$work/manifest.json"
judge judge_topics.py --manifest "$work/manifest.json"
judge judge_events.py --manifest "$work/manifest.json"
judge judge_entities.py --manifest "$work/manifest.json"
judge judge_serving.py --manifest "$work/manifest.json"
judge judge_transform.py --manifest "$work/manifest.json"
judge judge_buckets.py --manifest "$work/manifest.json"
judge judge_stops.py --manifest "$work/manifest.json"
judge judge_refusals.py --manifest "$work/manifest.json" --page "$page"
judge judge_requirements.py --manifest "$work/manifest.json"
judge judge_monitoring.py --manifest "$work/manifest.json"
judge judge_analyzer.py --bin "$bin"
judge judge_requests.py --calls "$work/calls.jsonl"
judge judge_behaviours.py --bin "$bin"
judge judge_ssh.py --bin "$bin"
judge judge_cli.py --bin "$bin" --aws "$here/.venv-cli/bin"
"$here/.venv-lint/bin/python" "$here/judge_lint.py" --bin "$bin" | tee -a "$work/verdicts" || failed=1
judge_sdk sdk2
judge_sdk sdk3
judge judge_coverage.py --page "$page" --calls "$JUDGED_CALLS"
if ((failed)); then
    tail -n 40 "$work/log" >&2
fi
echo "all judges:"
awk '/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
     END { print passed " passed, " failed " failed" }' "$work/verdicts"
exit "$failed"

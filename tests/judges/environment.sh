#!/usr/bin/env bash
# Makes the virtual environment of the judges, tests/judges/.venv: anew when the requirements or
# Python change, else not at all.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wanted=$({ python3 --version; cat "$here/requirements.txt"; } | sha256sum)
if [[ $(cat "$here/.venv/made-from" 2>/dev/null) == "$wanted" ]]; then
    exit
fi
rm -rf "$here/.venv"
python3 -m venv "$here/.venv"
"$here/.venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --requirement "$here/requirements.txt"
printf '%s\n' "$wanted" >"$here/.venv/made-from"

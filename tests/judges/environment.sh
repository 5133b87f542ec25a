#!/usr/bin/env bash
# Makes the virtual environments of the judges: anew when the requirements or Python change, else not
# at all.
#
#     tests/judges/environment.sh [all | NAME…]
#
# Without a name it is boto3's, tests/judges/.venv. NAME is the folder of another's requirements, `cli`,
# `lint`, `sdk2` or `sdk3`; its environment is tests/judges/.venv-NAME. Who comes while they are made waits.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

make() {
    local requirements=$1 folder=$2 wanted
    wanted=$({ python3 --version; cat "$requirements"; } | sha256sum)
    if [[ $(cat "$folder/made-from" 2>/dev/null) == "$wanted" ]]; then
        return
    fi
    rm -rf "$folder"
    python3 -m venv "$folder"
    # What is never imported need not be compiled.
    "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$requirements"
    printf '%s\n' "$wanted" >"$folder/made-from"
}

exec 9>"$here/.venv.lock"
flock 9
if [[ ${1:-all} == all ]]; then
    make "$here/requirements.txt" "$here/.venv"
fi
[[ ${1:-} != all ]] || set -- cli lint sdk2 sdk3
for name in "$@"; do
    make "$here/$name/requirements.txt" "$here/.venv-$name"
done

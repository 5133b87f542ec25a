"""Judges the guide for the AWS CLI: its commands, in their order, print what it says they print.

    python judge_cli.py --bin target/debug/trueup --aws FOLDER [--page PAGE]

FOLDER holds the AWS CLI's `aws`. A fenced block `sh` of the page is run by bash in one folder, with the
variables of those before it; a block `text` that follows is what it prints, where `…` stands for
anything within a line. A block after `<!-- stays: … -->` is left running: it is the local SageMaker,
which gets a port of its own in place of the one that the page names.
"""

from __future__ import annotations

import argparse
import itertools
import os
import pathlib
import re
import subprocess
import tempfile
import time
from typing import Dict, List, NamedTuple, Optional

from judging import Judge
from local_server import started

PAGE = pathlib.Path(__file__).parents[2] / "docs/guides/local-by-hand.md"
# What the page calls the server.
URL = "http://127.0.0.1:4566"
# Seconds until a block must have run.
BLOCK_DEADLINE = 180
# Characters shown of what a failed block printed.
PRINTED_MAX = 2000
STAYS = "<!-- stays: "


class Block(NamedTuple):
    """Commands of the page, and what they print where the page says so."""

    line: int
    commands: str
    prints: Optional[str]
    stays: bool


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--aws", type=pathlib.Path, required=True)
    parser.add_argument("--page", type=pathlib.Path, default=PAGE)
    given = parser.parse_args()
    judge = Judge()
    blocks = read_blocks(given.page.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder, judge.section("the guide"):
        run_page(judge, blocks, given.bin.resolve(), given.aws.resolve(), pathlib.Path(folder))
    return judge.finish()


def read_blocks(page: str) -> List[Block]:
    """The page's `sh` blocks, each with the `text` block that comes before the next of them."""
    blocks: List[Block] = []
    stays = False
    lines = enumerate(page.splitlines(), start=1)
    for number, line in lines:
        if line.startswith(STAYS):
            stays = True
        elif line in ("```sh", "```text"):
            body = []
            for _, inner in lines:
                if inner == "```":
                    break
                body.append(inner + "\n")
            if line == "```sh":
                blocks.append(Block(number, "".join(body), None, stays))
                stays = False
            else:
                blocks[-1] = blocks[-1]._replace(prints="".join(body))
    return blocks


def run_page(
    judge: Judge,
    blocks: List[Block],
    program: pathlib.Path,
    aws: pathlib.Path,
    folder: pathlib.Path,
) -> None:
    home, bin_folder, work = folder / "home", folder / "bin", folder / "work"
    for one in (home, bin_folder, work):
        one.mkdir()
    (bin_folder / "trueup").symlink_to(program)
    (bin_folder / "aws").symlink_to(aws / "aws")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "HOME": str(home),
        "PATH": f"{bin_folder}:{environment['PATH']}",
        "AWS_PAGER": "",
    }
    server = next(one for one in blocks if one.stays)
    typed = [one for one in blocks if not one.stays]
    with started(server.commands.split(), work, environment) as (url, line):
        judge_printed(judge, server, line.replace(url, URL))
        # What follows a block that failed stands on it.
        list(itertools.takewhile(lambda one: run_block(judge, one, url, environment, work), typed))


def run_block(
    judge: Judge, block: Block, url: str, environment: Dict[str, str], work: pathlib.Path
) -> bool:
    """Runs one block, in the variables that the blocks before it left; whether it did as it should."""
    kept = work.parent / "variables"
    script = f"touch {kept}; . {kept}\nset -eo pipefail\n"
    script += (
        block.commands.replace(URL, url) + f"\ndeclare -p | grep -v -- '^declare -[^ ]*r' >{kept}\n"
    )
    start = time.monotonic()
    try:
        ran = subprocess.run(
            ["bash", "-c", script],
            env=environment,
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BLOCK_DEADLINE,
        )
        code, printed = ran.returncode, ran.stdout.decode()
    except subprocess.TimeoutExpired as expired:
        code, printed = -1, (expired.stdout or b"").decode()
    seconds = time.monotonic() - start
    name = f"line {block.line}: {title(block)} ({seconds:.1f} s)"
    why = f"ended with {code}:\n{printed[-PRINTED_MAX:]}"
    return judge.check(name, code == 0, why) and judge_printed(
        judge, block, printed.replace(url, URL)
    )


def title(block: Block) -> str:
    return block.commands.splitlines()[0][:60]


def judge_printed(judge: Judge, block: Block, printed: str) -> bool:
    if block.prints is None:
        return True
    pattern = ".*".join(re.escape(part) for part in block.prints.strip().split("…"))
    found = printed.strip()
    return judge.check(
        f"line {block.line}: prints what the page says", re.fullmatch(pattern, found), found
    )


if __name__ == "__main__":
    raise SystemExit(main())

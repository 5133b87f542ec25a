"""A local SageMaker for one judge."""

from __future__ import annotations

import contextlib
import json
import pathlib
import select
import signal
import subprocess
from typing import Dict, Iterator, List, Optional, Tuple

# Seconds until it must have said where it is, and must have ended.
START_DEADLINE = 60
STOP_DEADLINE = 30


@contextlib.contextmanager
def started(
    command: List[str], folder: pathlib.Path, environment: Optional[Dict[str, str]] = None
) -> Iterator[Tuple[str, str]]:
    """Runs `command` on any free port; its URL, and the line in which it says so."""
    command = [*command, "--port", "0"]
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            ready, _, _ = select.select([server.stdout], [], [], START_DEADLINE)
            line = server.stdout.readline().decode() if ready else ""
            if not line:
                raise RuntimeError(f"{command} did not say where it is")
            yield json.loads(line)["url"], line
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(STOP_DEADLINE)

"""Judges that repositories are reached by SSH as OpenSSH's own server lets one in.

    python judge_ssh.py --bin target/debug/trueup

An `sshd` of its own is started on loopback, with a repository behind it.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Dict, Iterator, List, NamedTuple

from judging import Judge

EXAMPLE = pathlib.Path(__file__).parents[2] / "example-repo"
# Seconds until the server must listen.
START_DEADLINE = 30
# Seconds until the program must have answered.
ANSWER_DEADLINE = 60


class Server(NamedTuple):
    """An `sshd` with one repository."""

    folder: pathlib.Path
    port: int

    @property
    def url(self) -> str:
        user = getpass.getuser()
        return f"ssh://{user}@127.0.0.1:{self.port}{self.folder}/origin.git#main"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    program = parser.parse_args().bin.resolve()
    judge = Judge()
    with judge.section("ssh"), tempfile.TemporaryDirectory(prefix="judge-ssh-") as folder:
        path = pathlib.Path(folder)
        make_keys(path)
        make_repository(path / "origin.git")
        with served(path) as server:
            judge_hosts(judge, program, server)
            judge_keys(judge, program, server)
            judge_agent(judge, program, server)
        with served(path, host_key="second") as server:
            judge_changed_host(judge, program, server)
    return judge.finish()


def make_keys(folder: pathlib.Path) -> None:
    for name in ("host", "second", "user", "stranger"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)])
    shutil.copy(folder / "user.pub", folder / "authorized")


def make_repository(path: pathlib.Path) -> None:
    """The example, as one commit."""
    git = ["git", "-C", str(EXAMPLE), "--git-dir", str(path), "--work-tree", "."]
    run(["git", "init", "-q", "--bare", "-b", "main", str(path)])
    run([*git, "add", "--all"])
    run([*git, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first"])


@contextlib.contextmanager
def served(folder: pathlib.Path, host_key: str = "host") -> Iterator[Server]:
    """Runs an `sshd` that lets one key in."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if os.geteuid() == 0:
        # Where it changes to when it drops its rights; Debian makes it when the service starts.
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    config = folder / "sshd_config"
    config.write_text(
        f"""ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/{host_key}
AuthorizedKeysFile {folder}/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
""",
        encoding="utf-8",
    )
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if sshd is None:
        raise RuntimeError("there is no sshd: install openssh-server")
    with open(folder / "sshd.log", "wb") as log:
        with subprocess.Popen([sshd, "-D", "-e", "-f", str(config)], stderr=log) as server:
            try:
                wait_for(port, folder / "sshd.log")
                yield Server(folder, port)
            finally:
                server.terminate()


def wait_for(port: int, log: pathlib.Path) -> None:
    end = time.monotonic() + START_DEADLINE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"sshd does not listen: {log.read_text(encoding='utf-8')}")


def judge_hosts(judge: Judge, program: pathlib.Path, server: Server) -> None:
    known = server.folder / "known_hosts"
    refused = look(program, server, ["--git-key", str(server.folder / "user")])
    judge.equal("an unknown host is not talked to", refused.returncode, 1)
    shown = fingerprint(server.folder / "host.pub")
    judge.check("and its fingerprint is told", shown in refused.stderr, refused.stderr)
    line = re.search(r"add this line to \S+: (.+)", refused.stderr)
    judge.check("with the line that trusts it", line is not None, refused.stderr)
    known.write_text(f"# hosts\n{line.group(1) if line else ''}\n", encoding="utf-8")
    found = look(program, server, ["--git-key", str(server.folder / "user")])
    judge.equal("once that line is there it is", found.returncode, 0)
    run(["ssh-keygen", "-q", "-H", "-f", str(known)])
    hashed = known.read_text(encoding="utf-8")
    judge.check("a hashed file names no host", "127.0.0.1" not in hashed, hashed)
    found = look(program, server, ["--git-key", str(server.folder / "user")])
    judge.check("and is understood", found.returncode == 0, found.stderr)


def judge_keys(judge: Judge, program: pathlib.Path, server: Server) -> None:
    stranger = str(server.folder / "stranger")
    refused = look(program, server, ["--git-key", stranger])
    judge.equal("a stranger's key opens nothing", refused.returncode, 1)
    judge.check("and is named", stranger in refused.stderr, refused.stderr)
    both = ["--git-key", stranger, "--git-key", str(server.folder / "user")]
    found = look(program, server, both)
    judge.check("keys are shown one after another", found.returncode == 0, found.stderr)


def judge_agent(judge: Judge, program: pathlib.Path, server: Server) -> None:
    said = run(["ssh-agent", "-s", "-a", str(server.folder / "agent")])
    pid = int(re.search(r"SSH_AGENT_PID=(\d+)", said).group(1))
    agent = {"SSH_AUTH_SOCK": str(server.folder / "agent")}
    try:
        refused = look(program, server, [], agent)
        judge.equal("an agent without keys opens nothing", refused.returncode, 1)
        run(["ssh-add", "-q", str(server.folder / "user")], environment=agent)
        found = look(program, server, [], agent)
        judge.check("an agent's key opens", found.returncode == 0, found.stderr)
    finally:
        os.kill(pid, 15)


def judge_changed_host(judge: Judge, program: pathlib.Path, server: Server) -> None:
    old = (server.folder / "host.pub").read_text(encoding="utf-8").rsplit(" ", 1)[0]
    known = server.folder / "known_hosts"
    known.write_text(f"# hosts\n[127.0.0.1]:{server.port} {old}\n", encoding="utf-8")
    refused = look(program, server, ["--git-key", str(server.folder / "user")])
    judge.equal("a host with another key is not talked to", refused.returncode, 1)
    place = f"line 2 of {known}"
    judge.check("the line is named", place in refused.stderr, refused.stderr)
    line = re.search(r"in the place of line 2 of \S+: (.+)", refused.stderr)
    known.write_text(line.group(1) if line else "", encoding="utf-8")
    found = look(program, server, ["--git-key", str(server.folder / "user")])
    judge.check("once it is replaced the host is trusted", found.returncode == 0, found.stderr)


def look(
    program: pathlib.Path, server: Server, options: List[str], environment: Dict[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    """Lets the program read the repository, with no keys and hosts but those that are named."""
    cache, home = server.folder / "cache", server.folder / "home"
    shutil.rmtree(cache, ignore_errors=True)
    home.mkdir(exist_ok=True)
    known = ["--git-known-hosts", str(server.folder / "known_hosts")]
    command = [str(program), "lint", "--source", server.url, "--cache", str(cache), *known, *options]
    return subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=ANSWER_DEADLINE,
        check=False,
    )


def fingerprint(public: pathlib.Path) -> str:
    return run(["ssh-keygen", "-l", "-f", str(public)]).split()[1]


def run(command: List[str], given: str = "", environment: Dict[str, str] = {}) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        input=given,
        capture_output=True,
        text=True,
        timeout=ANSWER_DEADLINE,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())

"""Starts a program with the packages that a requirements.txt names.

    requirements.py FOLDER MOST REQUIREMENTS PROGRAM [ARGUMENT…]

They are installed into a virtual environment in FOLDER, once for each content, and shared by everything
that asks for the same; it sees what the interpreter itself has. Of more than MOST environments those go
that were used longest ago and are not in use. Standard library only.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig

# Lines that refer to files beside the requirements begin so.
REFERENCES = ("-r", "-c", "-e", ".", "/", "file:")


def digest(requirements):
    """Of what is installed: the lines, the files that they may refer to, and the interpreter."""
    with open(requirements, "rb") as file:
        content = file.read()
    hashed = hashlib.sha256(content)
    hashed.update(sys.version.encode("utf-8") + sys.prefix.encode("utf-8"))
    lines = content.decode("utf-8", "replace").splitlines()
    if any(line.strip().startswith(REFERENCES) for line in lines):
        for folder, folders, names in os.walk(os.path.dirname(requirements)):
            folders.sort()
            for name in sorted(names):
                with open(os.path.join(folder, name), "rb") as file:
                    hashed.update(name.encode("utf-8") + hashlib.sha256(file.read()).digest())
    return hashed.hexdigest()[:32]


def locked(path, how):
    """The lock of an environment; it is kept until the program ends, which inherits it."""
    lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(lock, True)
    fcntl.flock(lock, how)
    return lock


def share(path):
    """Lets an environment see what the one that makes it has installed: only the interpreter's own is
    seen otherwise."""
    if sys.prefix == sys.base_prefix:
        return
    python = os.path.join(path, "bin", "python")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = subprocess.check_output([python, "-c", ask], text=True).strip()
    with open(os.path.join(folder, "maker.pth"), "w") as out:
        out.write("%s\n%s\n" % (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))


def make(path, requirements):
    shutil.rmtree(path, ignore_errors=True)
    subprocess.check_call([sys.executable, "-m", "venv", "--system-site-packages", path])
    share(path)
    pip = [os.path.join(path, "bin", "python"), "-m", "pip", "--disable-pip-version-check"]
    install = ["install", "--no-input", "--requirement", requirements]
    subprocess.check_call(pip + install, cwd=os.path.dirname(requirements))


def environment(folder, requirements):
    """The environment, made if it is not there."""
    path = os.path.join(folder, digest(requirements))
    made = os.path.join(path, "made")
    lock = locked(path, fcntl.LOCK_EX)
    if not os.path.exists(made):
        make(path, requirements)
    with open(made, "w"):
        # Its time is when it was last used.
        pass
    fcntl.flock(lock, fcntl.LOCK_SH)
    return path


def forget(folder, most):
    paths = [os.path.join(folder, name) for name in os.listdir(folder)]
    used = [path for path in paths if os.path.exists(os.path.join(path, "made"))]
    used.sort(key=lambda path: os.path.getmtime(os.path.join(path, "made")), reverse=True)
    for path in used[most:]:
        try:
            lock = locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def main():
    folder, most, requirements, program = sys.argv[1:5]
    os.makedirs(folder, exist_ok=True)
    try:
        path = environment(folder, requirements)
    except (OSError, subprocess.CalledProcessError) as error:
        what = "pip ended with %d" % error.returncode if hasattr(error, "returncode") else error
        sys.exit("InstallRequirementsError: requirements.txt was not installed: %s" % what)
    forget(folder, int(most))
    programs = os.path.join(path, "bin")
    if os.path.basename(program).startswith("python"):
        program = os.path.join(programs, "python")
    os.environ["VIRTUAL_ENV"] = path
    os.environ["PATH"] = programs + os.pathsep + os.environ.get("PATH", "")
    sys.stdout.flush()
    os.execv(program, [program] + sys.argv[5:])


if __name__ == "__main__":
    main()

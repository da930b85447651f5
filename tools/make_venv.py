"""Make ``.venv`` and install what is listed: ``python tools/make_venv.py run|dev``.

Runs on the system's Python with nothing installed. What was installed is stamped with a hash of
the lists, so a second call does nothing; an installation that was interrupted is begun again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PIP = (str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check")
MARKER = VENV / ".installing"
LEAST = (3, 11)

INSTALLS = MappingProxyType(
    {
        "run": (("requirements.txt", ()),),
        "dev": (("requirements-dev.txt", ()), ("requirements-parity.txt", ("--no-deps",))),
    }
)
"""kind → (list, options of pip), in order; dev holds all that run does."""


def main(kind: str) -> None:
    if is_ready(kind):
        return
    if MARKER.exists():
        if is_running(MARKER.read_text(encoding="ascii")):
            sys.exit(f"Another make is installing: wait for it, or delete {MARKER}")
        shutil.rmtree(VENV)
    VENV.mkdir(exist_ok=True)
    MARKER.write_text(str(os.getpid()), encoding="ascii")
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    for requirements, options in INSTALLS[kind]:
        print(f"Installing {requirements} into .venv; the first time this takes some minutes.")
        subprocess.run([*PIP, "--quiet", *options, "-r", str(ROOT / requirements)], check=True)
    for done in ("run",) if kind == "run" else ("run", "dev"):
        stamp(done).write_text(wanted(done), encoding="ascii")
    MARKER.unlink()


def is_ready(kind: str) -> bool:
    done = stamp(kind)
    return done.is_file() and done.read_text(encoding="ascii") == wanted(kind)


def stamp(kind: str) -> Path:
    return VENV / f".installed-{kind}"


def wanted(kind: str) -> str:
    """Hash of the lists that ``kind`` installs; ``dev`` includes ``run``'s."""
    names = {"requirements.txt", *(name for name, _ in INSTALLS[kind])}
    return hashlib.sha256(b"\0".join((ROOT / n).read_bytes() for n in sorted(names))).hexdigest()


def is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    found = sys.version_info[:2]
    if found < LEAST:
        sys.exit(
            "Python {}.{} was found as {}; {}.{} or newer is needed: install python3.11, "
            "or say make PYTHON=...".format(found[0], found[1], sys.executable, *LEAST)
        )
    if len(sys.argv) != 2 or sys.argv[1] not in INSTALLS:
        sys.exit("use: python tools/make_venv.py run|dev")
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"The installation stopped (status {error.returncode}); "
            "mend what it says above and run make again."
        )

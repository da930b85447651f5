"""From nothing to the first answered request, against the imports that nobody can avoid.

``python -m benchmarks.startup``
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks._table import Row, in_turn, show

ROOT = Path(__file__).resolve().parents[1]
RUNS = 3
PATIENCE_S = 180.0


def bare_import() -> None:
    subprocess.run([sys.executable, "-c", "import torch, gradio"], check=True, cwd=ROOT)


def first_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"PASST_HOST": "127.0.0.1", "PASST_PORT": str(port), "no_proxy": "*"}
    app = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/", app)
    finally:
        app.terminate()
        app.wait(30)


def wait_for(address: str, app: subprocess.Popen[bytes]) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if app.poll() is not None:
            sys.exit(f"app.py ended with status {app.returncode} before it answered")
        try:
            with opener.open(address, timeout=30) as response:
                if response.status == 200 and response.read():
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    sys.exit(f"app.py did not answer within {PATIENCE_S:g} s")


def main() -> None:
    app, bare = in_turn(RUNS, first_answer, bare_import)
    show(
        [
            Row(
                what="app.py to its first answer",
                seconds=app,
                against="import torch, gradio",
                other=bare,
                aim=2,
            )
        ]
    )


if __name__ == "__main__":
    main()

"""A command on a terminal: what a person sees of it."""

import os
import pty
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def on_a_terminal(command: Sequence[str], env: Mapping[str, str], *, longest: float) -> tuple[int, str]:
    """The exit status of *command*, which may take so many seconds, and what it shows on standard error."""
    terminal, other = pty.openpty()
    shown_as = {**env, "TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen(command, cwd=ROOT, env=shown_as, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=other) as process:
        os.close(other)
        shown = b""
        try:
            while more := os.read(terminal, 65536):
                shown += more
        except OSError:  # how Linux says that nobody has the other side open any more
            pass
        finally:
            os.close(terminal)
        return process.wait(longest), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())

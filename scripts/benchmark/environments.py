"""What is compared with, or drawn with, and is no part of the project: each in an environment of its own beside ours, made when needed."""

import subprocess
import sys
from pathlib import Path

from benchmark.measure import progress
from benchmark.server import ROOT

PINNED = {
    "awsmap": ("awsmap==1.9.0",),
    "c7n": ("c7n==0.9.53", "c7n-org==0.6.52"),
    "aws-list-all": ("aws-list-all==0.9.2",),
    "plot": ("matplotlib==3.11.2",),
}


def programs(name: str) -> Path:
    """The folder with the programs of the environment *name*."""
    folder = ROOT / f".venv-bench-{name}"
    done = folder / ".installed"
    wanted = "\n".join(PINNED[name])
    if not done.exists() or done.read_text() != wanted:
        progress(f"installing {wanted} into {folder.name}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PINNED[name]], check=True)
        done.write_text(wanted)
    return folder / "bin"

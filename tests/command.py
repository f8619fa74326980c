"""The command line, called in this process."""

import pytest

from collector.cli import main


def collector(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
    """(exit status, standard output, standard error) of the command with *arguments*."""
    monkeypatch.setattr("sys.argv", ["collector", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err

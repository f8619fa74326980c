"""Write SERVED.md anew: ask the emulator every call that the specs allow. Run as ``.venv/bin/python -m tests.enforced.write_served``."""

import tempfile
from pathlib import Path

from collector.spec.permitted import REGIONS
from collector.spec.reader import read_specs
from collector.spec.select import families
from tests.enforced.asking import root_of
from tests.enforced.conftest import EMPTY, powerless, probe
from tests.enforced.ministack import ministack
from tests.enforced.served import TABLE, table


def main() -> None:
    calls = [REGIONS, *(call for family in families(read_specs()) for call in family.calls())]
    with tempfile.TemporaryDirectory() as folder, ministack(Path(folder)) as url:
        found = probe(url, calls, {"root": root_of(EMPTY), "nothing": powerless(url)}, EMPTY)
    TABLE.write_text(table(calls, found["root"], found["nothing"]))
    print(f"wrote {TABLE}")


if __name__ == "__main__":
    main()

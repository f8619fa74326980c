"""Write SERVED.md anew. Run as ``.venv/bin/python -m tests.moto.write_served``."""

import anyio

from tests.moto.ring import TABLE, read_seeded, table


def main() -> None:
    TABLE.write_text(table(anyio.run(read_seeded)), encoding="utf-8")
    print(f"wrote {TABLE}")


if __name__ == "__main__":
    main()

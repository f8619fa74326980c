"""Every command, by the module it lives in."""

from collector.cli import demo, plan, query, run, specs

__all__ = ["demo", "plan", "query", "run", "specs"]

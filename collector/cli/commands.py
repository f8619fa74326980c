"""Every command, by the module it lives in."""

from collector.cli import demo, iam, metrics, plan, preflight, query, run, specs

__all__ = ["demo", "iam", "metrics", "plan", "preflight", "query", "run", "specs"]

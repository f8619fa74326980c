"""Every command, by the module it lives in."""

from collector.cli import billing, demo, iam, metrics, plan, preflight, query, run, specs

__all__ = ["billing", "demo", "iam", "metrics", "plan", "preflight", "query", "run", "specs"]

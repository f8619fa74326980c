"""Every command, by the module it lives in."""

from collector.cli import billing, demo, diff, iam, metrics, plan, preflight, query, run, specs

__all__ = ["billing", "demo", "diff", "iam", "metrics", "plan", "preflight", "query", "run", "specs"]

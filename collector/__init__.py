"""An asynchronous AWS service-inventory collector. Start reading at ``collector/run.py``."""

__version__ = "0.1.0"

"""The contenders of ``scripts/bench``: the same list calls, made in different ways, each in a process of its own."""

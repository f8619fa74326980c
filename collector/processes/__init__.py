"""A run in several processes, each with some of the accounts: `spread` starts them and listens, `__main__` is what they run."""

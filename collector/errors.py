"""Every error that the collector raises on purpose."""


class CollectorError(Exception):
    """Something that the user can mend: one line that says what was seen and what to do. Ends in exit status 2."""


class SettingsError(CollectorError):
    """A flag, an environment variable or the settings file says something that cannot be."""


class SpecError(CollectorError):
    """A spec file cannot be read or does not hold; carries every problem that was found."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class CredentialsError(CollectorError):
    """There are no credentials to start from, or AWS does not accept them."""


class SinkError(CollectorError):
    """The destination cannot be written."""


class ProcessError(CollectorError):
    """One of the processes of a run was ended from outside."""


class StoppedError(CollectorError):
    """A run was told to stop before it could leave a snapshot."""


class SnapshotError(CollectorError):
    """A snapshot cannot be read back."""


class CallNotAllowedError(Exception):
    """A call was about to be made that no spec names. That is our bug: it ends the run with exit status 1."""

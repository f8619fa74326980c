"""The demonstration: an emulator, a seeded organisation in it, and the settings of a run that reads it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from collector.demo.emulator import emulator
from collector.demo.seed import Seeded, seed
from collector.event_loop import in_event_loop
from collector.settings import RunSettings
from collector.spec.reader import read_specs


@contextmanager
def demonstration(to: str | None, tell: Callable[[str], None]) -> Iterator[RunSettings]:
    """Settings that read the emulated organisation, for as long as the ``with`` block lasts."""
    with emulator() as url, emulated_environment(url):
        tell(f"Emulated AWS at {url}; putting an organisation into it…")
        seeded = in_event_loop(seed, url)
        places = f"{len(seeded.accounts)} accounts and {len(seeded.regions)} regions"
        tell(f"{len(seeded.resources)} resources in {places}, {len(seeded.secrets)} secrets")
        yield settings_for(seeded, to)


def settings_for(seeded: Seeded, to: str | None) -> RunSettings:
    """A run over the whole organisation, of every service that has something in it."""
    types = {resource.type for resource in seeded.resources}
    services = tuple(name for name, service in read_specs().items() if types & {each.type for each in service.resources.values()})
    return RunSettings(
        organization=True,
        role=seeded.role_name,
        external_id=seeded.external_id,
        region=seeded.regions,
        service=services,
        to=to,
    )


@contextmanager
def emulated_environment(url: str) -> Iterator[None]:
    """AWS's variables for the emulator in place of the user's own, which come back afterwards: the demo must never reach AWS."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ |= before

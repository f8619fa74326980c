"""What must never be seen: ExternalIds and credentials, in what a run says, in its files, and in the list of processes."""

from pathlib import Path

import pytest

from collector.exit import Exit
from tests.faults.running import ACCOUNTS, REGIONS, arguments, aws, ended, environment, running
from tests.faults.served import served
from tests.synthetic import Fault

pytestmark = pytest.mark.slow

SECRETS = {
    "COLLECTOR_EXTERNAL_ID": "unseen-7391-external-id",
    "AWS_SECRET_ACCESS_KEY": "unseen-7391-secret-access-key",
    "AWS_SESSION_TOKEN": "unseen-7391-session-token",
}
MANY_CALLS = 200


def test_no_credential_and_no_external_id_is_ever_seen(tmp_path: Path) -> None:
    """In several processes, with every event logged, one account refused by STS, one throttled, and errors that quote what was sent."""
    to, said = tmp_path / "snapshot", tmp_path / "said"
    faults = (
        Fault(service="sts", operation="AssumeRole", containing=ACCOUNTS[2], code="AccessDenied", message="sent: unseen-7391-external-id"),
        Fault(service="sqs", region=REGIONS[0], code="InternalError", status=500, message="unseen-7391-session-token"),
        Fault(service="sns", region=REGIONS[0], kind="raw", status=200, body=b"<unseen-7391-secret-access-key"),
    )
    titles: list[bytes] = []
    with (
        served(aws(items=1, faults=faults)) as answering,
        running("collector", arguments(str(to), "--processes", "2", "--verbose"), environment(answering.url, SECRETS), said) as process,
    ):

        def look(number: int) -> None:
            if number == MANY_CALLS:
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                titles.extend(Path(f"/proc/{each}/cmdline").read_bytes() for each in (process.pid, *children))

        answering.server.called = look
        last = ended(process, said)

    assert last.status == Exit.GAPS, last.said
    assert len(titles) == 3
    written = [path.read_bytes() for path in to.iterdir()]
    assert len(written) >= 5
    assert not [text for text in (last.said.encode(), *titles, *written) if b"unseen-7391" in text]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (to, *to.iterdir()))

"""The collector: from settings to lines in a folder. Only the preflight is left out, since the others have none."""

import tempfile

from benchmark.work import ABREAST, REGIONS, ROLE, SPECS, accounts, tell
from collector import log
from collector.aws.endpoints import PartitionEndpoints
from collector.connect import connected
from collector.plan import plan
from collector.run import run
from collector.settings import RunSettings
from collector.sink import open_sink
from collector.spec.check import checked_specs
from collector.spec.select import families

TYPES = ("ec2.instance", "iam.role", "lambda.function", "dynamodb.table", "sns.topic", "sqs.queue")


async def work() -> tuple[int, int]:
    log.set_up(quiet=True)
    settings = RunSettings(account=tuple(accounts()), role=ROLE, region=REGIONS, workers=ABREAST)
    chosen = families(checked_specs((SPECS,)), type=TYPES)
    with tempfile.TemporaryDirectory() as folder:
        async with connected(settings, chosen) as connection, open_sink(f"{folder}/out") as sink:
            tasks = plan(chosen, connection.accounts, PartitionEndpoints(connection.partition))
            progress = await run(tasks, connection.gateway, sink, workers=settings.workers)
            await sink.finish({})
            return connection.gateway.counts.calls, sum(progress.resources.values())


if __name__ == "__main__":
    tell(work)

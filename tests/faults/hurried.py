"""`python -m tests.faults.hurried …`: the collector's command line, which stores every few records instead of every few megabytes or
seconds.

So a run of two seconds has as many stored states to be killed in as one of an hour.
"""

import collector.sink.s3
import collector.sink.stream
from collector.cli import main

collector.sink.stream.FLUSH_SECONDS = 0.02
collector.sink.stream.BUFFERED = 20_000
collector.sink.s3.PART_SECONDS = 0.2

if __name__ == "__main__":
    main()

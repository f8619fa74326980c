"""A synthetic AWS: any operation botocore knows, answered over real HTTP with made-up but shape-true data.

One program for the model ring, the fault tests, the load tests and the bench. Start reading in `server.py`; the data
goes `server -> route -> params -> answer -> wire -> placeholders`. It listens on loopback only.
"""

from tests.synthetic.serving import serving, synthetic
from tests.synthetic.settings import Fault, PagingRule, Put, Settings, Throttle

__all__ = ["Fault", "PagingRule", "Put", "Settings", "Throttle", "serving", "synthetic"]

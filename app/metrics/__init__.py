"""What Prometheus may know of the service. No label grows with what callers send; docs/metrics.md is the list.

Read ``numbers``, ``sampled`` and ``shared``; ``pulse`` measures the event loop.
"""

from app.metrics.numbers import Metrics
from app.metrics.shared import CONTENT_TYPE, SHARED_DIRECTORY, shared_by

__all__ = ["CONTENT_TYPE", "SHARED_DIRECTORY", "Metrics", "shared_by"]

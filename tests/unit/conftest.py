"""An environment of their own for all tests here, and Hypothesis without a clock.

Machines are shared, and a slow moment is no finding. In CI Hypothesis draws the same always.
"""

import os

from hypothesis import HealthCheck, settings

from tests import surroundings
from tests.unit.service_client import bridge, server  # noqa: F401  (fixtures)

surroundings.enter()
settings.register_profile(
    "photio",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("photio")

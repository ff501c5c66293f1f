"""What all tests share: hypothesis profiles and the delivery fixtures."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.conftest_delivery"]

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("ci")

"""What all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

from running import LOWERINGS, Lowering

# The same examples on every run: a failure is then one for everybody.
settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")


@pytest.fixture(params=LOWERINGS.values(), ids=LOWERINGS.keys(), scope="session")
def lowering(request: pytest.FixtureRequest) -> Lowering:
    """One way of spelling a gradient graph, and of running it."""
    return request.param

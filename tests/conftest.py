"""What all tests share."""

from __future__ import annotations

import onnxruntime
import pytest
from hypothesis import settings

from onnxdream.lowering import portable
from onnxdream.runtime import accelerated_lowering
from running import Lowering, quiet_options


def lowerings() -> list[Lowering]:
    """The spellings that work on this machine."""
    found = [Lowering("portable", portable)]
    accelerated = accelerated_lowering()
    if accelerated is not None:

        def options() -> onnxruntime.SessionOptions:
            with_library = quiet_options()
            with_library.register_custom_ops_library(accelerated.library)
            return with_library

        found.append(Lowering("accelerated", accelerated.spell, options))
    return found


LOWERINGS = lowerings()
"""Every gradient is tested in each of these spellings."""

# The same examples on every run: a failure is then one for everybody.
settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")


@pytest.fixture(params=LOWERINGS, ids=lambda lowering: lowering.name, scope="session")
def lowering(request: pytest.FixtureRequest) -> Lowering:
    """One way of spelling a gradient graph, and of running it."""
    return request.param

"""What the tests on a GPU share. Without one they are skipped, and say why."""

from __future__ import annotations

import pytest

from onnxdream.errors import BackendError
from onnxdream.runtime import Backend, Machine, choose, settled


@pytest.fixture(scope="session", autouse=True)
def gpu() -> Backend:
    """The GPU."""
    try:
        return settled(choose(Machine("cuda")))
    except BackendError as error:
        pytest.skip(str(error))

"""Dreamers in every lowering."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dreaming import small_dreamer

from onnxdream import Dreamer, Machine
from onnxdream.runtime import accelerated_lowering


@pytest.fixture(scope="module", params=["portable", "accelerated"])
def spelling(request: pytest.FixtureRequest) -> str:
    """The name of a lowering."""
    if request.param == "accelerated" and accelerated_lowering() is None:
        pytest.skip("the compiled operators do not work here")
    return str(request.param)


@pytest.fixture(scope="module", params=["squeezenet", "efficientnet-lite0"])
def dreamer(request: pytest.FixtureRequest, spelling: str) -> Iterator[Dreamer]:
    """An embedded network with the layers that it suggests."""
    with Dreamer(request.param, machine=Machine(lowering=spelling)) as dreamer:
        yield dreamer


@pytest.fixture(scope="module")
def small(spelling: str) -> Iterator[Dreamer]:
    """A network of two convolutions."""
    with small_dreamer(lowering=spelling) as dreamer:
        yield dreamer

"""Gradients in half precision, against the same in float32."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.gradient import gradient_graph
from onnxdream.graph import GRADIENT, IMAGE
from onnxdream.graph.half import _HALF
from onnxdream.lowering import on_device, portable
from operator_cases import CASES, LAYER, case_graph
from rounding import run_rounded
from rules import distinct
from running import run_graph


def test_every_operator_is_tested():
    assert {word for case in CASES for word in case.partition(",")[0].split()} >= set(_HALF)


@pytest.mark.parametrize("spell", [portable, on_device])
@pytest.mark.parametrize("case", CASES)
def test_gradients_agree(case, spell):
    graph, feeds = case_graph(case), {IMAGE: distinct(1, 3, 32, 28)}
    whole, half = (spell(gradient_graph(graph, {LAYER: 1.0}, half)) for half in (False, True))
    [expected] = run_graph(whole, feeds, [GRADIENT])
    [found] = run_rounded(half, feeds, [GRADIENT])
    assert np.abs(expected).max() > 0
    apart = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert 0 < apart < 1e-2

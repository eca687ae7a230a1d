"""What a case takes."""

from __future__ import annotations

import json
import subprocess
from io import BytesIO

import numpy as np
import pytest
from msgspec.structs import replace
from reports import CASE

from onnxdream import kernels, load
from onnxdream.bench import Effort, apart, measure, measure_apart, run
from onnxdream.bench.child import answer
from onnxdream.bench.measure import _nothing
from onnxdream.bench.memory import peak_memory
from onnxdream.errors import BenchmarkError
from onnxdream.gradient import gradient_graph
from onnxdream.runtime import Backend, Stepper, accelerated_lowering, lowering_for
from steps import PARTS, blurred

SMALL = replace(CASE, size=64, threads=1)
BRIEF = Effort((), warm_up=1, steps=3, seconds=0.0)


def test_every_part_is_timed():
    result = measure(SMALL, BRIEF)
    assert result.case == SMALL
    for samples in (result.step, result.network, result.kernels):
        assert len(samples) >= BRIEF.steps
        assert all(0 < seconds < 10 for seconds in samples)
    assert np.median(result.kernels) < np.median(result.step)


def test_it_goes_on_until_the_time_is_filled():
    result = measure(SMALL, replace(BRIEF, seconds=0.25))
    assert sum(result.step) >= 0.25 or len(result.step) >= 400


@pytest.mark.parametrize("name", ["portable", "accelerated"])
def test_a_step_around_nothing_is_the_kernels(name):
    if name == "accelerated" and accelerated_lowering() is None:
        pytest.skip("the compiled operators do not work here")
    network = load("squeezenet")
    gradient = gradient_graph(network.graph, {network.resolve("fire7"): 1.0})
    backend, preprocessing = Backend("cpu"), network.preprocessing
    lowering = lowering_for(backend, name)
    stepper = Stepper(_nothing(gradient), preprocessing, lowering, backend, 1, PARTS)
    picture = np.random.default_rng(0).random((40, 52, 3), np.float32)
    ascent = stepper.ascent(picture, blurred(0.7))
    ascent.step((5, -3), 1.5)
    std, bgr = preprocessing.unit_std, preprocessing.bgr
    image = kernels.jitter_normalize(picture, 5, -3, preprocessing.unit_mean, std, bgr)
    slope = kernels.unjitter_blur(image, 5, -3, std, bgr, 0.7)
    expected, _ = kernels.ascend(picture, slope, 1.5)
    np.testing.assert_allclose(ascent.picture(), expected, atol=1e-5)


def test_a_case_apart_has_a_memory_of_its_own():
    held = np.ones(100 << 20, np.uint8)
    result = measure_apart(SMALL, BRIEF)
    assert held.sum() == held.size
    assert result.case == SMALL
    assert result.peak_memory is None or 0 < result.peak_memory < peak_memory()


def test_a_run_tells_how_far_it_is(monkeypatch):
    monkeypatch.setattr(apart, "measure_apart", lambda case, effort: (case, effort))
    cases = [replace(SMALL, size=size) for size in (64, 96)]
    told = []
    report = run(cases, quick=True, progress=lambda *news: told.append(news))
    assert told == list(enumerate(cases))
    assert report.results == [(case, apart.QUICK) for case in cases]
    assert (report.workload, report.quick) == (apart.WORKLOAD, True)


def test_what_goes_wrong_apart_is_said():
    with pytest.raises(BenchmarkError, match=r"64×64.*no provider 'abacus'"):
        measure_apart(replace(SMALL, provider="abacus"), BRIEF)


@pytest.mark.parametrize(
    ("code", "said", "reason"),
    [
        (-9, "", "signal 9 ended it; if memory was short"),
        (1, "Traceback\nValueError: no\n", "ValueError: no"),
        (3, "", "ended with code 3"),
    ],
)
def test_a_process_that_breaks_is_explained(monkeypatch, code, said, reason):
    broken = subprocess.CompletedProcess([], code, "", said)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: broken)
    with pytest.raises(BenchmarkError, match=reason):
        measure_apart(SMALL, BRIEF)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "What was said of squeezenet .* is no result"),
        ("a warning\n", "malformed"),
        ("{}\n", "did not say why"),
        ('{"result": {"case": {"network": 3}}}\n', r"result\.case\.network"),
    ],
)
def test_an_answer_that_is_none(monkeypatch, said, reason):
    done = subprocess.CompletedProcess([], 0, said, "")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: done)
    with pytest.raises(BenchmarkError, match=reason):
        measure_apart(SMALL, BRIEF)


def test_an_order_that_is_none_is_answered():
    reply = BytesIO()
    answer(BytesIO(b'{"case": {}}'), reply)
    assert "missing required field" in json.loads(reply.getvalue())["error"]


def test_no_python_to_start(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(BenchmarkError, match="Python cannot be started"):
        measure_apart(SMALL, BRIEF)

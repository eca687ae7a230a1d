"""The cases of the benchmark."""

from __future__ import annotations

import pytest

from onnxdream import load
from onnxdream.bench import FULL, NETWORKS, QUICK, WORKLOAD, plan, workload
from onnxdream.errors import BenchmarkError, OnnxdreamError, ProviderError, RecipeError
from onnxdream.runtime import Backend, Machine, lowering_for, usable_cores

HASHES = {
    "squeezenet": "c5a7913fe938367d9fc4ac47a53e6ef69af8400db3c40f0dc54706d9ff07b298",
    "efficientnet-lite0": "b2f6b1a0610e51ad76793ecd83199a3f5df929f82bc2121065d80657426fe1e3",
}

CPU = {"provider": "cpu", "lowerings": ["portable"]}


def test_workload_1_is_this():
    """Whoever changes one of these makes a new workload, and says so here."""
    assert WORKLOAD == 1
    assert NETWORKS == {"squeezenet": "fire7", "efficientnet-lite0": "block9"}
    assert (workload.BLUR, workload.JITTER, workload.STEP_SIZE, workload.SEED) == (0.7, 32, 1.5, 0)
    assert workload.Effort((224, 512, 1024), warm_up=4, steps=20, seconds=1.0) == FULL
    assert workload.Effort((224, 512), warm_up=2, steps=8, seconds=0.2) == QUICK


@pytest.mark.parametrize(("name", "hash"), HASHES.items())
def test_workload_1_is_of_these_networks(name, hash):
    assert load(name).card.hash == hash


def test_the_plan_is_every_network_at_every_size():
    cases = plan(**CPU)
    assert [(case.network, case.size) for case in cases] == [
        (network, size) for network in NETWORKS for size in FULL.sizes
    ]
    assert {case.way for case in cases} == {
        f"cpu, portable, fp32, {usable_cores()} thread{'s' * (usable_cores() > 1)}"
    }


def test_the_plan_can_be_narrowed_and_widened():
    cases = plan(networks=["squeezenet"], sizes=[64, 96], threads=[1, 3], **CPU)
    assert [(case.layer, case.size, case.threads) for case in cases] == [
        ("fire7", 64, 1),
        ("fire7", 64, 3),
        ("fire7", 96, 1),
        ("fire7", 96, 3),
    ]


def test_what_is_named_twice_is_measured_once():
    twice = {"networks": ["squeezenet"] * 2, "sizes": [64] * 2, "threads": [2] * 2}
    assert len(plan(**twice, provider="cpu", lowerings=["portable", "portable"])) == 1


def test_precisions_take_the_lowerings_that_know_them():
    quick = {"networks": ["squeezenet"], "sizes": [64], "threads": [1], "provider": "cpu"}
    cases = plan(**quick, precisions=["fp32", "fp16", "fp16"])
    assert [case.precision for case in cases] == ["fp32", "fp16"]
    assert cases[0].lowering == lowering_for(Backend("cpu")).name
    assert cases[1].lowering == "portable"
    assert not any(case.graphs for case in cases)


def test_on_a_gpu_steps_are_replayed_or_not(monkeypatch):
    def choose(machine: Machine) -> Backend:
        return Backend("cuda", machine.device, True, machine.precision)

    monkeypatch.setattr(workload, "choose", choose)
    monkeypatch.setattr(workload, "settled", lambda backend: backend)
    quick = {"networks": ["squeezenet"], "sizes": [64], "device": 1, "threads": [1, 2]}
    assert [case.way for case in plan(**quick, precisions=["tf32", "fp16"])] == [
        "cuda:1, portable, tf32, CUDA graphs",
        "cuda:1, portable, fp16, CUDA graphs",
    ]
    assert [case.way for case in plan(**quick, graphs=[True, False])] == [
        "cuda:1, portable, fp32, CUDA graphs",
        "cuda:1, portable, fp32",
    ]


@pytest.mark.parametrize(
    ("settings", "error", "reason"),
    [
        ({"networks": ["alexnet"]}, BenchmarkError, "measures squeezenet, efficientnet-lite0"),
        ({"sizes": [224, 8]}, BenchmarkError, "squeezenet needs pictures of at least"),
        ({"threads": [0]}, BenchmarkError, "at least one thread"),
        ({"provider": "abacus"}, ProviderError, "no provider 'abacus'"),
        ({"lowerings": ["abacus"]}, ProviderError, "no lowering 'abacus'"),
        ({"precisions": ["fp8"]}, RecipeError, "one of fp32, tf32, fp16"),
        ({"precisions": ["tf32"], "provider": "cpu"}, ProviderError, "TF32"),
    ],
    ids=lambda value: str(value),
)
def test_an_impossible_plan(settings, error, reason):
    assert issubclass(error, OnnxdreamError)
    with pytest.raises(error, match=reason):
        plan(**settings)


def test_a_case_says_what_it_is():
    [case] = plan(networks=["squeezenet"], sizes=[64], threads=[1], **CPU)
    assert str(case) == "squeezenet → fire7, 64×64, cpu, portable, fp32, 1 thread"

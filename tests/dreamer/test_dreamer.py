"""A Dreamer: what it is told, who may use it, and its end."""

from __future__ import annotations

import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from dreaming import QUICK, picture, small_dreamer

import onnxdream
from onnxdream import Dreamer, Progress
from onnxdream.errors import (
    BackendError,
    LayerNotFoundError,
    NetworkFormatError,
    ProviderError,
    RecipeError,
    UnsupportedOperatorError,
)
from onnxdream.graph import Node
from onnxdream.runtime import usable_cores
from small_networks import (
    classifier,
    convnet,
    network_of,
)


class TestContract:
    """The names that programs rely on."""

    def test_dreamer(self):
        assert parameters(Dreamer) == {
            "network": "efficientnet-lite0",
            "layers": None,
            "machine": None,
        }

    def test_dream(self):
        everything = parameters(onnxdream.dream)
        assert everything.pop("source") is everything.pop("settings") is inspect.Parameter.empty
        told = {"progress": None, "cancel": None, "timeout": None}
        assert everything == {"recipe": "animals", "machine": None, **told}

    def test_load(self):
        assert list(parameters(onnxdream.load)) == [
            "network",
            "mean",
            "std",
            "channels",
            "value_range",
        ]

    def test_progress(self):
        assert [field.name for field in fields(Progress)] == [
            "octave",
            "octaves",
            "step",
            "steps",
            "loss",
            "height",
            "width",
            "mean",
            "seconds",
            "losses",
            "_picture",
            "_base",
        ]

    def test_what_a_dreamer_says_of_itself(self, small, spelling):
        assert small.provider == "cpu"
        assert small.lowering == spelling
        assert small.precision == "fp32"
        assert small.threads == usable_cores()
        assert small.layers == {"second": 1.0}
        assert small.network.name == "small"

    def test_an_unknown_lowering_names_the_known(self):
        with pytest.raises(ProviderError, match="choose one of auto, accelerated, portable"):
            small_dreamer(lowering="fast")


def parameters(function: Any) -> dict[str, Any]:
    """The parameters of a function, each with its default."""
    return {p.name: p.default for p in inspect.signature(function).parameters.values()}


class TestLayers:
    def losses(self, layers: Any) -> float:
        with small_dreamer(layers=layers, lowering="portable") as dreamer:
            return dreamer.gradient(picture(40, 52))[0]

    def test_one_several_or_weighted(self):
        first, second = self.losses("first"), self.losses("second")
        assert self.losses(["first", "second"]) == pytest.approx(first + second)
        assert self.losses({"first": 3, "second": 0.5}) == pytest.approx(3 * first + second / 2)
        assert self.losses({"first": np.float32(2), "second": -1.0}) == pytest.approx(
            2 * first - second
        )
        assert self.losses(name for name in ("first", "second")) == pytest.approx(first + second)

    def test_by_number_and_by_alias(self):
        with Dreamer("squeezenet", {"fire5": 1.0, "@1": 0.5}) as dreamer:
            assert dreamer.layers == {"fire5/concat": 1.0, "conv1/conv": 0.5}

    def test_two_names_of_a_layer_add_up(self):
        with Dreamer("squeezenet", {"fire5": 1.0, "fire5/concat": 0.5}) as dreamer:
            assert dreamer.layers == {"fire5/concat": 1.5}

    def test_the_network_s_own_if_none_is_named(self, dreamer):
        network = dreamer.network
        expected = {network.resolve(name): w for name, w in network.default_layers.items()}
        assert dreamer.layers == expected

    def test_a_network_that_suggests_none_asks_for_one(self):
        with pytest.raises(RecipeError, match=r"small does not suggest a layer.*onnxdream layers"):
            Dreamer(network_of(convnet()))

    def test_a_near_miss_is_answered_with_the_closest(self):
        with pytest.raises(LayerNotFoundError, match=r"no layer 'fire55'. The closest are fire5"):
            Dreamer("squeezenet", ["fire5", "fire55"])

    @pytest.mark.parametrize(
        "weight",
        [float("nan"), float("inf"), "1", None, 1j, True, 10**400],
        ids=lambda w: str(w)[:9],
    )
    def test_a_weight_is_a_finite_number(self, weight):
        with pytest.raises(RecipeError, match=r"weight of 'first' must be .*, but is"):
            small_dreamer(layers={"first": weight})

    @pytest.mark.parametrize("layers", [5, 1.5, object(), [5], [None]], ids=repr)
    def test_layers_are_named_by_strings(self, layers):
        with pytest.raises(RecipeError, match="named by"):
            small_dreamer(layers=layers)

    @pytest.mark.parametrize("layers", [{"first": 0.0}, {}, [], {"@1": 1, "first/conv": -1}])
    def test_something_must_be_amplified(self, layers):
        with pytest.raises(RecipeError, match="nothing to amplify"):
            Dreamer(network_of(convnet()), layers)

    def test_a_layer_behind_a_fixed_size_names_the_size(self):
        with pytest.raises(NetworkFormatError, match="images of 32×32 only"):
            small_dreamer(classifier(32), "classes")

    def test_an_operator_without_a_gradient_is_named(self):
        graph = convnet()
        graph.nodes.append(Node("Asinh", ["second"], ["odd"], name="the odd one"))
        with pytest.raises(UnsupportedOperatorError, match=r"Asinh.*the odd one"):
            small_dreamer(graph, "odd")


class TestThreads:
    def test_as_many_as_there_are_cores(self):
        with small_dreamer() as dreamer:
            assert dreamer.threads == usable_cores()

    @pytest.mark.parametrize("threads", [0, -1, 1.5, "2"], ids=repr)
    def test_an_impossible_number_is_refused(self, threads):
        with pytest.raises(RecipeError, match=f"threads must be .*, but is {threads!r}"):
            small_dreamer(threads=threads)

    def test_several_threads_may_use_one_dreamer(self, dreamer):
        """Whatever the others do, a dream is to the byte what it is alone."""

        def dreamt(seed: int) -> bytes:
            pixels = picture(60 + seed, 70, seed)
            _, gradient = dreamer.gradient(pixels)
            return gradient.tobytes() + dreamer.dream_array(pixels, QUICK, seed=seed).tobytes()

        alone = [dreamt(seed) for seed in range(6)]
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(dreamt, range(6))) == alone

    def test_the_first_gradient_may_be_asked_for_by_several(self):
        together = threading.Barrier(3)

        def slope(_: int) -> bytes:
            together.wait()
            return dreamer.gradient(picture(40, 52))[1].tobytes()

        with small_dreamer() as dreamer, ThreadPoolExecutor(3) as pool:
            assert len(set(pool.map(slope, range(3)))) == 1


class TestClosed:
    @pytest.mark.parametrize("used", [False, True])
    def test_it_dreams_no_more(self, used):
        dreamer = small_dreamer()
        if used:
            dreamer.gradient(picture(32, 32))
            dreamer.dream_array(picture(32, 32), QUICK)
        dreamer.close()
        for use in (dreamer.gradient, dreamer.dream_array, dreamer.dream):
            with pytest.raises(BackendError, match="The Dreamer is closed"):
                use(picture(32, 32))

    def test_leaving_the_block_closes_it(self):
        with small_dreamer() as dreamer:
            pass
        with pytest.raises(BackendError, match="closed"):
            dreamer.dream_array(picture(32, 32))

    def test_twice_is_once(self):
        dreamer = small_dreamer()
        dreamer.close()
        dreamer.close()

    def test_a_dream_under_way_ends_first(self):
        pixels = picture(48, 48)
        with small_dreamer() as dreamer:
            expected = dreamer.dream_array(pixels, QUICK)
            found = dreamer.dream_array(pixels, QUICK, progress=lambda _: dreamer.close())
        assert np.array_equal(found, expected)

"""Loading a network: whose file it is, how it is fed, and what its layers are called."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from onnxdream import Layer, Network, Preprocessing, embedded, load
from onnxdream.errors import (
    LayerNotFoundError,
    NetworkFormatError,
    NetworkNotFoundError,
    RecipeError,
)
from onnxdream.gradient import gradient_graph
from onnxdream.graph import Card, Graph, Node, Tensor, write
from onnxdream.lowering import portable
from running import run_graph
from small_networks import (
    CARD,
    FLOAT32,
    LAYERS,
    STRIDES,
    classifier,
    convnet,
    network_of,
    save,
    two_inputs,
)

FED = {"mean": (0.1, 0.2, 0.3)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A foreign file."""
    return save(convnet(), tmp_path / "foreign.onnx")


@pytest.fixture(scope="module", params=["squeezenet", "efficientnet-lite0"])
def shipped(request: pytest.FixtureRequest) -> Network:
    return load(request.param)


def gradient_shape(graph: Graph, height: int, width: int) -> tuple[int, ...]:
    """The shape of the gradient that a gradient graph makes of an image."""
    image = np.ones((1, 3, height, width), np.float32)
    [gradient] = run_graph(portable(graph), {"image": image}, ["gradient"])
    return gradient.shape


class TestFinding:
    def test_the_embedded_networks(self):
        assert embedded() == ["efficientnet-lite0", "squeezenet"]

    def test_by_name_from_any_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert load("squeezenet").name == "squeezenet"

    def test_a_file_has_the_name_of_its_stem(self, file):
        for path in (file, str(file)):
            assert load(path, **FED).name == "foreign"

    def test_a_near_miss_is_answered_with_the_name(self):
        with pytest.raises(NetworkNotFoundError, match=r"did you mean squeezenet\?"):
            load("squeezenett")

    def test_an_unknown_name_is_answered_with_the_list(self):
        with pytest.raises(
            NetworkNotFoundError, match="Embedded are efficientnet-lite0, squeezenet"
        ):
            load("/nowhere/x.onnx")

    def test_a_folder_is_no_network(self, tmp_path):
        with pytest.raises(NetworkNotFoundError):
            load(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"\0" * 99, b"not an ONNX file"], ids=repr)
    def test_a_damaged_file_is_said_to_be_one(self, tmp_path, content):
        path = tmp_path / "damaged.onnx"
        path.write_bytes(content)
        with pytest.raises(NetworkFormatError, match="not an ONNX file"):
            load(path)


class TestPreprocessing:
    def test_an_embedded_network_brings_its_own(self, caplog):
        preprocessing = load("squeezenet").preprocessing
        assert preprocessing == Preprocessing((104, 117, 123), (1, 1, 1), "BGR", (0, 255))
        assert not caplog.records

    def test_the_caller_may_change_a_part(self):
        changed = load("squeezenet", std=(2, 2, 2)).preprocessing
        assert changed == Preprocessing((104, 117, 123), (2, 2, 2), "BGR", (0, 255))

    def test_a_foreign_file_takes_the_caller_s_word(self, file, caplog):
        said = {
            "mean": [0.485, 0.456, 0.406],
            "std": [0.2, 0.3, 0.4],
            "channels": "BGR",
            "value_range": (0, 255),
        }
        assert load(file, **said).preprocessing == Preprocessing(**said)
        assert not caplog.records

    def test_a_scale_that_is_not_said_is_0_to_1(self, file):
        assert load(file, **FED).preprocessing == Preprocessing(
            (0.1, 0.2, 0.3), (1, 1, 1), "RGB", (0, 1)
        )

    def test_nobody_s_word_is_a_warning(self, file, caplog):
        assert load(file).preprocessing == Preprocessing()
        [record] = caplog.records
        assert record.levelno == logging.WARNING
        assert "foreign does not say how it is fed" in record.getMessage()

    @pytest.mark.parametrize(
        "said", [{"mean": (1, 2)}, {"std": (0, 1, 1)}, {"channels": "GBR"}, {"value_range": (1, 0)}]
    )
    def test_nonsense_is_refused(self, file, said):
        with pytest.raises(RecipeError):
            load(file, **said)


class TestInput:
    """A network that dreams takes one float32 image, channels first."""

    def refuse(self, graph: Graph, tmp_path: Path, message: str) -> None:
        with pytest.raises(NetworkFormatError, match=message):
            load(save(graph, tmp_path / "odd.onnx"), **FED)

    def test_two_images_are_one_too_many(self, tmp_path):
        self.refuse(two_inputs(), tmp_path, r"odd has 2 inputs \(image, other\)")

    def test_numbers_are_no_image(self, tmp_path):
        graph = Graph(
            [Node("Relu", ["numbers"], ["positive"])],
            {},
            {"numbers": Tensor(FLOAT32, (1, 100))},
            {"positive": Tensor(FLOAT32, (1, 100))},
        )
        self.refuse(graph, tmp_path, r"takes float32 \[1, 100\]")

    def test_one_channel_is_too_few(self, tmp_path):
        self.refuse(convnet(shape=(1, 1, "H", "W")), tmp_path, r"takes float32 \[1, 1, 'H', 'W'\]")

    @pytest.mark.parametrize("shape", [(1, 224, 224, 3), ("N", "H", "W", 3)], ids=str)
    def test_channels_last_are_refused(self, tmp_path, shape):
        graph = convnet("first_channels")
        graph.nodes.insert(
            0, Node("Transpose", ["last_channels"], ["first_channels"], {"perm": [0, 3, 1, 2]})
        )
        graph.inputs = {"last_channels": Tensor(FLOAT32, shape)}
        self.refuse(graph, tmp_path, r"takes float32 .*\[1, 3, height, width\]")

    def test_half_precision_is_refused(self, tmp_path):
        graph = convnet()
        graph.constants = {n: v.astype(np.float16) for n, v in graph.constants.items()}
        half = np.dtype(np.float16)
        graph.inputs["image"] = Tensor(half, (1, 3, "H", "W"))
        graph.outputs = {name: Tensor(half, t.shape) for name, t in graph.outputs.items()}
        self.refuse(graph, tmp_path, "takes float16")

    def test_weights_that_are_inputs_too_are_no_images(self, tmp_path):
        graph = convnet()
        weight = graph.constants["first/weight"]
        graph.inputs["first/weight"] = Tensor(FLOAT32, weight.shape)
        network = load(save(graph, tmp_path / "old.onnx"), **FED)
        assert [layer.name for layer in network.layers] == list(LAYERS)

    @pytest.mark.parametrize(
        "shape", [("N", 3, "H", "W"), (1, "C", "H", "W"), (8, 3, 32, 40), (1, 3, 32, "W")], ids=str
    )
    def test_batch_and_channels_become_one_and_three(self, tmp_path, shape):
        network = load(save(convnet(shape=shape), tmp_path / "n.onnx"), **FED)
        assert network.graph.inputs["image"].shape == (1, 3, *shape[2:])

    def test_the_image_may_have_any_name(self, tmp_path):
        network = load(save(convnet("data_0"), tmp_path / "n.onnx"), **FED)
        assert list(network.graph.inputs) == ["image"]
        assert [layer.name for layer in network.layers] == list(LAYERS)


class TestFixedSize:
    """A network for images of one size can dream at any, as far as its convolutions reach."""

    @pytest.fixture
    def network(self, tmp_path: Path) -> Network:
        return load(save(classifier(32), tmp_path / "fixed.onnx"), **FED)

    def test_strides_and_channels_are_those_of_its_size(self, network):
        strides = {layer.name: layer.stride for layer in network.layers}
        assert tuple(strides[name] for name in LAYERS) == STRIDES
        channels = {layer.name: layer.channels for layer in network.layers}
        assert channels == dict(zip(LAYERS, (8, 8, 8, 6, 6), strict=True)) | {
            "mean": 6,
            "flat": 384,
            "classes": 10,
        }

    def test_what_has_no_extent_has_no_stride(self, network):
        strides = {layer.name: layer.stride for layer in network.layers}
        assert strides["mean"] == strides["flat"] == strides["classes"] == 0

    def test_its_convolutions_take_any_size(self, network):
        graph = gradient_graph(network.graph, {"second": 1.0})
        assert gradient_shape(graph, 45, 61) == (1, 3, 45, 61)

    def test_its_classes_do_not(self, network):
        with pytest.raises(NetworkFormatError, match="images of 32×32 only; choose an earlier"):
            gradient_graph(network.graph, {"classes": 1.0})


class TestLayers:
    def test_they_are_the_activations_in_order(self):
        layers = network_of(convnet()).layers
        assert [layer.name for layer in layers] == list(LAYERS)
        assert [layer.number for layer in layers] == [1, 2, 3, 4, 5]

    def test_channels_and_strides(self):
        layers = network_of(convnet()).layers
        assert tuple(layer.channels for layer in layers) == (8, 8, 8, 6, 6)
        assert tuple(layer.stride for layer in layers) == STRIDES

    def test_aliases_and_suggestions(self):
        card = Card(layers={"deep": "second", "shallow": "first"}, default_layers={"deep": 2.0})
        first, second = (network_of(convnet(), card).layers[i] for i in (1, 4))
        assert first == Layer(2, "first", "shallow", 8, 2, False)
        assert second == Layer(5, "second", "deep", 6, 4, True)

    def test_a_suggestion_may_be_a_tensor(self):
        card = Card(default_layers={"pool": 1.0})
        suggested = [layer.name for layer in network_of(convnet(), card).layers if layer.suggested]
        assert suggested == ["pool"]

    def test_what_does_not_depend_on_the_image_is_no_layer(self):
        graph = convnet()
        graph.nodes.append(Node("Relu", ["first/bias"], ["constant"]))
        assert "constant" not in [layer.name for layer in network_of(graph).layers]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("squeezenet", {"conv1": (64, 2), "fire2": (128, 4), "fire5": (256, 8)}),
            ("squeezenet", {"fire7": (384, 16), "pool10": (1000, 0), "prob": (1000, 0)}),
            ("efficientnet-lite0", {"stem": (32, 2), "block1": (96, 2), "block3": (144, 4)}),
            ("efficientnet-lite0", {"block9": (672, 16), "head": (1280, 32), "prob": (1000, 0)}),
        ],
    )
    def test_the_embedded_ones_are_measured(self, name, expected):
        network = load(name)
        found = {layer.name: (layer.channels, layer.stride) for layer in network.layers}
        assert {alias: found[network.resolve(alias)] for alias in expected} == expected

    def test_the_embedded_ones_suggest_what_they_amplify(self, shipped):
        suggested = {layer.alias for layer in shipped.layers if layer.suggested}
        assert suggested == set(shipped.default_layers) != set()


class TestResolve:
    @pytest.fixture
    def network(self) -> Network:
        card = Card(layers={"deep": "second", "first": "pool", "gone": "nowhere"})
        return network_of(convnet(), card)

    @pytest.mark.parametrize(
        ("layer", "tensor"),
        [
            ("second/conv", "second/conv"),
            ("deep", "second"),
            ("@1", "first/conv"),
            ("@3", "pool"),
            ("@5", "second"),
        ],
    )
    def test_a_name_an_alias_or_a_number(self, network, layer, tensor):
        assert network.resolve(layer) == tensor

    def test_an_exact_tensor_name_wins(self, network):
        assert network.resolve("first") == "first"

    @pytest.mark.parametrize("layer", ["@0", "@6", "@99999999999"])
    def test_numbers_end(self, network, layer):
        with pytest.raises(LayerNotFoundError, match=f"layers @1 to @5, but no {layer}"):
            network.resolve(layer)

    @pytest.mark.parametrize(
        ("layer", "closest"), [("secnd", "second"), ("depe", "deep"), ("pol", "pool")]
    )
    def test_a_near_miss_is_answered_with_the_closest(self, network, layer, closest):
        with pytest.raises(LayerNotFoundError, match=rf"no layer '{layer}'.*closest.*\b{closest}"):
            network.resolve(layer)

    @pytest.mark.parametrize("layer", ["", "@", "@two", "@-1", "gone", "image", "qqqqqqqq"])
    def test_anything_else_is_answered_with_where_to_look(self, network, layer):
        with pytest.raises(LayerNotFoundError, match="`onnxdream layers small` lists them all"):
            network.resolve(layer)

    @pytest.mark.parametrize("taken", ["loss", "gradient", "onnxdream/mine"])
    def test_a_name_that_onnxdream_needs_stays_as_an_alias(self, tmp_path, taken):
        graph = convnet()
        for node in graph.nodes:
            node.inputs = [taken if name == "pool" else name for name in node.inputs]
            node.outputs = [taken if name == "pool" else name for name in node.outputs]
        network = load(save(graph, tmp_path / "n.onnx"), **FED)
        renamed = network.resolve(taken)
        assert renamed != taken
        assert [layer.name for layer in network.layers if layer.alias == taken] == [renamed]
        assert gradient_graph(network.graph, {renamed: 1.0}).outputs.keys() == {"loss", "gradient"}


class TestLeastSize:
    def test_it_is_the_least_that_leaves_something(self):
        graph = convnet()
        graph.nodes[0].attributes["pads"] = [0, 0, 0, 0]
        network = network_of(graph)
        assert network.least_size(["first/conv"]) == 3
        assert network.least_size(["pool"]) == 5
        assert network.least_size(["first/conv", "pool"]) == 5

    def test_the_card_wins(self):
        assert network_of(convnet(), Card(least_size=77)).least_size(["first"]) == 77

    def test_of_a_network_for_one_size_it_is_that_of_its_convolutions(self):
        assert network_of(classifier(32)).least_size(["second"]) == 3

    def test_the_embedded_ones_say_it(self, shipped):
        assert shipped.least_size(["anything"]) == 48


class TestOurFiles:
    """A file with a card needs no word of the caller's, and its forward part is a network."""

    @pytest.fixture
    def network(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Network:
        graph = gradient_graph(convnet(), {"second": 1.0})
        graph.outputs["second"] = Tensor(FLOAT32, (1, 6, "h", "w"))
        card = Card(CARD.preprocessing, "Small", None, {"deep": "second"}, {"deep": 1.0})
        write(portable(graph), tmp_path / "ours.onnx", card)
        return load(tmp_path / "ours.onnx")

    def test_it_speaks_for_itself(self, network, caplog):
        assert network.preprocessing == CARD.preprocessing
        assert network.card.title == "Small"
        assert network.default_layers == {"deep": 1.0}
        assert not caplog.records

    def test_its_forward_part_can_be_amplified_elsewhere(self, network):
        assert [layer.name for layer in network.layers] == list(LAYERS)
        graph = gradient_graph(network.graph, {network.resolve("pool"): 1.0})
        assert gradient_shape(graph, 40, 50) == (1, 3, 40, 50)


def test_a_network_shows_its_name():
    assert repr(network_of(convnet())) == "<onnxdream.Network 'small'>"

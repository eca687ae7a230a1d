"""The embedded networks are what their cards say, and their labels make sense."""

from __future__ import annotations

import collections
import importlib
import io
import os
import pickle
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from PIL import Image

from onnxdream.graph import PREFIX, Card, Graph, Tensor, fingerprint, infer, read, read_card
from onnxdream.preprocessing import Preprocessing

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "docs" / "samples"
NETWORKS = ("squeezenet", "efficientnet-lite0")

CATS = {281, 282, 285}
MISSILE = 657


def shipped(name: str) -> Path:
    """A file of the package onnxdream.models."""
    return Path(str(files("onnxdream.models") / name))


@pytest.fixture(scope="module", params=NETWORKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def graph(name: str) -> Graph:
    return read(shipped(f"{name}.onnx"))


@pytest.fixture(scope="module")
def card(graph: Graph) -> Card:
    card = read_card(graph.metadata)
    assert card is not None
    return card


def fed(photograph: str, preprocessing: Preprocessing) -> np.ndarray:
    """The 224×224 in the middle of a photograph whose shorter side is 256."""
    with Image.open(SAMPLES / photograph) as image:
        scale = 256 / min(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        image = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
    if preprocessing.bgr:
        pixels = pixels[..., ::-1]
    pixels = (pixels - preprocessing.unit_mean) / preprocessing.unit_std
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def top5(name: str, photograph: str, preprocessing: Preprocessing) -> list[int]:
    """The likeliest classes of a photograph, the likeliest first."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(shipped(f"{name}.onnx"), providers=["CPUExecutionProvider"])
    (prob,) = session.run(["prob"], {"image": fed(photograph, preprocessing)})
    assert prob.shape == (1, 1000)
    assert prob.sum() == pytest.approx(1, abs=1e-4)
    return [int(label) for label in prob[0].argsort()[::-1][:5]]


class TestLabels:
    def test_a_cat_is_a_cat(self, name, card):
        assert set(top5(name, "cat.jpg", card.preprocessing)[:3]) == CATS

    def test_a_rocket_is_a_missile(self, name, card):
        assert MISSILE in top5(name, "rocket.jpg", card.preprocessing)

    def test_squeezenet_wants_blue_first(self):
        swapped = Preprocessing((104, 117, 123), (1, 1, 1), "RGB", (0, 255))
        assert MISSILE not in top5("squeezenet", "rocket.jpg", swapped)


class TestCards:
    def test_preprocessing(self, name, card):
        assert (
            card.preprocessing
            == {
                "squeezenet": Preprocessing((104, 117, 123), (1, 1, 1), "BGR", (0, 255)),
                "efficientnet-lite0": Preprocessing(
                    (127, 127, 127), (128, 128, 128), "RGB", (0, 255)
                ),
            }[name]
        )

    def test_hash_is_that_of_the_graph(self, graph, card):
        assert card.hash == fingerprint(graph)

    def test_layers_are_tensors_of_the_network(self, graph, card):
        assert set(card.layers.values()) <= set(graph.activations())

    def test_blocks_stand_for_their_widest_tensor(self, name, card):
        assert {
            "squeezenet": ("fire7", "fire7/concat"),
            "efficientnet-lite0": ("block9", "block9/expand"),
        }[name] in card.layers.items()

    def test_default_layers_are_layers(self, card):
        assert card.default_layers
        assert set(card.default_layers) <= set(card.layers)

    def test_least_size_is_taken(self, graph, card):
        shapes = infer(graph, card.least_size, card.least_size)
        assert all(min(shapes[card.layers[layer]][2:]) >= 2 for layer in card.default_layers)

    def test_the_page_says_what_the_file_says(self, name, card):
        page = shipped(f"{name}.md").read_text(encoding="utf-8")
        default = page.partition("The default is ")[2].split("\n\n")[0]
        assert card.title in page
        assert all(f"`{layer}`" in default for layer in card.default_layers)
        assert f"{card.least_size} pixels" in page

    def test_licence_is_beside_the_file(self, name, card):
        text = shipped(f"{name}.LICENSE").read_text(encoding="utf-8")
        phrases = {
            "squeezenet": ["MIT License", "Primoz Godec", "Redistributions in binary form"],
            "efficientnet-lite0": ["ML Illustrated", "Apache License", "Version 2.0"],
        }[name]
        assert all(phrase in text for phrase in phrases)
        assert card.licence
        assert card.source


class TestFiles:
    def test_versions(self, name):
        model = onnx.load(shipped(f"{name}.onnx"))
        assert model.ir_version == 8
        assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]

    def test_weights_are_half(self, name):
        model = onnx.load(shipped(f"{name}.onnx"))
        half = {w.name for w in model.graph.initializer if w.data_type == onnx.TensorProto.FLOAT16}
        assert half == {w.name for w in model.graph.initializer if len(w.dims) > 1}

    def test_size(self, name):
        megabytes = shipped(f"{name}.onnx").stat().st_size / 1e6
        assert megabytes < {"squeezenet": 2.6, "efficientnet-lite0": 9.5}[name]

    def test_image_in_probabilities_out(self, graph):
        float32 = np.dtype(np.float32)
        assert graph.inputs == {"image": Tensor(float32, (1, 3, "H", "W"))}
        assert graph.outputs == {"prob": Tensor(float32, (1, 1000))}

    def test_only_the_network_is_in_it(self, graph):
        assert not [tensor for tensor in graph.names() if tensor.startswith(PREFIX)]
        assert not {"Dropout", "BatchNormalization"} & {node.op for node in graph.nodes}

    @pytest.mark.parametrize("tensor", ["fire2/squeeze1x1", "fire9/expand3x3", "conv1", "conv10"])
    def test_squeezenet_names_are_those_after_the_relu(self, tensor):
        producers = read(shipped("squeezenet.onnx")).producers()
        assert producers[tensor].op == "Relu"
        assert producers[f"{tensor}/conv"].op == "Conv"

    @pytest.mark.parametrize("tensor", ["stem", "block0/depthwise", "block9/expand", "head"])
    def test_lite0_names_are_those_after_the_relu6(self, tensor):
        producers = read(shipped("efficientnet-lite0.onnx")).producers()
        assert producers[tensor].op == "Clip"
        assert producers[f"{tensor}/conv"].op == "Conv"

    def test_lite0_blocks_are_linear_with_shortcuts(self):
        graph = read(shipped("efficientnet-lite0.onnx"))
        producers = graph.producers()
        assert {producers[f"block{n}/project"].op for n in range(16)} == {"Conv"}
        shortcuts = {n for n in range(16) if f"block{n}/add" in producers}
        assert shortcuts == {2, 4, 6, 7, 9, 10, 12, 13, 14}

    @pytest.mark.parametrize("photograph", ["cat.jpg", "rocket.jpg"])
    def test_samples_are_small_photographs(self, photograph):
        path = SAMPLES / photograph
        assert path.stat().st_size < 150_000
        with Image.open(path) as image:
            assert image.mode == "RGB"
            assert image.width == 640
        assert f"`{photograph}`" in (SAMPLES / "README.md").read_text(encoding="utf-8")


class Mischief:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        return os.getcwd, ()


@pytest.fixture
def weight_files(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("weight_files")


class TestWeightFiles:
    def test_numpy_pickle(self, weight_files):
        weights = {"conv": [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(3)]}
        found = weight_files.read_numpy_pickle(pickle.dumps(weights, protocol=3))
        np.testing.assert_equal(found, weights)

    def test_numpy_pickle_runs_nothing(self, weight_files):
        with pytest.raises(pickle.UnpicklingError, match="getcwd"):
            weight_files.read_numpy_pickle(pickle.dumps({"conv": Mischief()}))

    def test_numpy_pickle_cut_short(self, weight_files):
        with pytest.raises(pickle.UnpicklingError):
            weight_files.read_numpy_pickle(pickle.dumps({"conv": np.ones(9)})[:-20])

    @pytest.mark.torch
    def test_torch_state(self, weight_files):
        torch = pytest.importorskip("torch")
        kernel = torch.arange(24.0).reshape(2, 3, 4)
        state = collections.OrderedDict(
            kernel=kernel,
            turned=kernel.transpose(0, 2),
            part=kernel[1:],
            steps=torch.tensor(7),
        )
        file = io.BytesIO()
        torch.save(state, file, _use_new_zipfile_serialization=False)
        found = weight_files.read_torch_state(file.getvalue())
        np.testing.assert_equal(found, {key: value.numpy() for key, value in state.items()})
        with pytest.raises(pickle.UnpicklingError):
            weight_files.read_torch_state(file.getvalue()[:-4])

    @pytest.mark.torch
    def test_torch_state_of_the_new_format(self, weight_files):
        torch = pytest.importorskip("torch")
        file = io.BytesIO()
        torch.save({"steps": torch.tensor(7)}, file)
        with pytest.raises(pickle.UnpicklingError):
            weight_files.read_torch_state(file.getvalue())

    def test_torch_state_runs_nothing(self, weight_files):
        head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
        content = b"".join(pickle.dumps(part, protocol=2) for part in [*head, Mischief()])
        with pytest.raises(pickle.UnpicklingError, match="getcwd"):
            weight_files.read_torch_state(content)

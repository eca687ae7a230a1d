"""PyTorch networks become files that do what PyTorch does, or no files."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from onnxdream import Dreamer, Machine, Preprocessing, load
from onnxdream.errors import (
    ExportError,
    LayerNotFoundError,
    MissingExtraError,
    RecipeError,
    UnsupportedOperatorError,
)
from onnxdream.export import export, open_source
from onnxdream.extras import need
from onnxdream.graph import read, read_card

if TYPE_CHECKING:
    from torch import nn

ROOT = Path(__file__).resolve().parent.parent
SMALL = ROOT / "tests" / "torch_networks" / "small.py"
LARGE = ROOT / "benchmarks" / "torch_networks.py"
SCRIPT = ROOT / "scripts" / "export.py"

LAYERS = {"clip": 1.0, "stem.1": 0.5}
PREPROCESSING = Preprocessing((0.4, 0.5, 0.6), (0.3, 0.2, 0.25), "BGR")

needs_torch = pytest.mark.torch


def made(factory: str, file: Path = SMALL) -> nn.Module:
    """A network of one of the files of networks."""
    return open_source(f"{file}:{factory}").network


def autograd(
    network: nn.Module, layers: Mapping[str, float], image: np.ndarray
) -> tuple[float, np.ndarray, dict[str, np.ndarray]]:
    """The loss, its gradient and the layers' values, by hooks of our own."""
    import torch

    network.eval()
    kept: dict[str, Any] = {}
    hooks = [
        network.get_submodule(name).register_forward_hook(
            lambda _, __, output, name=name: kept.update({name: output * 1})
        )
        for name in layers
    ]
    leaf = torch.from_numpy(image).requires_grad_()
    try:
        network(leaf)
    except RuntimeError as error:
        assert "mat1 and mat2" in str(error)
    for hook in hooks:
        hook.remove()
    loss = sum(weight * kept[name].square().mean() for name, weight in layers.items())
    (gradient,) = torch.autograd.grad(loss, leaf)
    values = {name: value.detach().numpy() for name, value in kept.items()}
    return loss.item(), gradient.numpy(), values


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one.astype(np.float64), other.astype(np.float64)
    return float(np.vdot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other)))


def image_of(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, (1, 3, height, width)).astype(np.float32)


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "small.onnx"
    export(
        made("small"),
        path,
        LAYERS,
        preprocessing=PREPROCESSING,
        title="Small",
        source="nowhere",
        licence="CC0-1.0",
    )
    return path


@needs_torch
class TestFile:
    RUN = """
import sys
for name in ("onnxdream", "onnx", "torch"):
    sys.modules[name] = None
import numpy, onnxruntime
file, *images = sys.argv[1:]
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
names = [output.name for output in session.get_outputs()]
for image in images:
    made = session.run(names, {"image": numpy.load(image)})
    numpy.savez(image + ".npz", **dict(zip(names, made)))
"""

    def test_runs_in_plain_onnx_runtime(self, small_file, tmp_path):
        images = [image_of(*size) for size in ((64, 96), (131, 97))]
        paths = [tmp_path / f"{number}.npy" for number in range(len(images))]
        for path, image in zip(paths, images, strict=True):
            np.save(path, image)
        subprocess.run([sys.executable, "-c", self.RUN, small_file, *paths], check=True)
        for path, image in zip(paths, images, strict=True):
            with np.load(f"{path}.npz") as found:
                assert set(found) == {"loss", "gradient", *LAYERS}
                loss, gradient, values = autograd(made("small"), LAYERS, image)
                assert found["loss"] == pytest.approx(loss, rel=1e-5)
                assert found["gradient"].shape == image.shape
                assert cosine(found["gradient"], gradient) > 0.99999
                for name, value in values.items():
                    np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5)

    def test_a_layer_is_what_its_module_returned(self, small_file):
        _, _, values = autograd(made("small"), LAYERS, image_of(64, 64))
        assert (values["stem.1"] < 0).any()
        assert (values["clip"] >= 0).all()
        by_relu = autograd(made("small"), {"stem.2": 1.0}, image_of(64, 64))[2]["stem.2"]
        assert (by_relu >= 0).all()
        assert {"stem.1", "clip"} < set(load(small_file).graph.activations())

    def test_says_what_it_is(self, small_file):
        card = read_card(read(small_file).metadata)
        assert card is not None
        assert (card.title, card.source, card.licence) == ("Small", "nowhere", "CC0-1.0")
        assert card.preprocessing == PREPROCESSING
        assert card.default_layers == LAYERS
        assert card.hash
        assert card.least_size == 5

    def test_has_symbolic_sizes_and_known_channels(self, small_file):
        graph = read(small_file)
        assert graph.inputs["image"].shape == (1, 3, "H", "W")
        assert graph.outputs["gradient"].shape == (1, 3, "H", "W")
        batch, channels, height, width = graph.outputs["stem.1"].shape
        assert (batch, channels) == (1, 8)
        assert isinstance(height, str)
        assert isinstance(width, str)
        assert height != width

    def test_ends_at_the_deepest_layer(self, small_file):
        assert not any("classes" in name for name in read(small_file).names())

    def test_normalizations_are_folded(self, small_file):
        assert "BatchNormalization" not in {node.op for node in read(small_file).nodes}

    def test_modules_that_return_the_same_have_one_tensor(self, small_file):
        layers = read_card(read(small_file).metadata).layers
        assert layers["stem"] == layers["stem.2"] == "stem"
        assert layers["clip"] == "clip"
        assert "relu" not in layers
        assert "depthwise" not in layers

    def test_weights_can_be_halved(self, small_file, tmp_path):
        half = export(made("small"), tmp_path / "half.onnx", LAYERS, half_weights=True).path
        kinds = {value.dtype for value in read(half).constants.values() if value.dtype.kind == "f"}
        assert kinds == {np.dtype(np.float32)}
        weights = [read(file).constants for file in (half, small_file)]
        assert weights[0].keys() == weights[1].keys()
        shared = [name for name, value in weights[0].items() if value.ndim == 4]
        for name in shared:
            rounded = weights[1][name].astype(np.float16).astype(np.float32)
            np.testing.assert_array_equal(weights[0][name], rounded)
        assert half.stat().st_size < small_file.stat().st_size


@needs_torch
class TestNetwork:
    def test_dreams(self, small_file):
        pixels = np.random.default_rng(0).random((70, 90, 3), np.float32)
        losses = []
        with Dreamer(load(small_file), machine=Machine(provider="cpu")) as dreamer:
            dreamt = dreamer.dream_array(
                pixels, octaves=1, steps=6, jitter=0, progress=lambda p: losses.append(p.loss)
            )
        assert dreamt.shape == pixels.shape
        assert losses == sorted(losses)
        assert losses[-1] > 1.01 * losses[0]

    @pytest.mark.parametrize("layer", ["stem.2", "mean", "@3"])
    def test_can_be_aimed_at_another_layer(self, small_file, layer):
        network = load(small_file)
        modules = {tensor: module for module, tensor in network.card.layers.items()}
        module = modules[network.resolve(layer)]
        pixels = np.random.default_rng(0).random((75, 53, 3), np.float32)
        with Dreamer(network, layer, machine=Machine(provider="cpu")) as dreamer:
            loss, gradient = dreamer.gradient(pixels)
        fed = (pixels[..., ::-1] - PREPROCESSING.unit_mean) / PREPROCESSING.unit_std
        image = np.ascontiguousarray(fed.transpose(2, 0, 1)[None])
        expected, inner, _ = autograd(made("small"), {module: 1.0}, image)
        assert loss == pytest.approx(expected, rel=1e-5)
        back = (inner[0].transpose(1, 2, 0) / PREPROCESSING.unit_std)[..., ::-1]
        assert cosine(gradient, back) > 0.99999
        assert np.linalg.norm(gradient) == pytest.approx(np.linalg.norm(back), rel=1e-4)

    def test_names_of_ours_are_given_up(self, tmp_path):
        path = tmp_path / "reserved.onnx"
        names = ["image", "loss", "gradient.1", "gradient"]
        export(made("reserved"), path, names)
        network = load(path)
        for name in names:
            pixels = np.random.default_rng(0).random((40, 40, 3), np.float32)
            with Dreamer(network, name, machine=Machine(provider="cpu")) as dreamer:
                loss, _ = dreamer.gradient(pixels)
            image = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
            assert loss == pytest.approx(autograd(made("reserved"), {name: 1}, image)[0], rel=1e-5)
        assert sum(network.default_layers.values()) == 4


@needs_torch
class TestExport:
    def test_reports_two_sizes_one_of_them_odd(self, tmp_path):
        report = export(made("small"), str(tmp_path / "a.onnx"), "pool")
        assert report.path == tmp_path / "a.onnx"
        assert report.path.exists()
        assert report.layers == {"pool": 1.0}
        assert [(a.height, a.width) for a in report.agreements] == [(224, 224), (255, 317)]
        for found in report.agreements:
            assert found.cosine >= 0.9999
            assert 0 < found.error < 1e-2
            assert found.loss_error < 1e-4

    def test_adds_up_the_weights_of_modules_that_return_the_same(self, tmp_path):
        layers = {"stem": 1.0, "pool": -4.0, "stem.2": 0.5}
        report = export(made("small"), tmp_path / "a.onnx", layers)
        assert report.layers == {"stem": 1.5, "pool": -4.0}
        with Dreamer(load(report.path), layers, machine=Machine(provider="cpu")) as dreamer:
            pixels = np.random.default_rng(0).random((40, 40, 3), np.float32)
            loss, _ = dreamer.gradient(pixels)
        image = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        assert loss == pytest.approx(autograd(made("small"), layers, image)[0], rel=1e-4)

    def test_leaves_the_network_as_it_was(self, tmp_path):
        network = made("small")
        before = {name: value.clone() for name, value in network.state_dict().items()}
        export(network, tmp_path / "a.onnx", "pool")
        assert network.training
        assert all(parameter.requires_grad for parameter in network.parameters())
        assert all(value.equal(before[name]) for name, value in network.state_dict().items())
        assert not any(module._forward_hooks for module in network.modules())

    def test_takes_a_network_in_half_precision(self, tmp_path):
        export(made("small").half(), tmp_path / "a.onnx", "pool")

    def test_takes_a_larger_least_size(self, tmp_path):
        report = export(made("large"), tmp_path / "a.onnx", "last", least_size=300)
        assert load(report.path).card.least_size == 300
        assert [(a.height, a.width) for a in report.agreements] == [(300, 300), (331, 393)]

    def test_what_comes_behind_the_layers_does_not_matter(self, tmp_path, caplog):
        caplog.set_level("INFO", "onnxdream")
        export(made("small"), tmp_path / "a.onnx", "pool", least_size=230)
        assert "Behind its layers the network stops at 230×230: mat1 and mat2" in caplog.text

    def test_takes_a_network_whose_float32_is_far_from_the_truth(self, tmp_path):
        report = export(made("noisy"), tmp_path / "a.onnx", "1")
        for found in report.agreements:
            assert found.noise > 1e-2
            assert found.error <= 2 * found.noise

    def test_replaces_a_file(self, small_file, tmp_path):
        path = tmp_path / "a.onnx"
        path.write_text("something else")
        export(made("small"), path, "pool")
        assert load(path).resolve("pool") == "pool"

    @pytest.mark.parametrize(
        ("factory", "error", "says"),
        [
            ("forgetful", UnsupportedOperatorError, "Dropout"),
            ("restless", ExportError, "random in evaluation mode"),
            ("made_to_measure", ExportError, "cosine of the gradients"),
            ("wrong_backward", ExportError, "cosine of the gradients is 1.0000"),
            ("noisy_with_wrong_backward", ExportError, r"gradient is 3\.3e-01"),
            ("no_backward", ExportError, "PyTorch has no gradient"),
            ("no_operator", ExportError, "special_i0e"),
            ("no_rule", UnsupportedOperatorError, r"CumSum .*CumSum"),
            ("zero", ExportError, "zero or not finite"),
            ("pair", ExportError, "does not return a tensor"),
        ],
    )
    def test_what_cannot_be_exported_leaves_no_file(self, tmp_path, factory, error, says):
        with pytest.raises(error, match=says):
            export(made(factory), tmp_path / "a.onnx", "1")
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_was_there_outlives_a_failure(self, tmp_path):
        path = tmp_path / "a.onnx"
        path.write_text("something else")
        with pytest.raises(ExportError):
            export(made("wrong_backward"), path, "1")
        assert path.read_text() == "something else"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize(
        ("layers", "error", "says"),
        [
            ("stem.11", LayerNotFoundError, r"closest are stem\.1, "),
            ("", LayerNotFoundError, "At its top it has stem, pool"),
            ([], RecipeError, "name a layer"),
            ({"pool": float("nan")}, RecipeError, "weight of 'pool' must be"),
            ({"pool": 0}, RecipeError, "other than 0"),
            ("relu", ExportError, "applied 2 times"),
            ("auxiliary", ExportError, "not applied"),
        ],
    )
    def test_layers_that_make_no_sense(self, tmp_path, layers, error, says):
        with pytest.raises(error, match=says):
            export(made("small"), tmp_path / "a.onnx", layers)
        assert list(tmp_path.iterdir()) == []

    def test_a_least_size_below_what_the_layers_need(self, tmp_path):
        with pytest.raises(RecipeError, match=r"least_size is 2, but .* needs 3"):
            export(made("no_rule"), tmp_path / "a.onnx", "0", least_size=2)

    def test_a_network_that_needs_a_larger_image(self, tmp_path):
        with pytest.raises(ExportError, match=r"224×224.*least size"):
            export(made("large"), tmp_path / "a.onnx", "last")

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(ExportError, match="cannot be written: No such file"):
            export(made("small"), tmp_path / "not" / "a.onnx", "pool")


@needs_torch
@pytest.mark.parametrize(
    ("factory", "layer", "channels"),
    [("googlenet", "inception4c", 512), ("resnet50", "layer3", 1024)],
)
def test_large_networks(tmp_path, factory, layer, channels):
    network = made(factory, LARGE)
    report = export(network, tmp_path / "a.onnx", layer)
    assert all(found.cosine >= 0.9999 for found in report.agreements)
    assert all(found.error <= 1e-2 for found in report.agreements)
    loaded = load(report.path)
    assert [(found.channels, found.stride) for found in loaded.layers if found.suggested] == [
        (channels, 16)
    ]


class TestSource:
    @needs_torch
    def test_a_file_may_import_its_neighbours(self, tmp_path):
        (tmp_path / "neighbour.py").write_text("CHANNELS = 7")
        (tmp_path / "torch.py").write_text(
            "from neighbour import CHANNELS\n"
            "def one():\n"
            "    from torch import nn\n"
            "    return nn.Conv2d(3, CHANNELS, 1)\n"
        )
        path = list(sys.path)
        source = open_source(f"{tmp_path / 'torch.py'}:one")
        assert source.network.out_channels == 7
        assert (source.title, source.origin) == ("one", "torch.py:one")
        assert sys.path == path

    @needs_torch
    @pytest.mark.parametrize(
        ("name", "weights", "says"),
        [
            ("googlenet", None, "does not say where"),
            (f"{SMALL}:smal", None, "defines no 'smal'"),
            (f"{SMALL}:broken", None, "broken failed: KeyError: 'weights.pth'"),
            (f"{SMALL}:a_number", None, "returned a int"),
            (f"{SMALL}:small", "DEFAULT", "weights itself"),
            ("nowhere/at_all.py:small", None, "No such file"),
            ("README.md:small", None, "not a Python file"),
        ],
    )
    def test_what_gives_no_network(self, name, weights, says):
        with pytest.raises(ExportError, match=says):
            open_source(name, weights)

    @needs_torch
    def test_torchvision_knows_how_its_weights_are_fed(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "torchvision", torchvision())
        source = open_source("torchvision:small", "DEFAULT")
        assert source.preprocessing == Preprocessing((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
        assert source.origin == "torchvision 0.0: small, Small_Weights.V1"
        assert source.network.weights == "Small_Weights.V1"
        assert open_source("torchvision:small").network.weights is None
        with pytest.raises(ExportError, match=r"torchvision gave no 'small' with .*'V2'"):
            open_source("torchvision:small", "V2")

    @needs_torch
    def test_a_normalization_in_the_network_becomes_its_preprocessing(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "torchvision", torchvision(transform_input=True))
        source = open_source("torchvision:small", "DEFAULT")
        assert source.preprocessing == Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
        assert not source.network.transform_input

    @needs_torch
    @pytest.mark.parametrize(
        ("weights", "made", "origin", "licence"),
        [
            (None, ("small", False), "timm 0.0: small, random weights", ""),
            ("DEFAULT", ("small", True), "timm 0.0: small, in1k", "mit"),
            ("in22k", ("small.in22k", True), "timm 0.0: small.in22k, in1k", "mit"),
        ],
    )
    def test_timm_knows_how_its_networks_are_fed(self, monkeypatch, weights, made, origin, licence):
        monkeypatch.setitem(sys.modules, "timm", timm())
        source = open_source("timm:small", weights)
        assert source.network.asked == made
        assert source.preprocessing == Preprocessing((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
        assert (source.origin, source.licence) == (origin, licence)


def torchvision(**attributes: object) -> SimpleNamespace:
    """What torchvision looks like to who asks it for the network ``small``."""

    class Weights(str):
        def transforms(self) -> SimpleNamespace:
            return SimpleNamespace(mean=[0.1, 0.2, 0.3], std=[0.4, 0.5, 0.6])

    weights = {"small": {"DEFAULT": Weights("Small_Weights.V1")}}
    models = SimpleNamespace(
        get_model=lambda name, weights: SimpleNamespace(weights=weights, **attributes),
        get_model_weights=weights.__getitem__,
    )
    return SimpleNamespace(__version__="0.0", models=models)


def timm() -> SimpleNamespace:
    """What timm looks like to who asks it for a network."""
    said = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "tag": "in1k", "license": "mit"}
    return SimpleNamespace(
        __version__="0.0",
        create_model=lambda name, pretrained: SimpleNamespace(
            asked=(name, pretrained), pretrained_cfg=said
        ),
    )


class TestMissing:
    """None of this needs torch, or minds it."""

    def test_torch(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "torch", None)
        for attempt in (
            lambda: open_source(f"{SMALL}:small"),
            lambda: open_source("torchvision:googlenet"),
            lambda: export(None, tmp_path / "a.onnx", "pool"),
        ):
            with pytest.raises(MissingExtraError, match=r"Install onnxdream\[export\]"):
                attempt()

    @pytest.mark.parametrize("package", ["torchvision", "timm"])
    def test_its_companions(self, monkeypatch, package):
        monkeypatch.setitem(sys.modules, package, None)
        says = f"{package} is not installed. Install {package}"
        with pytest.raises(MissingExtraError, match=re.escape(says)):
            need(package)

    def test_what_a_companion_needs(self, monkeypatch, tmp_path):
        monkeypatch.delitem(sys.modules, "timm", raising=False)
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "timm.py").write_text("import not_there")
        with pytest.raises(MissingExtraError, match=r"not_there is not installed\. Install timm, "):
            need("timm")

    def test_a_torchvision_for_another_torch(self, monkeypatch, tmp_path):
        monkeypatch.delitem(sys.modules, "torchvision", raising=False)
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "torchvision.py").write_text(
            "raise RuntimeError('operator torchvision::nms does not exist')"
        )
        with pytest.raises(MissingExtraError, match=r"::nms does not exist\. Install torchvision"):
            need("torchvision")

    def test_importing_the_room_loads_no_torch(self):
        told = "import sys, onnxdream.export; print('torch' in sys.modules)"
        run = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True)
        assert run.stdout.strip() == b"False"


@pytest.fixture
def script() -> ModuleType:
    """``scripts/export.py``."""
    spec = spec_from_file_location("export_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestScript:
    @needs_torch
    def test_exports_and_prints_both_figures(self, script, tmp_path, capsys):
        path = tmp_path / "a.onnx"
        words = ["--layers", "pool=2", "stem", "pool=0.5", "-o", str(path), "--channels", "BGR"]
        words += ["--mean", "104,117,123", "--value-range", "0,255", "--licence", "CC0-1.0"]
        assert script.main([f"{SMALL}:small", *words]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert "amplifies 2.5 × pool, 1 × stem" in lines[0]
        assert [line.split()[:2] for line in lines[2:]] == [
            ["224×224", "1.000000"],
            ["317×255", "1.000000"],
        ]
        card = load(path).card
        assert card.preprocessing == Preprocessing((104, 117, 123), (1, 1, 1), "BGR", (0, 255))
        assert (card.title, card.source, card.licence) == ("small", "small.py:small", "CC0-1.0")
        assert card.default_layers == {"pool": 2.5, "stem": 1.0}

    @needs_torch
    def test_says_in_one_line_what_failed(self, script, tmp_path, capsys):
        words = [f"{SMALL}:wrong_backward", "--layers", "1", "-o", str(tmp_path / "a.onnx")]
        assert script.main(words) == 1
        assert list(tmp_path.iterdir()) == []
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("export: The file would not do what PyTorch does.")
        assert said.err.count("\n") == 1

    @pytest.mark.parametrize(
        "words",
        [
            [],
            ["a.py:b", "-o", "c.onnx"],
            ["a.py:b", "--layers", "d"],
            ["a.py:b", "--layers", "d=much", "-o", "c.onnx"],
        ],
    )
    def test_a_wrong_command_line(self, script, words, capsys):
        with pytest.raises(SystemExit) as stopped:
            script.main(words)
        assert stopped.value.code == 2
        assert "usage:" in capsys.readouterr().err

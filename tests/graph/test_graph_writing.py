"""Network files of our own: complete or not there, and half the size if wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from onnxdream.graph import Card, Node, fingerprint, read, read_card, to_model, write
from onnxdream.preprocessing import Preprocessing
from rules import distinct
from running import run_graph, run_model
from small_networks import CARD, convnet


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "network.onnx"


@pytest.mark.parametrize("half_weights", [False, True])
def test_what_is_written_is_read(path, half_weights):
    graph = convnet()
    write(graph, path, CARD, half_weights)
    again = read(path)
    assert again.nodes == graph.nodes
    assert again.inputs == graph.inputs
    assert again.outputs == graph.outputs
    assert again.constants.keys() == graph.constants.keys()
    for name, value in graph.constants.items():
        assert again.constants[name].dtype == value.dtype
        tolerance = 1e-3 if half_weights and value.ndim > 1 else 0
        np.testing.assert_allclose(again.constants[name], value, rtol=tolerance, atol=tolerance)


def test_any_onnx_runtime_runs_it(path):
    write(convnet(), path, CARD)
    image = {"image": distinct(1, 3, 9, 8)}
    np.testing.assert_array_equal(
        run_model(onnx.load(path), image)[0], run_graph(convnet(), image)[0]
    )


@pytest.mark.parametrize("half_weights", [False, True])
def test_the_card_comes_along_and_bears_the_fingerprint(path, half_weights):
    graph = convnet()
    graph.nodes.append(Node("LeakyRelu", ["second"], ["third"], {"alpha": 0.1}))
    graph.nodes.append(Node("Pad", ["third", "pads"], ["fourth"]))
    graph.constants["pads"] = np.zeros(8, np.int64)
    graph.outputs["fourth"] = graph.outputs["second"]
    card = Card(
        preprocessing=Preprocessing((1, 2, 3), (4, 5, 6), "BGR", (0, 255)), title="X", least_size=8
    )
    write(graph, path, card, half_weights)
    again = read(path)
    said = read_card(again.metadata)
    assert said is not None
    assert said.hash == fingerprint(again)
    assert (said.preprocessing, said.title, said.least_size) == (card.preprocessing, "X", 8)


def test_half_weights_are_half_the_file(path):
    graph = convnet()
    graph.constants["first/weight"] = np.ones((8, 3, 99, 99), np.float32)
    write(graph, path, CARD)
    whole = path.stat().st_size
    write(graph, path, CARD, half_weights=True)
    assert path.stat().st_size < 0.51 * whole


def test_biases_are_not_halved(path):
    graph = convnet()
    graph.constants["first/bias"] = np.full(8, 1 + 1e-6, np.float32)
    write(graph, path, CARD, half_weights=True)
    np.testing.assert_array_equal(read(path).constants["first/bias"], graph.constants["first/bias"])


def test_the_same_graph_makes_the_same_bytes(path):
    write(convnet(), path, CARD)
    first = path.read_bytes()
    write(convnet(), path, CARD)
    assert path.read_bytes() == first


def test_the_graph_is_left_as_it_is(path):
    graph = convnet()
    graph.metadata["author"] = "somebody"
    write(graph, path, CARD, half_weights=True)
    assert graph.metadata == {"author": "somebody"}
    np.testing.assert_array_equal(
        graph.constants["first/weight"], convnet().constants["first/weight"]
    )
    assert read(path).metadata["author"] == "somebody"


def test_an_invalid_graph_is_not_written(path):
    path.write_text("what was there")
    graph = convnet()
    graph.nodes[1].op = "Rleu"
    with pytest.raises(onnx.checker.ValidationError):
        write(graph, path, CARD)
    assert path.read_text() == "what was there"
    assert list(path.parent.iterdir()) == [path]


def test_a_cut_run_leaves_what_was_there(path, monkeypatch):
    path.write_text("what was there")

    def fill_the_disk(self: Path, content: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_the_disk)
    with pytest.raises(OSError, match="No space left"):
        write(convnet(), path, CARD)
    assert path.read_text() == "what was there"
    assert list(path.parent.iterdir()) == [path]


def test_whoever_reads_the_old_file_reads_on(path):
    """The new file takes the old one's name, and not its place on the disk."""
    path.write_text("what was there")
    with path.open() as reader:
        write(convnet(), path, CARD)
        assert reader.read() == "what was there"
    assert read(path).nodes == convnet().nodes


def test_domains_are_declared():
    graph = convnet()
    graph.nodes.append(Node("Tidy", ["second"], ["tidy"], {}, "com.acme"))
    assert {o.domain for o in to_model(graph).opset_import} == {"", "com.acme"}

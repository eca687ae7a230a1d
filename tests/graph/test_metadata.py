"""What a network file says about itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

from onnxdream.errors import NetworkFormatError
from onnxdream.graph import Card, Graph, Node, fingerprint, read_card
from onnxdream.graph.metadata import write_card
from onnxdream.preprocessing import Preprocessing
from small_networks import convnet

FULL = Card(
    preprocessing=Preprocessing((104.0, 117.0, 123.0), (1.0, 2.0, 0.1), "BGR", (0.0, 255.0)),
    title="Ein schönes Netz",
    least_size=32,
    layers={"fire5": "fire5/concat"},
    default_layers={"fire5": 1.0, "fire7": 0.5},
    source="a paper",
    licence="CC0",
    hash="0" * 64,
)


@pytest.mark.parametrize("card", [FULL, Card()], ids=["full", "empty"])
def test_what_is_written_is_read(card):
    assert read_card(write_card(card)) == card


def test_every_value_is_json_under_one_prefix():
    written = write_card(FULL)
    assert all(key.startswith("onnxdream.") for key in written)
    assert json.loads(written["onnxdream.format"]) == 1
    assert json.loads(written["onnxdream.mean"]) == [104, 117, 123]
    assert json.loads(written["onnxdream.layers"]) == {"fire5": "fire5/concat"}


def test_a_foreign_file_has_no_card():
    assert read_card({}) is None
    assert read_card({"author": "somebody", "onnxdream.mean": "[1, 2, 3]"}) is None


def test_foreign_keys_are_none_of_our_business():
    assert read_card({**write_card(FULL), "author": "no JSON {"}) == FULL


def test_keys_of_ours_that_are_not_known_are_passed_over():
    assert read_card({**write_card(FULL), "onnxdream.mood": '"fine"'}) == FULL


def test_what_is_missing_has_its_default():
    assert read_card({"onnxdream.format": "1"}) == Card()


def test_a_newer_format():
    with pytest.raises(NetworkFormatError, match="newer onnxdream"):
        read_card({**write_card(FULL), "onnxdream.format": "2"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "one"),
        ("format", ""),
        ("mean", "[1, 2]"),
        ("mean", "5"),
        ("mean", '["a", "b", "c"]'),
        ("mean", "[1, 2, NaN]"),
        ("mean", "[1, 2, 1e999]"),
        ("mean", f"[1, 2, 1{'0' * 400}]"),
        ("mean", "null"),
        ("std", "[1, 0, 1]"),
        ("std", "[1, 1, -1]"),
        ("channels", '"GBR"'),
        ("channels", "[]"),
        ("value_range", "[1, 0]"),
        ("value_range", "[0, 1, 2]"),
        ("title", "5"),
        ("title", "{"),
        ("least_size", '"32"'),
        ("least_size", "3.5"),
        ("least_size", "100000000"),
        ("least_size", "true"),
        ("least_size", "0"),
        ("least_size", "-32"),
        ("layers", "[]"),
        ("layers", '{"a": 1}'),
        ("default_layers", '["fire5"]'),
        ("default_layers", '{"a": "much"}'),
        ("default_layers", '{"a": null}'),
        ("default_layers", '{"a": NaN}'),
        ("default_layers", f'{{"a": 1{"0" * 400}}}'),
        ("hash", "[]"),
        ("source", "[" * 100_000),
    ],
    ids=lambda value: value[:24],
)
def test_nonsense_is_refused(key, value):
    with pytest.raises(NetworkFormatError):
        read_card({**write_card(FULL), f"onnxdream.{key}": value})


def changed(**changes: object) -> Graph:
    graph = convnet()
    for name, value in changes.items():
        setattr(graph, name, value)
    return graph


def test_the_same_network_has_the_same_fingerprint():
    assert fingerprint(convnet()) == fingerprint(convnet())
    assert len(fingerprint(convnet())) == 64


def test_one_weight_changes_it():
    graph = convnet()
    weight = graph.constants["first/weight"].copy()
    weight[0, 0, 0, 0] = np.nextafter(weight[0, 0, 0, 0], 1)
    graph.constants["first/weight"] = weight
    assert fingerprint(graph) != fingerprint(convnet())


@pytest.mark.parametrize("change", ["shape", "type", "name", "attribute", "edge", "operator"])
def test_whatever_else_matters_changes_it(change):
    graph = convnet()
    match change:
        case "shape":
            graph.constants["first/bias"] = graph.constants["first/bias"].reshape(2, 4)
        case "type":
            graph.constants["first/bias"] = graph.constants["first/bias"].view(np.int32)
        case "name":
            graph.constants["other"] = graph.constants.pop("first/bias")
        case "attribute":
            graph.nodes[2].attributes["strides"] = [2, 1]
        case "edge":
            graph.nodes[1].inputs = ["image"]
        case "operator":
            graph.nodes[1].op = "Sigmoid"
    assert fingerprint(graph) != fingerprint(convnet())


def test_the_order_of_weights_and_metadata_do_not_matter():
    graph = convnet()
    graph.constants = dict(reversed(graph.constants.items()))
    graph.metadata["a"] = "b"
    assert fingerprint(graph) == fingerprint(convnet())


def test_attributes_of_every_kind_are_told_apart():
    prints = {
        fingerprint(Graph([Node("X", [], ["y"], {"a": value})], {}, {}, {}))
        for value in (1, 1.5, "1", [1], [1.5], ["1"], np.ones(1), np.ones((1, 1)), np.zeros(1))
    }
    assert len(prints) == 9

"""Files come from anywhere: what is read, what is refused, and with which words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array

from onnxdream.errors import NetworkFormatError, NetworkNotFoundError, OnnxdreamError
from onnxdream.graph import DOMAIN, read, reading, to_model
from rules import distinct
from running import run_graph, run_model
from small_networks import convnet

Change = Callable[[onnx.ModelProto], None]


def small_model() -> onnx.ModelProto:
    """Two convolutions and a pool, of the working opset."""
    graph = convnet()
    return to_model(graph)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "network.onnx"


def write(path: Path, model: onnx.ModelProto) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def test_a_path_or_its_name(path):
    write(path, small_model())
    assert read(path).nodes == read(str(path)).nodes


def test_what_was_written_is_read(path):
    graph = convnet()
    again = read(write(path, to_model(graph)))
    assert again.nodes == graph.nodes
    assert again.inputs == graph.inputs
    assert again.outputs == graph.outputs
    assert again.constants.keys() == graph.constants.keys()
    for name, value in graph.constants.items():
        np.testing.assert_array_equal(again.constants[name], value)


class TestNoNetwork:
    def test_no_file(self, path):
        with pytest.raises(NetworkNotFoundError, match="no network file"):
            read(path)

    def test_a_folder(self, tmp_path):
        with pytest.raises(NetworkNotFoundError, match="is not a file"):
            read(tmp_path)

    def test_a_file_that_may_not_be_opened(self, path, monkeypatch):
        write(path, small_model())

        def refuse(self: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(NetworkNotFoundError, match="cannot be read: Permission denied"):
            read(path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_is_not_waited_for(self, path):
        os.mkfifo(path)
        with pytest.raises(NetworkNotFoundError, match="is not a file"):
            read(path)

    @pytest.mark.parametrize(
        "content",
        [b"", b"\n", b"What a nice day.\n", b"\x89PNG\r\n\x1a\n" + bytes(100), b"\xff" * 64],
        ids=["empty", "a line", "text", "png", "ones"],
    )
    def test_something_else(self, path, content):
        path.write_bytes(content)
        with pytest.raises(NetworkFormatError, match="is not an ONNX file"):
            read(path)

    def test_a_model_without_nodes(self, path):
        model = small_model()
        del model.graph.node[:]
        with pytest.raises(NetworkFormatError, match="holds no network"):
            read(write(path, model))

    def test_a_truncated_file(self, path):
        content = small_model().SerializeToString()
        for kept in range(1, len(content), max(1, len(content) // 40)):
            path.write_bytes(content[:kept])
            with pytest.raises(NetworkFormatError):
                read(path)

    def test_a_file_that_is_too_large(self, path, monkeypatch):
        write(path, small_model())
        monkeypatch.setattr(reading, "MAX_BYTES", 100)
        with pytest.raises(NetworkFormatError, match="at most 100 are read"):
            read(path)


def weight_short_of_data(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data = b"1234"


def weight_of_no_type(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_type = 99


def input_of_no_type(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = 99


def edge_from_nowhere(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[0] = "nowhere"


def output_from_nowhere(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "nowhere"


def wrong_order(model: onnx.ModelProto) -> None:
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes[::-1])


def name_made_twice(model: onnx.ModelProto) -> None:
    model.graph.node[1].output[0] = model.graph.node[0].output[0]


def constant_made_twice(model: onnx.ModelProto) -> None:
    value = from_array(np.ones(1, np.float32))
    made = model.graph.node[0].output[0]
    model.graph.node.append(helper.make_node("Constant", [], [made], value=value))


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[1].op_type = "Rleu"


def unknown_attribute(model: onnx.ModelProto) -> None:
    model.graph.node[1].attribute.append(helper.make_attribute("slope", 2.0))


def attribute_of_another_type(model: onnx.ModelProto) -> None:
    [kernel] = [a for a in model.graph.node[2].attribute if a.name == "kernel_shape"]
    kernel.CopyFrom(helper.make_attribute("kernel_shape", 3))


def sparse_weight(model: onnx.ModelProto) -> None:
    """Sparse weights are not read, so nothing makes the weight that the node reads."""
    name = model.graph.initializer[0].name
    values = from_array(np.ones(1, np.float32), name)
    places = from_array(np.zeros((1, 1), np.int64))
    sparse = helper.make_sparse_tensor(values, places, list(model.graph.initializer[0].dims))
    del model.graph.initializer[0]
    model.graph.sparse_initializer.append(sparse)


def sequence_input(model: onnx.ModelProto) -> None:
    element = helper.make_tensor_type_proto(TensorProto.FLOAT, [1, 3, None, None])
    kind = helper.make_sequence_type_proto(element)
    model.graph.input.append(helper.make_value_info("images", kind))


def node_without_output(model: onnx.ModelProto) -> None:
    del model.graph.node[1].output[:]


@pytest.mark.parametrize(
    "change",
    [
        weight_short_of_data,
        weight_of_no_type,
        input_of_no_type,
        edge_from_nowhere,
        output_from_nowhere,
        wrong_order,
        name_made_twice,
        constant_made_twice,
        unknown_operator,
        unknown_attribute,
        attribute_of_another_type,
        sparse_weight,
        sequence_input,
        node_without_output,
    ],
    ids=lambda change: change.__name__,
)
@pytest.mark.parametrize("opset", [13, 18, 19])
def test_nonsense_is_refused(path, change, opset):
    model = small_model()
    model.opset_import[0].version = opset
    change(model)
    with pytest.raises(NetworkFormatError):
        read(write(path, model))


def test_an_output_that_is_no_tensor_is_left_out(path):
    """Classifiers that end in a list of dictionaries still have layers."""
    model = small_model()
    model.graph.node.append(helper.make_node("SequenceConstruct", ["second"], ["list"]))
    element = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
    kind = helper.make_sequence_type_proto(element)
    model.graph.output.append(helper.make_value_info("list", kind))
    assert list(read(write(path, model)).outputs) == ["second"]


class TestOurOwnDomain:
    """Its operators are ours to make: a file that has them is up to something."""

    def check(self, path: Path, model: onnx.ModelProto) -> None:
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
        with pytest.raises(NetworkFormatError, match="domain 'onnxdream', which no file"):
            read(write(path, model))

    def test_a_node(self, path):
        model = small_model()
        model.graph.node.append(helper.make_node("ReluGrad", ["first"] * 2, ["x"], domain=DOMAIN))
        self.check(path, model)

    def test_a_node_in_a_branch(self, path):
        model = small_model()
        node = helper.make_node("ReluGrad", ["first"] * 2, ["x"], domain=DOMAIN)
        made = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
        branch = helper.make_graph([node], "branch", [], [made])
        model.graph.initializer.append(from_array(np.array(True), "yes"))
        model.graph.node.append(
            helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
        )
        self.check(path, model)

    def test_a_node_in_a_function(self, path):
        model = small_model()
        body = [helper.make_node("ReluGrad", ["a", "a"], ["b"], domain=DOMAIN)]
        imports = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 1)]
        model.functions.append(helper.make_function("local", "F", ["a"], ["b"], body, imports))
        model.graph.node.append(helper.make_node("F", ["first"], ["x"], domain="local"))
        model.opset_import.append(helper.make_opsetid("local", 1))
        self.check(path, model)

    def test_a_function_of_that_name(self, path):
        model = small_model()
        body = [helper.make_node("Relu", ["a"], ["b"])]
        imports = [helper.make_opsetid("", 18)]
        model.functions.append(
            helper.make_function(DOMAIN, "ReluGrad", ["a"], ["b"], body, imports)
        )
        model.graph.node.append(helper.make_node("ReluGrad", ["first"], ["x"], domain=DOMAIN))
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
        graph = read(write(path, model))
        assert {node.domain for node in graph.nodes} == {""}


def test_functions_are_inlined(path):
    model = small_model()
    body = [helper.make_node("Exp", ["a"], ["e"]), helper.make_node("Neg", ["e"], ["b"])]
    imports = [helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("local", "F", ["a"], ["b"], body, imports))
    model.graph.node.append(helper.make_node("F", ["second"], ["negative"], domain="local"))
    model.graph.output.append(
        helper.make_tensor_value_info("negative", TensorProto.FLOAT, [1, 6, "h", "w"])
    )
    model.opset_import.append(helper.make_opsetid("local", 1))
    image = {"image": distinct(1, 3, 9, 8)}
    expected = run_model(model, image)
    graph = read(write(path, model))
    assert {node.op for node in graph.nodes} >= {"Exp", "Neg"}
    for actual, wanted in zip(run_graph(graph, image), expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)


def test_a_function_that_calls_itself(path):
    model = small_model()
    body = [helper.make_node("F", ["a"], ["b"], domain="local")]
    imports = [helper.make_opsetid("local", 1)]
    model.functions.append(helper.make_function("local", "F", ["a"], ["b"], body, imports))
    model.graph.node.append(helper.make_node("F", ["second"], ["endless"], domain="local"))
    model.opset_import.append(helper.make_opsetid("local", 1))
    with pytest.raises(NetworkFormatError):
        read(write(path, model))


@pytest.mark.parametrize("levels", [18, 64, 3000])
def test_functions_that_unfold_to_ever_more(path, levels):
    """Each calls the next one twice: a small file, and two to the power of its levels."""
    model = small_model()
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    for level in range(levels):
        inner = ("Relu", "") if level == levels - 1 else (f"F{level + 1}", "local")
        body = [helper.make_node(inner[0], [a], [b], domain=inner[1]) for a, b in ("ab", "bc")]
        model.functions.append(helper.make_function("local", f"F{level}", "a", "c", body, imports))
    node = model.graph.node[0]
    node.CopyFrom(helper.make_node("F0", node.input[:1], node.output, domain="local"))
    model.opset_import.append(helper.make_opsetid("local", 1))
    with pytest.raises(NetworkFormatError, match="over 100000 nodes"):
        read(write(path, model))


def test_however_often_a_weight_is_cast_it_takes_memory_once(path):
    model = small_model()
    model.graph.initializer.append(from_array(np.ones((64, 64), np.float16), "half"))
    copies = [f"copy{i}" for i in range(3)]
    casts = [helper.make_node("Cast", ["half"], [name], to=TensorProto.FLOAT) for name in copies]
    sums = [helper.make_node("Sum", copies, ["sum"])]
    model.graph.node.extend([*casts, *sums])
    constants = read(write(path, model)).constants
    assert all(constants[name] is constants["copy0"] for name in copies)
    assert constants["copy0"].dtype == np.float32


def test_operators_of_others_are_kept(path):
    """Behind the layers a file may have what only its own runtime knows."""
    model = small_model()
    model.graph.node.append(helper.make_node("Postprocess", ["second"], ["x"], domain="com.acme"))
    model.opset_import.append(helper.make_opsetid("com.acme", 1))
    for opset in (13, 18, 19):
        model.opset_import[0].version = opset
        assert read(write(path, model)).nodes[-1].domain == "com.acme"


@pytest.mark.parametrize("opset", [9, 13, 18])
def test_operators_that_never_became_standard_are_kept(path, opset, capfd):
    """The layers before them can be reached; and what onnx says of them is not to be printed."""
    model = small_model()
    model.graph.node.append(helper.make_node("Affine", ["second"], ["x"]))
    model.opset_import[0].version = opset
    assert str(read(write(path, model)).nodes[-1]) == "Affine 'x'"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("word", ["first/conv", "kernel_shape", "onnxdream", "second"])
def test_names_of_other_bytes(path, word):
    content = small_model().SerializeToString()
    assert word.encode() in content
    path.write_bytes(content.replace(word.encode(), b"\xff" * len(word)))
    with pytest.raises(NetworkFormatError, match="not UTF-8"):
        read(path)


class TestExternalWeights:
    """Weights in a file beside the network's, as large networks have them."""

    def model(self, **said: str) -> tuple[onnx.ModelProto, bytes]:
        """A model whose first weight lies elsewhere, and that weight's bytes."""
        model = small_model()
        weight = model.graph.initializer[0]
        content = weight.raw_data
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in said.items():
            weight.external_data.add(key=key, value=value)
        return model, content

    def refuse(self, path: Path, message: str, **said: str) -> None:
        model, content = self.model(**said)
        (path.parent / "weights").write_bytes(content)
        with pytest.raises(NetworkFormatError, match=message):
            read(write(path, model))

    @pytest.mark.parametrize("offset", [None, 0, 64])
    @pytest.mark.parametrize("measured", [False, True])
    def test_beside_the_file(self, path, offset, measured):
        said = {"location": "weights"}
        if offset is not None:
            said["offset"] = str(offset)
        model, content = self.model(**said)
        if measured:
            model.graph.initializer[0].external_data.add(key="length", value=str(len(content)))
        behind = b"more" if measured else b""
        (path.parent / "weights").write_bytes(bytes(offset or 0) + content + behind)
        graph = read(write(path, model))
        name = model.graph.initializer[0].name
        np.testing.assert_array_equal(graph.constants[name], convnet().constants[name])

    def test_from_another_working_directory(self, path, monkeypatch, tmp_path_factory):
        model, content = self.model(location="weights")
        (path.parent / "weights").write_bytes(content)
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        read(write(path, model))

    def test_what_else_is_said_does_not_matter(self, path):
        model, content = self.model(location="weights", checksum="abc", flavour="vanilla")
        (path.parent / "weights").write_bytes(content)
        read(write(path, model))

    @pytest.mark.parametrize("opset", [13, 19])
    def test_of_other_opsets(self, path, opset):
        model, content = self.model(location="weights")
        model.opset_import[0].version = opset
        (path.parent / "weights").write_bytes(content)
        read(write(path, model))

    def test_no_such_file(self, path):
        self.refuse(path, "'nowhere' beside it", location="nowhere")

    def test_no_location(self, path):
        self.refuse(path, "'' beside it")

    @pytest.mark.parametrize("location", ["../weights", "inside/../../weights", "./../weights"])
    def test_above_the_folder(self, tmp_path, location):
        (tmp_path / "weights").write_bytes(self.model()[1])
        (tmp_path / "folder" / "inside").mkdir(parents=True)
        self.refuse(
            tmp_path / "folder" / "network.onnx", "which is not a file there", location=location
        )

    def test_below_the_folder(self, path):
        (path.parent / "inside").mkdir()
        (path.parent / "inside" / "weights").write_bytes(self.model()[1])
        self.refuse(path, "which is not a file there", location="inside/weights")

    def test_an_absolute_path(self, path, tmp_path_factory):
        weights = tmp_path_factory.mktemp("elsewhere") / "weights"
        weights.write_bytes(self.model()[1])
        self.refuse(path, "which is not a file there", location=str(weights))

    @pytest.mark.parametrize("inside", [False, True])
    def test_a_link(self, path, tmp_path_factory, inside):
        folder = path.parent if inside else tmp_path_factory.mktemp("elsewhere")
        weights = folder / "weights"
        weights.write_bytes(self.model()[1])
        (path.parent / "link").symlink_to(weights)
        self.refuse(path, "which is not a file there", location="link")

    def test_a_folder(self, path):
        (path.parent / "inside").mkdir()
        self.refuse(path, "which is not a file there", location="inside")

    def test_a_name_that_no_file_can_have(self, path):
        self.refuse(path, "external weights of", location="a\0b")

    @pytest.mark.parametrize(
        "said",
        [
            {"length": "100000"},
            {"offset": "100000"},
            {"offset": "4"},
            {"offset": "-4"},
            {"length": "-1"},
            {"length": "4"},
            {"offset": "850", "length": "20"},
        ],
        ids=str,
    )
    def test_too_short(self, path, said):
        self.refuse(path, "shorter than|too small", location="weights", **said)

    @pytest.mark.parametrize("key", ["offset", "length"])
    def test_numbers_that_are_none(self, path, key):
        self.refuse(path, "external weights of", location="weights", **{key: "many"})

    def test_too_large(self, path, monkeypatch):
        """Each file may be small; what counts is all that would be read."""
        model = small_model()
        for weight in model.graph.initializer:
            (path.parent / weight.name.replace("/", "-")).write_bytes(weight.raw_data)
            weight.ClearField("raw_data")
            weight.data_location = TensorProto.EXTERNAL
            weight.external_data.add(key="location", value=weight.name.replace("/", "-"))
        write(path, model)
        read(path)
        monkeypatch.setattr(reading, "MAX_BYTES", 2000)
        assert max(file.stat().st_size for file in path.parent.iterdir()) < 2000
        with pytest.raises(NetworkFormatError, match="over 2000 bytes of external weights"):
            read(path)

    def test_a_constant_may_not_lie_elsewhere(self, path, monkeypatch):
        """Only weights may: else a file could show what lies in the working directory."""
        model = small_model()
        value = from_array(np.ones(4, np.float32), "secret")
        value.ClearField("raw_data")
        value.data_location = TensorProto.EXTERNAL
        value.external_data.add(key="location", value="secret")
        model.graph.node.insert(0, helper.make_node("Constant", [], ["secret"], value=value))
        (path.parent / "secret").write_bytes(bytes(16))
        monkeypatch.chdir(path.parent)
        with pytest.raises(NetworkFormatError, match="constants in other files"):
            read(write(path, model))

    def test_nor_may_a_weight_in_a_branch(self, path):
        model = small_model()
        value = from_array(np.ones(4, np.float32), "secret")
        value.ClearField("raw_data")
        value.data_location = TensorProto.EXTERNAL
        value.external_data.add(key="location", value="secret")
        made = helper.make_tensor_value_info("secret", TensorProto.FLOAT, [4])
        branch = helper.make_graph([], "branch", [], [made], [value])
        model.graph.initializer.append(from_array(np.array(True), "yes"))
        model.graph.node.append(
            helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
        )
        with pytest.raises(NetworkFormatError, match="constants in other files"):
            read(write(path, model))


@pytest.mark.parametrize("opset", [7, 13, 18, 19])
def test_damage_is_never_more_than_a_library_error(tmp_path_factory, opset):
    """Bytes outside the weights are flipped at random."""
    path = tmp_path_factory.mktemp("damaged") / "network.onnx"
    model = small_model()
    model.opset_import[0].version = opset
    for weight in model.graph.initializer:
        weight.CopyFrom(helper.make_tensor(weight.name, TensorProto.FLOAT, [0], []))
    content = model.SerializeToString()

    @given(
        st.lists(
            st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), min_size=1, max_size=4
        )
    )
    def damage(changes: list[tuple[int, int]]) -> None:
        damaged = bytearray(content)
        for place, byte in changes:
            damaged[place] = byte
        path.write_bytes(damaged)
        try:
            read(path)
        except OnnxdreamError as error:
            assert str(error)

    damage()

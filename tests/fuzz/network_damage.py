"""Damage to networks that are still protobufs: each kind changes a model in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, defs, helper, numpy_helper

from onnxdream.autodiff import DIFFERENTIABLE

from .odd_networks import ATTRIBUTES, DIMS, FLOATS, INTS, MILD, NAMES, OTHERS, PLAIN, TEXTS, TYPES

__all__ = ["DAMAGES", "damage"]


def damage(model: ModelProto, seeds: Sequence[int]) -> ModelProto:
    """Do damage, piece by piece."""
    for seed in seeds:
        random = Random(seed)
        random.choice(DAMAGES)(model, random)
    return model


def _node(model: ModelProto, random: Random) -> NodeProto:
    nodes = model.graph.node
    return random.choice(nodes) if nodes else nodes.add()


def _tensors(model: ModelProto) -> list[str]:
    names = [value.name for value in (*model.graph.input, *model.graph.initializer)]
    return [*names, *(name for node in model.graph.node for name in node.output)] or [""]


def attribute_away(model: ModelProto, random: Random) -> None:
    attributes = _node(model, random).attribute
    if attributes:
        del attributes[random.randrange(len(attributes))]


def attribute_number(model: ModelProto, random: Random) -> None:
    """Change one number of an attribute."""
    attributes = _node(model, random).attribute
    if not attributes:
        return
    attribute = random.choice(attributes)
    match attribute.type:
        case AttributeProto.INT:
            attribute.i = random.choice(INTS)
        case AttributeProto.FLOAT:
            attribute.f = random.choice(FLOATS)
        case AttributeProto.STRING:
            attribute.s = random.choice(TEXTS).encode() or random.randbytes(3)
        case AttributeProto.INTS if attribute.ints:
            attribute.ints[random.randrange(len(attribute.ints))] = random.choice(INTS)
        case AttributeProto.INTS | AttributeProto.FLOATS:
            attribute.ints.extend(random.choices(INTS, k=2))
        case _:
            attribute.type = random.choice((0, 1, 2, 3, 4, 6, 7, 8))


def attribute_length(model: ModelProto, random: Random) -> None:
    """Make a list of numbers longer or shorter."""
    lists = [a for a in _node(model, random).attribute if a.ints]
    if not lists:
        return
    numbers = random.choice(lists).ints
    if random.random() < 0.5:
        del numbers[random.randrange(len(numbers)) :]
    else:
        numbers.extend(random.choices((0, 1, 2), k=random.choice((1, 2, 200))))


def attribute_new(model: ModelProto, random: Random) -> None:
    """Say something of a node, of a type that may be wrong."""
    node, name = _node(model, random), random.choice(ATTRIBUTES)
    kept = [a for a in node.attribute if a.name != name or random.random() < 0.1]
    del node.attribute[:]
    node.attribute.extend(kept)
    value = random.choice(
        [
            random.choice(INTS),
            random.choice(FLOATS),
            random.choice(TEXTS),
            random.choices(INTS, k=random.choice((1, 2, 4))),
            random.choices((0, 1, 2, 3), k=random.choice((1, 2, 4))),
            random.choices(FLOATS, k=2),
            numpy_helper.from_array(np.zeros(random.choice(((), (0,), (2,))), np.int64)),
        ]
    )
    node.attribute.append(helper.make_attribute(name, value))


def _drawn(kind: int, random: Random) -> object:
    """A value for an attribute of a type: likely, or not."""
    match kind:
        case AttributeProto.INT:
            return random.choice((*MILD, random.choice(INTS)))
        case AttributeProto.FLOAT:
            return random.choice((0.1, 1.0, 2.0, random.choice(FLOATS)))
        case AttributeProto.STRING:
            return random.choice(TEXTS)
        case AttributeProto.FLOATS:
            return random.choices(FLOATS, k=random.choice((1, 2)))
    return random.choices(random.choice((MILD[1:4], MILD)), k=random.choice((1, 2, 2, 4, 4, 8)))


def attribute_known(model: ModelProto, random: Random) -> None:
    """Say something of a node that its operator knows, of the right type."""
    node = _node(model, random)
    try:
        known = defs.get_schema(node.op_type, 18, node.domain).attributes
    except defs.SchemaError:
        return
    if not known:
        return
    name = random.choice(list(known))
    value = helper.make_attribute(name, _drawn(int(known[name].type.value), random))
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, value])


def between(model: ModelProto, random: Random) -> None:
    """Put an operator between a tensor and whoever reads it."""
    at = random.randrange(len(model.graph.node)) if model.graph.node else 0
    nodes = [NodeProto.FromString(node.SerializeToString()) for node in model.graph.node]
    if not nodes or not nodes[at].output or not nodes[at].output[0]:
        return
    name = nodes[at].output[0]
    inner = f"{name}/{len(nodes)}"
    nodes[at].output[0] = inner
    new = helper.make_node(random.choice(PLAIN), [inner], [name])
    for key, attribute in defs.get_schema(new.op_type, 18).attributes.items():
        if attribute.required or random.random() < 0.3:
            value = _drawn(int(attribute.type.value), random)
            new.attribute.append(helper.make_attribute(key, value))
    nodes.insert(at + 1, new)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def attribute_type(model: ModelProto, random: Random) -> None:
    """Say that an attribute is of another type than it is."""
    attributes = _node(model, random).attribute
    if attributes:
        random.choice(attributes).type = random.randrange(12)


def weight_shape(model: ModelProto, random: Random) -> None:
    """Give a weight another shape, with its data as they were or to match."""
    if not model.graph.initializer:
        return
    tensor = random.choice(model.graph.initializer)
    if random.random() < 0.5:
        if tensor.dims and random.random() < 0.7:
            tensor.dims[random.randrange(len(tensor.dims))] = random.choice(DIMS)
        elif tensor.dims and random.random() < 0.5:
            tensor.dims.pop()
        else:
            tensor.dims.append(random.choice(DIMS))
        return
    shape = [random.choice((0, 1, 1, 2, 3, 4, 8, 9)) for _ in range(random.randint(0, 5))]
    tensor.CopyFrom(numpy_helper.from_array(np.full(shape, 0.25, np.float32), tensor.name))


def weight_type(model: ModelProto, random: Random) -> None:
    if model.graph.initializer:
        random.choice(model.graph.initializer).data_type = random.choice(TYPES)


def weight_data(model: ModelProto, random: Random) -> None:
    """Cut the data, let them grow, fill them with odd numbers, or leave them out."""
    if not model.graph.initializer:
        return
    tensor = random.choice(model.graph.initializer)
    match random.randrange(5):
        case 0:
            tensor.raw_data = tensor.raw_data[: random.randint(0, len(tensor.raw_data))]
        case 1:
            tensor.raw_data += random.randbytes(random.choice((1, 4, 1000)))
        case 2:
            tensor.ClearField("raw_data")
        case 3:
            value = np.float32(random.choice(FLOATS)).tobytes()
            tensor.raw_data = value * (len(tensor.raw_data) // 4)
        case _:
            tensor.float_data.extend([1.0] * random.choice((1, 100)))


def external(model: ModelProto, random: Random) -> None:
    """Keep a weight in another file, which may be any."""
    places = ["content", "weights", "/etc/passwd", "../x", "", ".", "\0", "/dev/zero", "a/b"]
    tensors = [*model.graph.initializer]
    tensors += [a.t for n in model.graph.node for a in n.attribute if a.HasField("t")]
    if not tensors:
        return
    tensor = random.choice(tensors)
    tensor.data_location = TensorProto.EXTERNAL
    if random.random() < 0.8:
        tensor.ClearField("raw_data")
    said = {"location": random.choice(places)}
    for key in ("offset", "length"):
        if random.random() < 0.5:
            said[key] = random.choice(
                ("0", "4", "864", "-1", "99999999999", "x", "", "1e3", str(2**63))
            )
    for key, value in said.items():
        tensor.external_data.add(key=key, value=value)


def name(model: ModelProto, random: Random) -> None:
    """Rename what a node reads or makes, here only or wherever it is mentioned."""
    node = _node(model, random)
    names = random.choice((node.input, node.output))
    if not names:
        return
    at = random.randrange(len(names))
    new = random.choice((*NAMES, *_tensors(model)))
    old = names[at]
    names[at] = new
    if random.random() < 0.6:
        for other in model.graph.node:
            for edges in (other.input, other.output):
                for k, edge in enumerate(edges):
                    edges[k] = new if edge == old else edge
        for value in (*model.graph.initializer, *model.graph.output, *model.graph.input):
            value.name = new if value.name == old else value.name


def edge(model: ModelProto, random: Random) -> None:
    """Let a node read another tensor, one fewer, or one more: circles, too."""
    inputs = _node(model, random).input
    tensors = _tensors(model)
    match random.randrange(3):
        case 0 if inputs:
            inputs[random.randrange(len(inputs))] = random.choice(tensors)
        case 1 if inputs:
            del inputs[random.randrange(len(inputs))]
        case _:
            inputs.append(random.choice((*tensors, "")))


def outputs(model: ModelProto, random: Random) -> None:
    """Let a node make more, or nothing."""
    made = _node(model, random).output
    if made and random.random() < 0.4:
        made.pop()
    else:
        made.extend([f"more{random.randrange(9)}"] * random.choice((1, 1, 2)))


def operator(model: ModelProto, random: Random) -> None:
    node = _node(model, random)
    node.op_type = random.choice((*DIFFERENTIABLE, *OTHERS))
    if random.random() < 0.1:
        node.domain = random.choice(("onnxdream", "com.microsoft", "ai.onnx", "ai.onnx.ml", "x"))


def behind(model: ModelProto, random: Random) -> None:
    """Append a node of some operator."""
    tensors = _tensors(model)
    op = random.choice((*DIFFERENTIABLE, *OTHERS))
    count = random.choice((1, 1, 2, 2, 3))
    new = helper.make_node(op, random.choices(tensors, k=count), [f"new{random.randrange(99)}"])
    model.graph.node.append(new)


def nodes(model: ModelProto, random: Random) -> None:
    """Leave out, repeat or move a node."""
    inner = model.graph.node
    if not inner:
        return
    at, kept = random.randrange(len(inner)), [*inner]
    match random.randrange(3):
        case 0:
            del kept[at]
        case 1:
            kept.insert(at, kept[at])
        case _:
            kept.insert(random.randrange(len(kept)), kept.pop(at))
    kept = [NodeProto.FromString(node.SerializeToString()) for node in kept]
    del inner[:]
    inner.extend(kept)


def inside(model: ModelProto, random: Random) -> None:
    """Put a node into the graph of an If or a Loop."""
    node = _node(model, random)
    inner = NodeProto.FromString(node.SerializeToString())
    out = helper.make_tensor_value_info(next(iter(inner.output), "y"), TensorProto.FLOAT, None)
    graph = helper.make_graph([inner], "inner", [], [out])
    for _ in range(random.choice((0, 0, 0, 3, 60))):
        nested = helper.make_node(
            "If", ["c"], list(inner.output), then_branch=graph, else_branch=graph
        )
        graph = helper.make_graph([nested], "inner", [], [out])
        if graph.ByteSize() > 1 << 20:
            break
    if random.random() < 0.6:
        node.op_type = "If"
        branches = {"then_branch": graph, "else_branch": graph}
    else:
        node.op_type = "Loop"
        branches = {"body": graph}
    del node.attribute[:]
    for key, value in branches.items():
        node.attribute.append(helper.make_attribute(key, value))


def opset(model: ModelProto, random: Random) -> None:
    versions = (0, 1, 6, *range(7, 28), 99, -1, 1 << 40)
    match random.randrange(4):
        case 0:
            del model.opset_import[:]
        case 1:
            domain = random.choice(("", "ai.onnx", "onnxdream", "x"))
            model.opset_import.add(domain=domain, version=random.choice(versions))
        case _ if model.opset_import:
            random.choice(model.opset_import).version = random.choice(versions)
    if random.random() < 0.2:
        model.ir_version = random.choice((0, 1, 3, 4, 8, 10, 13, 99, -1))


def values(model: ModelProto, random: Random) -> None:
    """Lie about the type or shape of an input, an output or a tensor inside."""
    made = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    if not made or random.random() < 0.4:
        names = _tensors(model)
        shape = [random.choice((1, 3, -1, 0, "H", 9, 1 << 40)) for _ in range(random.randint(0, 5))]
        told = helper.make_tensor_value_info(random.choice(names), random.choice((1, 7, 10)), None)
        for dim in shape:
            kind = {"dim_param": dim} if isinstance(dim, str) else {"dim_value": dim}
            told.type.tensor_type.shape.dim.add(**kind)
        random.choice((model.graph.value_info, model.graph.output, model.graph.input)).append(told)
        return
    value = random.choice(made)
    match random.randrange(5):
        case 0:
            value.ClearField("type")
        case 1:
            value.type.tensor_type.elem_type = random.choice(TYPES)
        case 2 if value.type.tensor_type.shape.dim:
            dim = random.choice(value.type.tensor_type.shape.dim)
            dim.dim_value = random.choice(DIMS)
        case 3 if value.type.tensor_type.shape.dim:
            random.choice(value.type.tensor_type.shape.dim).dim_param = random.choice(
                ("H", "W", "", "N*2")
            )
        case _:
            value.type.tensor_type.ClearField("shape")


def card(model: ModelProto, random: Random) -> None:
    """Damage what the network says of itself."""
    keys = [
        "format",
        "title",
        "mean",
        "std",
        "channels",
        "value_range",
        "least_size",
        "layers",
        "default_layers",
        "hash",
    ]
    texts = (
        "1",
        "2",
        "null",
        "[]",
        "{}",
        "x",
        "",
        '"RGB"',
        "[0.1, 0.2, 0.3]",
        "[1e999, 0, 0]",
        "0",
        "NaN",
        "[0, 1]",
        "[0, 255]",
        '{"a": "second"}',
        '{"second": 1}',
        '{"second": 1e400}',
        "1024",
        "-1",
        "true",
        '{"a": 1}',
        "[" * 3000,
        "1e5",
        '{"": ""}',
        '{"second": NaN}',
        '"\\ud800"',
        "9" * 5000,
    )
    if random.random() < 0.7 and not any(p.key == "onnxdream.format" for p in model.metadata_props):
        model.metadata_props.add(key="onnxdream.format", value="1")
    for _ in range(random.choice((1, 1, 2, 4))):
        model.metadata_props.add(key=f"onnxdream.{random.choice(keys)}", value=random.choice(texts))


def functions(model: ModelProto, random: Random) -> None:
    """Add a function, which may call itself or stand for a standard operator."""
    name = random.choice(("f", "Relu", "Conv", "MaxPool"))
    domain = random.choice(("own", "", "onnxdream"))
    called = random.choice(("Relu", name))
    inner = helper.make_node(called, ["x"], ["y"], domain=domain if called == name else "")
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(domain, 1)]
    model.functions.append(helper.make_function(domain, name, ["x"], ["y"], [inner], opsets))
    model.opset_import.add(domain=domain, version=1)
    node = _node(model, random)
    node.op_type, node.domain = name, domain


def many(model: ModelProto, random: Random) -> None:
    """A long chain of nodes."""
    last = next(iter(_tensors(model)[::-1]))
    op = random.choice(("Neg", "Relu", "Add", "Identity", "Tanh"))
    for k in range(random.choice((50, 50, 200, 1000))):
        inputs = [last, last] if op == "Add" else [last]
        last = f"chain{k}"
        model.graph.node.append(helper.make_node(op, inputs, [last]))


DAMAGES: tuple[Callable[[ModelProto, Random], None], ...] = (
    *[attribute_known, between] * 12,
    *[attribute_number, weight_shape, weight_data, edge, operator] * 4,
    *[attribute_new, attribute_away, attribute_length, attribute_type] * 3,
    *[weight_type, name, behind, values] * 3,
    *[outputs, nodes, opset, card] * 2,
    *[external, inside, functions, many],
)  # fmt: skip

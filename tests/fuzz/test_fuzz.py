"""The attack itself: it finds what is wrong, pins it to its case, and finds it again."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from fuzz import dangerous
from fuzz.attack import Attack, replay
from fuzz.damage import DAMAGES, damaged
from fuzz.network_damage import damage
from fuzz.report import insert, table
from fuzz.target import MIB, BrokenError, Outcome, Plan, Target, random_of
from fuzz.targets import TARGETS, operators
from fuzz.valid_networks import NETWORKS, network
from fuzz.valid_operators import OPERATORS
from fuzz.valid_pictures import PICTURES
from fuzz.worker import result_of
from onnxdream.autodiff import DIFFERENTIABLE
from onnxdream.errors import ImageError


def answer(target: Target, folder: Path, said: str = "") -> Plan:
    """What a worker says of a case of a target."""
    words = iter(["", said])
    case = {"target": "it", "seed": 0, "number": 0, "folder": str(folder)}
    return result_of(target, case, lambda: next(words))


def doing(action: object, **limits: int) -> Target:
    """A target whose cases do one thing."""

    def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
        action()  # type: ignore[operator]
        return Outcome("done")

    return Target("", lambda random: {}, attack, **limits)


def fail(error: BaseException) -> None:
    raise error


def test_what_is_as_it_should_be(tmp_path: Path) -> None:
    assert answer(doing(lambda: None), tmp_path)["outcome"] == "done"
    refusal = doing(lambda: fail(ImageError("no")))
    assert answer(refusal, tmp_path)["outcome"] == "refused: ImageError"


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("foreign", lambda: fail(KeyError("x"))),
        ("foreign", lambda: fail(SystemExit(3))),
        ("promise", lambda: fail(BrokenError("promise", "no"))),
        ("warning", lambda: warnings.warn("odd", stacklevel=1)),
        ("memory", lambda: np.ones(64 * MIB, np.uint8)),
    ],
)
def test_what_is_not(kind: str, action: object, tmp_path: Path) -> None:
    target = doing(action, memory=16 * MIB)
    assert answer(target, tmp_path)["kind"] == kind


def test_what_is_printed(tmp_path: Path) -> None:
    found = answer(doing(lambda: None), tmp_path, "a word\n")
    assert (found["kind"], found["said"]) == ("printed", "a word\n")


def test_a_case_is_told_by_three_values() -> None:
    for name, target in TARGETS.items():
        plans = [target.plan(random_of(name, 7, number)) for number in (0, 0, 1)]
        assert json.dumps(plans[0]) == json.dumps(plans[1])
        assert json.dumps(plans[0]) != json.dumps(plans[2])
        # What is kept of it is JSON.
        assert json.loads(json.dumps(plans[0])) == plans[0]
        if target.build is not None:
            assert target.build(plans[0]) == target.build(plans[1])


@pytest.mark.parametrize("kind", DAMAGES)
def test_every_kind_of_damage_does_some(kind: object) -> None:
    content = bytes(range(1, 200))
    assert any(damaged(content, [seed], [kind]) != content for seed in range(9))  # type: ignore[list-item]
    assert isinstance(damaged(b"", [1], [kind]), bytes)  # type: ignore[list-item]


def test_every_operator_with_a_rule_is_in_a_network() -> None:
    used = {node.op_type for name in NETWORKS for node in network(name).graph.node}
    assert set(DIFFERENTIABLE) <= used


def test_every_operator_of_ours_is_called() -> None:
    described = {line[2:].split("``")[0] for line in _table(operators.operators.__doc__ or "")}
    assert described == set(OPERATORS)


def _table(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.startswith("``") and "``  " in line)


@pytest.mark.parametrize("op", OPERATORS)
def test_valid_calls_of_operators_are_taken(op: str, tmp_path: Path) -> None:
    made = 0
    for seed in range(4):
        call = OPERATORS[op](Random(seed))
        plan = {"op": op, "values": "normal", "seed": 1, "constant": False, "same": False}
        outcome = operators.attack(plan | call._asdict(), tmp_path, b"")
        made += outcome.label == "made"
    assert made == 4


def test_valid_networks_give_gradients(tmp_path: Path) -> None:
    for name in ("case MaxPool", "convnet", "opset 9", "with a function", "with a card"):
        plan = {"of": name, "damage": [], "layer": 0.9, "values": 1}
        content = TARGETS["networks"].build(plan)  # type: ignore[misc]
        (tmp_path / "content").write_bytes(content)
        assert TARGETS["networks"].attack(plan, tmp_path, content).label == "gradients"


def test_damaged_networks_differ() -> None:
    whole = network("convnet").SerializeToString()
    changed = [
        damage(network("convnet"), [seed]).SerializeToString() != whole for seed in range(60)
    ]
    assert sum(changed) > 50


def test_there_are_pictures_of_many_kinds() -> None:
    assert len(TARGETS["pictures"].plan.__globals__["names"]()) > 0.9 * len(PICTURES)


def test_a_crash_and_a_hang_are_pinned_to_their_case(tmp_path: Path) -> None:
    limits = 0, 1, "fuzz.dangerous"
    attack = Attack(
        ["dangerous"],
        seed=1,
        first=0,
        cases=12,
        minutes=2,
        keep=tmp_path,
        memory=limits[0],
        patience=limits[1],
        table=limits[2],
    )
    attack.run(2)
    tally = attack.tallies["dangerous"]
    drawn = [dangerous.plan(random_of("dangerous", 1, number)) for number in range(12)]
    expected = Counter(map(dangerous.fate, drawn))
    assert tally.outcomes + tally.findings == expected
    assert len(expected) == 3
    found = set()
    for file in tmp_path.glob("*.json"):
        kept = json.loads(file.read_text())
        assert kept["alone"]
        assert kept["kind"] == dangerous.fate(drawn[kept["number"]])
        assert replay(file, *limits)["kind"] == kept["kind"]
        found.add(kept["kind"])
    assert found == {"crash", "hang"}


def test_the_table_of_a_page(tmp_path: Path) -> None:
    tally = {"cases": 5, "outcomes": {"read": 3, "refused: ImageError": 1}, "findings": {"hang": 1}}
    result = {"targets": {"pictures": tally | {"slowest": [1.25, 3], "memory": 3 * MIB}}}
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- attack:begin -->\nold\n<!-- attack:end -->\nafter\n")
    insert([result, result], page)
    assert "| pictures | 10 | 6 | 2 | 2 | 1.2 s | 3 MiB |" in page.read_text()
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("after\n")
    assert table([result]) not in page.read_text()

"""Every option does what it says: none is silently ignored."""

from __future__ import annotations

from argparse import Action
from collections.abc import Callable
from pathlib import Path

import pytest
from small import Program, save_network

from onnxdream import PRESETS, Recipe
from onnxdream.cli.program import COMMANDS, build_parser
from onnxdream.recipe import FORMS

OTHER = {
    "--layer": "first",
    "--mean": "0.4,0.5,0.6",
    "--std": "0.2,0.2,0.2",
    "--channels": "BGR",
    "--value-range": "0,255",
    "--recipe": "a recipe",
    "--preset": "google2015",
    "--size": "30",
    "--octaves": "1",
    "--strength": "0.5",
    "--target-rms": "5",
    "--octave-scale": "1.2",
    "--steps": "3",
    "--step-size": "2.5",
    "--jitter": "2",
    "--blur": "1.5",
    "--resize": "area",
    "--seed": "1",
}
"""For each option a value that must change the picture."""

SAME_PICTURE = {
    "--help": "asks for help",
    "--output": "says where the picture goes; see test_cli_dream",
    "--force": "lets it go there; see test_cli_dream",
    "--format": "says how the picture is spelled; see test_cli_batch",
    "--depth": "is about how finely it is spelled; see test_cli_batch",
    "--max-pixels": "is a limit; see test_cli_machine",
    "--quality": "is about formats that lose something; see test_cli_batch",
    "--no-metadata": "is about what is said of the picture; see test_cli_batch",
    "--seeds": "makes several pictures; see test_cli_batch",
    "--log": "writes something else; see test_cli_watching",
    "--stages": "writes something else; see test_cli_watching",
    "--save-every": "writes something else; see test_cli_watching",
    "--timeout": "is about a dream that is stopped; see test_cli_watching",
    "--keep-partial": "is about a dream that is stopped; see test_cli_watching",
    "--quiet": "is about what is printed; see test_cli_dream",
    "--verbose": "is about what is printed; see test_cli_dream",
    "--provider": "is tested by its errors, where there is but one provider",
    "--device": "picks one of several GPUs",
    "--threads": "is about speed; tested by its errors",
    "--memory": "is a limit; see test_cli_machine",
    "--lowering": "is about speed; tested by its errors, and by what it says",
    "--precision": "is about layers far from the image; see test_cli_machine",
    "--no-cuda-graphs": "is about speed on a GPU; see test_cli_machine",
    "--gpu-memory": "is about memory of a GPU; see test_cli_machine",
    "--deterministic": "is about the last bits on a GPU; see test_cli_machine",
}
"""Why an option does not change the picture."""


def actions_of(command: str) -> list[Action]:
    [commands] = (a.choices for a in build_parser()._actions if isinstance(a.choices, dict))
    return list(commands[command]._actions)


def options_of(command: str) -> list[str]:
    return [action.option_strings[-1] for action in actions_of(command) if action.option_strings]


SHARED = ("--network", *(name for name in OTHER if name != "--recipe"), "--recipe")
"""Of a network and a recipe: the same functions add them to every command."""

MACHINE = (
    *("--provider", "--device", "--threads", "--lowering", "--memory", "--max-pixels"),
    *("--precision", "--no-cuda-graphs", "--gpu-memory", "--deterministic"),
)

TESTED = {
    "presets": {},
    "show": {"--json": "test_cli_replay"},
    "replay": {
        "--input": "test_cli_replay",
        "--output": "test_cli_replay",
        "--assets": "test_cli_replay",
        "--quiet": "test_cli_replay",
        **dict.fromkeys(MACHINE, "test_cli_machine, test_cli_replay"),
    },
    "recipe": {"--json": "test_cli_replay", **dict.fromkeys(SHARED, "here")},
    "sweep": {
        "--vary": "test_cli_sweep",
        "--output": "test_cli_sweep",
        "--side": "test_cli_sweep",
        "--force": "test_cli_sweep",
        "--quiet": "test_cli_sweep",
        **dict.fromkeys((*SHARED, *MACHINE), "here"),
    },
    "networks": {},
    "layers": dict.fromkeys(("--mean", "--std", "--channels", "--value-range"), "here"),
    "doctor": dict.fromkeys(
        ("--network", "--layer", "--mean", "--std", "--channels", "--value-range", *MACHINE),
        "test_cli_machine",
    ),
    "bench": dict.fromkeys(
        (
            *("--quick", "--json", "--plot", "--compare", "--networks", "--sizes", "--provider"),
            *("--device", "--lowering", "--precision", "--cuda-graphs", "--threads"),
        ),
        "tests/bench/test_bench_cli",
    ),
}
"""Every option of every other command, and the file whose tests show its effect."""


@pytest.mark.parametrize("command", TESTED)
def test_every_option_of_other_commands_is_tested(command: str) -> None:
    assert set(options_of(command)) - {"--help", "--verbose"} == set(TESTED[command])


def test_every_command_is_tested() -> None:
    assert set(COMMANDS) == {"dream", *TESTED}


@pytest.mark.parametrize("option", sorted({*SHARED} - {"--network", "--layer", "--recipe"}))
def test_the_option_changes_the_recipe(option: str, onnxdream: Program, network: Path) -> None:
    plain = ["recipe", "--network", network, "--layer", "second", "--std", "1,1,1"]
    found = {onnxdream(*plain, *more).out for more in ([], [option, OTHER[option]])}
    assert len(found) == 2


@pytest.fixture
def dreamt(dream: Program, tmp_path: Path) -> Callable[..., bytes]:
    def picture(*arguments: object) -> bytes:
        path = tmp_path / "dream.png"
        answer = dream("-o", path, *arguments)
        assert answer.code == 0, answer.err
        return path.read_bytes()

    return picture


def test_every_option_is_tested() -> None:
    assert sorted(options_of("dream")) == sorted([*OTHER, *SAME_PICTURE, "--network"])


@pytest.mark.parametrize("option", set(OTHER) - {"--recipe"})
def test_the_option_changes_the_picture(option: str, dreamt: Callable[..., bytes]) -> None:
    assert dreamt(option, OTHER[option]) != dreamt()


def test_a_recipe_changes_the_picture(dreamt: Callable[..., bytes], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("step_size = 3.0")
    assert dreamt("--recipe", recipe) == dreamt("--step-size", 3) != dreamt()


def test_the_network_changes_the_picture(dreamt: Callable[..., bytes], tmp_path: Path) -> None:
    other = save_network(tmp_path / "other.onnx", seed=1)
    assert dreamt("--network", other) != dreamt()


def test_the_same_command_makes_the_same_bytes(dreamt: Callable[..., bytes]) -> None:
    assert dreamt() == dreamt()


def test_every_setting_of_the_recipe_is_an_option() -> None:
    elsewhere = {"layers": "layer", "preprocessing": "mean"}
    names = {f"--{elsewhere.get(name, name).replace('_', '-')}" for name in FORMS}
    assert names < set(options_of("dream"))


def test_an_option_changes_a_setting_of_the_preset(dreamt: Callable[..., bytes]) -> None:
    usual, other = PRESETS["animals"].recipe, PRESETS["google2015"].recipe
    changed = {n for n in FORMS if getattr(usual, n) != getattr(other, n)} - {"layers"}
    assert changed
    usually = [f"--{n.replace('_', '-')}={getattr(usual, n)}" for n in changed]
    assert dreamt("--preset", "google2015", *usually) == dreamt(*usually)


def test_layers_add_up(dreamt: Callable[..., bytes]) -> None:
    both = dreamt("--layer", "first=0.25")
    assert both != dreamt()
    assert both != dreamt("--layer", "first")
    assert both == dreamt("--layer", "first=0.5", "--layer", "first=-0.25")


def test_a_number_names_a_layer(dreamt: Callable[..., bytes]) -> None:
    assert dreamt("--layer", "@2=0.5") == dreamt("--layer", "first=0.5")


def test_a_tensor_whose_name_looks_like_a_weight(dreamt: Callable[..., bytes]) -> None:
    as_it_stands = dreamt("--layer", "second=0.5")
    assert as_it_stands != dreamt("--layer", "second=0.50")
    assert as_it_stands == dreamt("--layer", "second=0.5=1")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_option(command: str, onnxdream: Program) -> None:
    code, out, err = onnxdream(command, "--help")
    assert (code, err) == (0, "")
    for action in actions_of(command):
        assert action.help, action
        for name in action.option_strings:
            assert name in out
    assert COMMANDS[command].summary in out


def test_help_states_the_defaults_of_the_recipe(onnxdream: Program) -> None:
    words = " ".join(onnxdream("dream", "--help").out.split())
    for name in set(FORMS) - {"network", "preprocessing", "layers", "target_rms"}:
        text = words.rpartition(f"--{name.replace('_', '-')} ")[2]
        stated = text.partition("(default: ")[2].partition(")")[0]
        assert stated == str(getattr(Recipe(), name))


def test_help_lists_every_command(onnxdream: Program) -> None:
    out = onnxdream("--help").out
    for name, command in COMMANDS.items():
        assert name in out
        assert command.summary in out

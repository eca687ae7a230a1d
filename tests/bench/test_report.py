"""Reports as JSON: what is kept, and what is refused."""

from __future__ import annotations

import copy
import json
import platform
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from reports import MACHINE, report, result

from onnxdream.bench import Report, fingerprint, read, write
from onnxdream.bench.fingerprint import Gpu
from onnxdream.errors import BenchmarkError

MEASURED = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "report.json"


def content(of: Report, file: Path) -> dict:
    write(of, file)
    return json.loads(file.read_text("utf-8"))


class TestRoundTrip:
    def test_what_is_written_is_read(self, file):
        gpu = Gpu("Graphics 9", "580.1", "81559")
        kept = Report(7, True, replace(MACHINE, gpus=(gpu,)), [result()])
        write(kept, file)
        found = read(file)
        assert (found.workload, found.quick, found.machine) == (7, True, kept.machine)
        [one] = found.results
        assert one.case == kept.results[0].case
        assert list(one.step) == kept.results[0].step
        assert (one.peak_memory, one.device_memory) == (200 << 20, None)

    def test_what_is_not_known_stays_so(self, file):
        machine = replace(MACHINE, memory=None)
        write(report(result(peak_memory=None, device_memory=3), machine=machine), file)
        found = read(file)
        assert found.machine.memory is None
        assert (found.results[0].peak_memory, found.results[0].device_memory) == (None, 3)

    def test_the_same_report_is_the_same_bytes(self, file, tmp_path):
        write(report(), file)
        write(read(file), tmp_path / "again.json")
        assert (tmp_path / "again.json").read_bytes() == file.read_bytes()

    @pytest.mark.parametrize(
        "before", [*MEASURED.glob("*/bench.json")], ids=lambda p: p.parent.name
    )
    def test_what_was_measured_before_stays_the_same_bytes(self, before, file):
        write(read(before), file)
        assert file.read_bytes() == before.read_bytes()

    def test_what_a_later_version_adds_is_passed_over(self, file):
        whole = content(report(), file)
        for place in (whole, whole["machine"], whole["results"][0], whole["results"][0]["case"]):
            place["weather"] = ["red\x1b[31m", {"wind": -1}]
        file.write_text(json.dumps(whole))
        assert read(file).machine == MACHINE

    def test_samples_are_on_one_line(self, file):
        write(report(result(step=1.0)), file)
        assert '"step": [0.9, 1.0, 1.2],' in file.read_text("utf-8")


class TestFigures:
    def test_they_come_from_the_median(self):
        found = result(step=0.05)
        assert found.steps_per_second == pytest.approx(20)
        assert found.megapixel_steps_per_second == pytest.approx(20 * 0.512**2)
        assert found.spread == pytest.approx(tuple(np.percentile(found.step, [10, 90])))

    def test_the_parts_add_up_to_the_step(self):
        assert sum(result(step=0.05).split) == pytest.approx(0.05)


class TestHardware:
    def test_it_says_what_figures_depend_on(self):
        machine = fingerprint()
        assert machine.cpu
        assert machine.cores >= 1
        assert set(machine.versions) == {"onnxdream", "python", "numpy", "onnx", "onnxruntime"}

    def test_it_does_not_say_whose_it_is(self, file):
        write(report(machine=fingerprint()), file)
        text = file.read_text("utf-8")
        for private in (platform.node(), str(Path.home()), str(Path.cwd())):
            assert len(private) < 4 or private not in text


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


CORRUPT = {
    "nothing": "",
    "no JSON": "{",
    "no object": "[1]",
    "no UTF-8": b"\xff\xfe{}",
    "something else": '{"kind": "a diary"}',
    "another format": '{"kind": "onnxdream bench", "format": 2}',
    "deep": nested(100_000),
    "large": b" " * (17 << 20),
    "long number": "1" * 10_000,
}


@pytest.mark.parametrize("kind", CORRUPT)
def test_a_file_that_is_no_report(kind, file):
    corrupt = CORRUPT[kind]
    file.write_bytes(corrupt if isinstance(corrupt, bytes) else corrupt.encode())
    with pytest.raises(BenchmarkError, match=r"report\.json"):
        read(file)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BenchmarkError, match="cannot be read: No such file"):
        read(tmp_path / "none.json")


WRONG = {
    "workload": [True, "1", -1, 1.0],
    "quick": [0, None],
    "machine": [None, [], "mine"],
    "results": [{}, [3], [None] * 3000],
    "machine.cpu": [None, 3, "x" * 300, "red\x1b[31m", "two\nlines"],
    "machine.cores": [0, 10**30],
    "machine.memory": ["much", -1],
    "machine.gpus": [None, [{}]],
    "machine.versions": [[], {"python": 3}, {"x\n": "1"}],
    "results.0.case": [None, {}],
    "results.0.case.size": [0, "512", 1e9],
    "results.0.case.network": [None, "\u202esqueezenet"],
    "results.0.peak_memory": [-1, 0.5, "1"],
    "results.0.step": [[], [0], [-1.0], ["1"], [True], [1e300], [10**400], [None], 0.05],
    "results.0.kernels": [None, [float("nan")], [float("inf")], [0.1] * 20_000],
}


@pytest.mark.parametrize("field", WRONG)
def test_a_wrong_field_is_named(field, file):
    whole = content(report(), file)
    *outer, last = [int(part) if part.isdecimal() else part for part in field.split(".")]
    for value in WRONG[field]:
        changed = copy.deepcopy(whole)
        place = changed
        for part in outer:
            place = place[part]
        place[last] = value
        file.write_text(json.dumps(changed))
        with pytest.raises(BenchmarkError, match=r"report\.json.*no result of `onnxdream bench`"):
            read(file)


@pytest.mark.parametrize(
    "field", ["kind", "format", "workload", "quick", "machine", "results", "machine.date"]
)
def test_a_missing_field_is_noticed(field, file):
    whole = content(report(), file)
    *outer, last = field.split(".")
    place = whole
    for part in outer:
        place = place[part]
    del place[last]
    file.write_text(json.dumps(whole))
    with pytest.raises(BenchmarkError, match=last):
        read(file)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(
    where=st.sampled_from([field for field in WRONG if "." in field]),
    value=JSON,
)
def test_whatever_is_in_it_is_read_or_refused(where, value, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "any.json"
    whole = content(report(), file)
    *outer, last = [int(part) if part.isdecimal() else part for part in where.split(".")]
    place = whole
    for part in outer:
        place = place[part]
    place[last] = value
    file.write_text(json.dumps(whole), "utf-8")
    try:
        found = read(file)
    except BenchmarkError:
        return
    assert isinstance(found, Report)


class TestWriting:
    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(BenchmarkError, match="There is no folder"):
            write(report(), tmp_path / "none" / "report.json")

    def test_a_folder_in_its_place(self, tmp_path):
        with pytest.raises(BenchmarkError, match="is a folder"):
            write(report(), tmp_path)

    def test_nothing_else_is_left_behind(self, file):
        write(report(), file)
        assert list(file.parent.iterdir()) == [file]

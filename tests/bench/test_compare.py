"""Reports side by side, and one report as a table."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from reports import CASE, MACHINE, report, result

from onnxdream.bench import Report, compare, table
from onnxdream.errors import BenchmarkError

CUDA = replace(CASE, provider="cuda", device=1)


def cells(lines: list[str], begin: str) -> list[str]:
    [line] = [line for line in lines if line.startswith(begin)]
    return line.split()


class TestTable:
    def test_a_row_says_all_of_a_case(self):
        row = cells(table(report(result(step=0.05))), "squeezenet")
        assert row[:6] == ["squeezenet", "cpu", "portable", "fp32", "2", "512"]
        assert row[6:] == ["20.00", "5.24", "50.0", "46.0–58.0", "45.0", "2.5", "2.5", "200"]

    def test_columns_are_aligned(self):
        cases = [result(), result(replace(CASE, network="efficientnet-lite0", size=64), 0.5)]
        lines = table(report(*cases))[:3]
        assert len({len(line) for line in lines}) == 1
        assert [line.split()[4] for line in lines] == ["threads", "2", "2"]
        assert len({line.index(line.split()[5]) + len(line.split()[5]) for line in lines}) == 1

    def test_the_machine_is_below(self):
        text = "\n".join(table(report()))
        assert "Abacus 3000, 2 cores, 8 GiB, Linux 6.1 x86_64" in text
        assert "onnxruntime 1.32.0, compiled kernels, operators: avx2" in text
        assert text.endswith("workload 1, 2026-11-01")

    def test_a_gpu_s_memory_is_what_the_dream_took_of_it(self):
        lines = table(report(result(CUDA, device_memory=300 << 20)))
        assert cells(lines, "squeezenet")[1] == "cuda:1"
        assert cells(lines, "squeezenet")[-1] == "300"

    def test_memory_that_nobody_knows(self):
        assert cells(table(report(result(peak_memory=None))), "squeezenet")[-1] == "?"


class TestCompare:
    def test_the_ratio_says_how_many_times_as_fast(self):
        lines = compare({"a": report(result(step=0.06)), "b": report(result(CUDA, step=0.02))})
        assert cells(lines, "squeezenet") == ["squeezenet", "fire7", "512", "4.37", "3.00"]
        assert "#1 is a: cpu, portable, fp32, 2 threads" in lines
        assert "#2 is b: cuda:1, portable, fp32" in lines

    def test_a_file_has_a_column_for_each_way(self):
        ways = [result(replace(CASE, threads=n), 0.1 / n) for n in (1, 2, 4)]
        lines = compare({"a": report(*ways)})
        assert cells(lines, "squeezenet")[3:] == ["2.62", "2.00", "4.00"]

    def test_what_only_one_has_is_marked(self):
        small = result(replace(CASE, size=224), 0.01)
        lines = compare({"a": report(result()), "b": report(small, result())})
        assert ["squeezenet", "fire7", "224", "–", "–"] in [line.split() for line in lines]
        assert ["squeezenet", "fire7", "512", "5.24", "1.00"] in [line.split() for line in lines]

    def test_the_same_twice_differs_in_nothing(self):
        lines = compare({"a": report(), "b": report()})
        assert lines[0].startswith("network")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"quick": True}, "Not the same effort: full in a, quick in b."),
            (
                {"machine": replace(MACHINE, operators="none")},
                "Not the same operators: avx2 in a, none in b.",
            ),
            (
                {"machine": replace(MACHINE, versions={"onnxdream": "0.1.0"})},
                "Not the same onnxruntime: 1.32.0 in a, unknown in b.",
            ),
        ],
    )
    def test_what_differs_is_said_first(self, changes, words):
        lines = compare({"a": report(), "b": report(**changes)})
        assert lines[:2] == [words, ""]

    def test_different_workloads_are_said_before_all(self):
        lines = compare({"a": report(), "b": report(workload=2)})
        assert lines[0].startswith("THE WORKLOADS DIFFER")
        assert lines[1] == "Not the same workload: 1 in a, 2 in b."

    def test_both_machines_are_below(self):
        other = report(machine=replace(MACHINE, cpu="Quipu 12"))
        lines = compare({"a": report(), "b": other})
        assert any("Abacus 3000" in line for line in lines)
        assert any("Quipu 12" in line for line in lines)

    def test_nothing_to_compare(self):
        with pytest.raises(BenchmarkError, match="no file has results"):
            compare({"a": Report(1, False, MACHINE, [])})

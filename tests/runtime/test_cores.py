"""How many cores this process may use: its affinity, and its container's share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onnxdream.runtime import usable_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


def version2(root: Path, limit: str) -> Path:
    (root / "cpu.max").write_text(limit)
    return root


def version1(root: Path, quota: str, period: str = "100000") -> Path:
    (root / "cpu").mkdir()
    (root / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (root / "cpu" / "cpu.cfs_period_us").write_text(f"{period}\n")
    return root


def test_without_control_groups_affinity_counts(tmp_path):
    assert usable_cores(tmp_path) == 8


def test_affinity_is_asked_of_this_process(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", {0: {3, 5}}.__getitem__, raising=False)
    assert usable_cores(tmp_path) == 2


@pytest.mark.parametrize(("counted", "cores"), [(6, 6), (None, 1)])
def test_without_affinity_the_host_s_count_serves(tmp_path, monkeypatch, counted, cores):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    assert usable_cores(tmp_path) == cores


SHARES = [
    pytest.param("200000", "100000", 2, id="two"),
    pytest.param("150000", "100000", 2, id="one and a half is two threads"),
    pytest.param("10000", "100000", 1, id="a tenth is one"),
    pytest.param("25000", "50000", 1, id="another period"),
    pytest.param("6400000", "100000", 8, id="more than there are"),
]


@pytest.mark.parametrize(("quota", "period", "cores"), SHARES)
class TestShare:
    def test_of_version_2(self, tmp_path, quota, period, cores):
        assert usable_cores(version2(tmp_path, f"{quota} {period}\n")) == cores

    def test_of_version_1(self, tmp_path, quota, period, cores):
        assert usable_cores(version1(tmp_path, quota, period)) == cores


@pytest.mark.parametrize("limit", ["max 100000\n", "", "nonsense", "-1 100000", "100000 0"])
def test_no_limit_of_version_2_is_none(tmp_path, limit):
    assert usable_cores(version2(tmp_path, limit)) == 8


@pytest.mark.parametrize("quota", ["-1", "0", "", "nonsense"])
def test_no_limit_of_version_1_is_none(tmp_path, quota):
    assert usable_cores(version1(tmp_path, quota)) == 8


def test_version_2_wins(tmp_path):
    assert usable_cores(version2(version1(tmp_path, "500000"), "300000 100000")) == 3


def test_of_this_machine_there_is_one_at_least():
    assert usable_cores() >= 1

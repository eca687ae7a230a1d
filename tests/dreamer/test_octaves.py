"""The octave loop: how large each octave is, how large the dream, and what is told on the way."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from dreaming import QUICK, picture

from onnxdream import Dreamer, Progress
from onnxdream.graph import Card
from onnxdream.octaves import octave_count, working_size
from small_networks import (
    CARD,
    convnet,
    network_of,
)


class TestOctaves:
    def sizes(self, dreamer: Dreamer, pixels: np.ndarray, **settings: Any) -> list[tuple[int, int]]:
        told: list[Progress] = []
        dreamer.dream_array(pixels, progress=told.append, steps=1, **settings)
        return [(each.height, each.width) for each in told]

    def test_each_is_a_scale_of_the_picture(self, small):
        found = self.sizes(small, picture(101, 77), octaves=5, octave_scale=1.4)
        assert found == [(round(101 / 1.4**k), round(77 / 1.4**k)) for k in (4, 3, 2, 1, 0)]

    def test_those_below_the_least_size_are_left_out(self, dreamer, caplog):
        caplog.set_level(logging.INFO, "onnxdream.octaves")
        found = self.sizes(dreamer, picture(96, 130), octaves=4, octave_scale=1.5)
        assert found == [(64, 87), (96, 130)]
        [record] = caplog.records
        assert record.levelno == logging.INFO
        assert record.getMessage() == (
            "Left out 2 of 4 octaves: the network needs at least 48 pixels each way."
        )

    def test_where_all_fit_nothing_is_said(self, dreamer, caplog):
        caplog.set_level(logging.INFO, "onnxdream.octaves")
        assert self.sizes(dreamer, picture(96, 130), octaves=2, octave_scale=1.5)[0] == (64, 87)
        assert not caplog.records

    def test_the_shorter_side_counts(self, dreamer):
        assert self.sizes(dreamer, picture(49, 200), octaves=4) == [(49, 200)]

    def test_the_least_size_is_that_of_the_layers(self):
        network = network_of(convnet(), Card(CARD.preprocessing, least_size=30))
        with Dreamer(network, "second") as dreamer:
            assert dreamer.least_size == 30
            assert self.sizes(dreamer, picture(50, 50), octaves=4) == [(36, 36), (50, 50)]


class TestSize:
    @pytest.mark.parametrize(
        "size", [(1, 1), (1, 90), (90, 1), (2, 3), (47, 48), (30, 70), (48, 48), (67, 95)], ids=str
    )
    def test_a_picture_comes_back_at_its_own(self, dreamer, size):
        pixels = picture(*size)
        before = pixels.copy()
        dreamt = dreamer.dream_array(pixels, QUICK)
        assert dreamt.shape == (*size, 3)
        assert dreamt.dtype == np.float32
        assert dreamt.flags.c_contiguous
        assert 0 <= dreamt.min() <= dreamt.max() <= 1
        assert not np.array_equal(dreamt, pixels)
        assert np.array_equal(pixels, before)

    @pytest.mark.parametrize(
        ("size", "pads"), [((31, 60), (8, 9, 0, 0)), ((20, 1), (14, 14, 23, 24))]
    )
    def test_a_small_one_is_reflected_and_cropped_back(self, dreamer, size, pads):
        top, bottom, left, right = pads
        pixels = picture(*size)
        mirrored = np.pad(pixels, [(top, bottom), (left, right), (0, 0)], "symmetric")
        whole = dreamer.dream_array(mirrored, QUICK)
        expected = whole[top : top + size[0], left : left + size[1]]
        assert np.array_equal(dreamer.dream_array(pixels, QUICK), expected)

    def test_a_dream_stays_after_others_were_dreamt(self, small):
        """Its memory is its own: the buffers of the run are not handed out."""
        for steps in (1, 2):
            first = small.dream_array(picture(64, 64), octaves=1, steps=steps)
            kept = first.copy()
            others = [small.dream_array(picture(64, 64, seed), QUICK) for seed in range(1, 4)]
            assert np.array_equal(first, kept)
            assert not any(np.array_equal(first, other) for other in others)


class TestProgress:
    def test_it_is_told_after_every_step(self, small):
        told: list[Progress] = []
        small.dream_array(
            picture(60, 80), octaves=3, octave_scale=2.0, steps=4, progress=told.append
        )
        found = [(p.octave, p.octaves, p.step, p.steps, p.height, p.width) for p in told]
        assert found == [
            (octave, 3, step, 4, 60 // scale, 80 // scale)
            for octave, scale in ((1, 4), (2, 2), (3, 1))
            for step in (1, 2, 3, 4)
        ]

    def test_octaves_that_are_left_out_are_not_counted(self, dreamer):
        told: list[Progress] = []
        dreamer.dream_array(picture(70, 70), octaves=4, steps=1, progress=told.append)
        assert [(p.octave, p.octaves) for p in told] == [(1, 2), (2, 2)]

    def test_the_loss_is_that_before_the_step(self, small):
        told: list[Progress] = []
        pixels = picture(60, 80)
        small.dream_array(pixels, octaves=1, steps=1, jitter=0, progress=told.append)
        assert told[0].loss == pytest.approx(small.gradient(pixels)[0], rel=1e-5)

    def test_it_does_not_change_the_dream(self, small):
        pixels = picture(60, 80)
        expected = small.dream_array(pixels, QUICK)
        assert np.array_equal(small.dream_array(pixels, QUICK, progress=lambda _: None), expected)

    def test_what_it_raises_ends_the_dream(self, small):
        told: list[Progress] = []

        def stop(progress: Progress) -> None:
            told.append(progress)
            if len(told) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            small.dream_array(picture(60, 80), octaves=2, steps=2, progress=stop)
        assert [(p.octave, p.step) for p in told] == [(1, 1), (1, 2), (2, 1)]
        assert small.dream_array(picture(60, 80), QUICK).shape == (60, 80, 3)


class TestAuto:
    @pytest.mark.parametrize(
        ("height", "width", "scale"),
        [(1024, 1024, 1.4), (683, 1024, 1.4), (70, 300, 1.4), (71, 71, 1.01), (2000, 9000, 1.5)],
    )
    def test_the_smallest_has_a_shorter_side_of_70_pixels_or_a_little_more(
        self, height, width, scale
    ):
        count = octave_count(height, width, "auto", scale, 16)
        smallest = min(height, width) / scale ** (count - 1)
        assert 70 <= round(smallest, 6) < 70 * scale

    def test_what_the_network_needs_counts(self):
        assert octave_count(512, 512, "auto", 1.4, 224) == 3

    def test_a_small_picture_has_one(self):
        assert octave_count(20, 20, "auto", 1.4, 16) == 1

    def test_a_number_is_a_number(self):
        assert octave_count(20, 20, 7, 1.4, 16) == 7


class TestWorkingSize:
    @pytest.mark.parametrize(
        ("height", "width", "size", "expected"),
        [
            (3000, 4000, 1024, (768, 1024)),
            (4000, 3000, 1024, (1024, 768)),
            (300, 400, 1024, (300, 400)),
            (3000, 4000, "full", (3000, 4000)),
            (1, 9000, 100, (1, 100)),
        ],
    )
    def test_it_is_that_of_the_longer_side(self, height, width, size, expected):
        assert working_size(height, width, size) == expected

    def test_the_dream_keeps_the_picture_s_own(self, small):
        pixels = picture(90, 120)
        told: list[Progress] = []
        dreamt = small.dream_array(pixels, QUICK, size=40, progress=told.append)
        assert (told[-1].height, told[-1].width) == (30, 40)
        assert dreamt.shape == pixels.shape
        # What was added is smooth at the picture's own scale; what was there stays as sharp.
        added = dreamt - pixels
        assert np.abs(np.diff(added, axis=1)).mean() < 0.5 * np.abs(np.diff(pixels, axis=1)).mean()

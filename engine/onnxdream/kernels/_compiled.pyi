"""What the compiled kernels look like from Python (see ``_compiled.pyx``)."""

import numpy as np
from numpy.typing import NDArray

def resize(
    picture: NDArray[np.float32],
    row_starts: NDArray[np.intp],
    row_weights: NDArray[np.float32],
    column_starts: NDArray[np.intp],
    column_weights: NDArray[np.float32],
    columns_first: bool,
    out: NDArray[np.float32],
    first: int,
    last: int,
) -> None: ...
def jitter_normalize(
    picture: NDArray[np.float32],
    shift_y: int,
    shift_x: int,
    mean: NDArray[np.float32],
    std: NDArray[np.float32],
    bgr: bool,
    out: NDArray[np.float32],
    first: int,
    last: int,
) -> None: ...
def unjitter_blur(
    gradient: NDArray[np.float32],
    shift_y: int,
    shift_x: int,
    std: NDArray[np.float32],
    bgr: bool,
    weights: NDArray[np.float32],
    out: NDArray[np.float32],
    first: int,
    last: int,
) -> None: ...
def absolute_block_sums(
    values: NDArray[np.float32], size: int, out: NDArray[np.float64], first: int, last: int
) -> None: ...
def ascend(
    picture: NDArray[np.float32],
    gradient: NDArray[np.float32],
    step_size: float,
    mean_abs: float,
    out: NDArray[np.float32],
    first: int,
    last: int,
) -> None: ...

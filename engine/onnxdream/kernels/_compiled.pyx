"""The compiled kernels, as Python sees them: arrays in, arrays filled.

Shapes are the caller's business (see ``_checked.py``). Every function fills one
range of rows of its result, and lets go of the GIL while it does.
"""

from libc.stdlib cimport free, malloc

from onnxdream.kernels._ascent cimport absolute_sums, ascend_values, ascent_scale
from onnxdream.kernels._blur cimport unjitter_blur_rows, unjitter_blur_scratch
from onnxdream.kernels._jitter cimport jitter_normalize_rows
from onnxdream.kernels._resize cimport resize_rows, resize_scratch


cdef float* _scratch(Py_ssize_t count) except NULL:
    """Return room for count floats, for the caller to free."""
    cdef float* scratch = <float*> malloc(count * sizeof(float))
    if scratch == NULL:
        raise MemoryError(f"no {count * sizeof(float)} bytes for the scratch rows of a kernel")
    return scratch


def resize(
    const float[:, :, ::1] picture,
    const Py_ssize_t[::1] row_starts,
    const float[:, ::1] row_weights,
    const Py_ssize_t[::1] column_starts,
    const float[:, ::1] column_weights,
    bint columns_first,
    float[:, :, ::1] out,
    Py_ssize_t first,
    Py_ssize_t last,
):
    cdef float* scratch = _scratch(
        resize_scratch(picture.shape[1], out.shape[1], row_weights.shape[1], picture.shape[2])
    )
    with nogil:
        resize_rows(
            &picture[0, 0, 0], picture.shape[0], picture.shape[1], picture.shape[2],
            &row_starts[0], &row_weights[0, 0], row_weights.shape[1],
            &column_starts[0], &column_weights[0, 0], column_weights.shape[1],
            &out[0, 0, 0], out.shape[1], columns_first, scratch, first, last,
        )
        free(scratch)


def jitter_normalize(
    const float[:, :, ::1] picture,
    Py_ssize_t shift_y,
    Py_ssize_t shift_x,
    const float[::1] mean,
    const float[::1] std,
    bint bgr,
    float[:, :, :, ::1] out,
    Py_ssize_t first,
    Py_ssize_t last,
):
    with nogil:
        jitter_normalize_rows(
            &picture[0, 0, 0], picture.shape[0], picture.shape[1], shift_y, shift_x,
            &mean[0], &std[0], bgr, &out[0, 0, 0, 0], first, last,
        )


def unjitter_blur(
    const float[:, :, :, ::1] gradient,
    Py_ssize_t shift_y,
    Py_ssize_t shift_x,
    const float[::1] std,
    bint bgr,
    const float[::1] weights,
    float[:, :, ::1] out,
    Py_ssize_t first,
    Py_ssize_t last,
):
    cdef Py_ssize_t radius = weights.shape[0] // 2
    cdef float* scratch = _scratch(unjitter_blur_scratch(out.shape[1], radius))
    with nogil:
        unjitter_blur_rows(
            &gradient[0, 0, 0, 0], out.shape[0], out.shape[1], shift_y, shift_x,
            &std[0], bgr, &weights[0], radius, &out[0, 0, 0], scratch, first, last,
        )
        free(scratch)


def absolute_block_sums(
    const float[::1] values, Py_ssize_t size, double[::1] out, Py_ssize_t first, Py_ssize_t last
):
    with nogil:
        absolute_sums(&values[0], values.shape[0], size, &out[0], first, last)


def ascend(
    const float[:, :, ::1] picture,
    const float[:, :, ::1] gradient,
    double step_size,
    double mean_abs,
    float[:, :, ::1] out,
    Py_ssize_t first,
    Py_ssize_t last,
):
    cdef Py_ssize_t row = out.shape[1] * out.shape[2]
    with nogil:
        ascend_values(
            &picture[0, 0, 0], &gradient[0, 0, 0], ascent_scale(step_size, mean_abs),
            &out[0, 0, 0], first * row, last * row,
        )

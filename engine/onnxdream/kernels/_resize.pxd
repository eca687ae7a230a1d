"""The loops of a separable resize over interleaved float32 pictures.

A table of taps says for each row (or column) of the result where its taps begin
in the source and what they weigh. Every loop takes a range of rows [first, last)
of the result, and no row depends on another, so that any thread pool can split it.
"""

from onnxdream.kernels._rows cimport blend_rows


cdef inline void _blend_pixels(
    float* out,
    const float* row,
    const Py_ssize_t* starts,
    const float* weights,
    Py_ssize_t taps,
    Py_ssize_t begin,
    Py_ssize_t end,
    Py_ssize_t channels,
) noexcept nogil:
    """Set the pixels [begin, end) of out to weighted sums of pixels of row."""
    cdef Py_ssize_t x, c, k
    cdef float total
    for x in range(begin, end):
        for c in range(channels):
            total = 0
            for k in range(taps):
                total = total + weights[x * taps + k] * row[(starts[x] + k) * channels + c]
            out[x * channels + c] = total


cdef inline void _blend_rgb(
    float* out,
    const float* row,
    const Py_ssize_t* starts,
    const float* weights,
    Py_ssize_t taps,
    Py_ssize_t end,
) noexcept nogil:
    """Do as _blend_pixels for the pixels [0, end) of three channels, faster.

    Four floats at once are what vector instructions do. The fourth belongs to the
    next pixel: it is read in vain, and what is written there is overwritten by the
    next turn.
    """
    cdef Py_ssize_t x, k, lane
    cdef float total[4]
    cdef float weight
    cdef const float* pixel
    for x in range(end):
        pixel = row + 3 * starts[x]
        weight = weights[x * taps]
        for lane in range(4):
            total[lane] = weight * pixel[lane]
        for k in range(1, taps):
            weight = weights[x * taps + k]
            for lane in range(4):
                total[lane] += weight * pixel[3 * k + lane]
        for lane in range(4):
            out[3 * x + lane] = total[lane]


cdef inline void _blend_rgb_unrolled(
    float* out,
    const float* row,
    const Py_ssize_t* starts,
    const float* weights,
    Py_ssize_t taps,
    Py_ssize_t end,
) noexcept nogil:
    """Do as _blend_rgb, faster for the numbers of taps that octaves need.

    A number that the compiler knows becomes straight vector code, two or three times
    as fast as a loop over taps.
    """
    if taps == 1:
        _blend_rgb(out, row, starts, weights, 1, end)
    elif taps == 2:
        _blend_rgb(out, row, starts, weights, 2, end)
    elif taps == 3:
        _blend_rgb(out, row, starts, weights, 3, end)
    elif taps == 4:
        _blend_rgb(out, row, starts, weights, 4, end)
    elif taps == 5:
        _blend_rgb(out, row, starts, weights, 5, end)
    elif taps == 6:
        _blend_rgb(out, row, starts, weights, 6, end)
    else:
        _blend_rgb(out, row, starts, weights, taps, end)


cdef inline void blend_columns(
    float* out,
    const float* row,
    Py_ssize_t source_width,
    Py_ssize_t width,
    Py_ssize_t channels,
    const Py_ssize_t* starts,
    const float* weights,
    Py_ssize_t taps,
) noexcept nogil:
    """Set out, a row of width pixels, to the resized row of source_width pixels."""
    cdef Py_ssize_t done = 0
    if channels == 3:
        # The last pixels have no neighbour to read or to write a fourth float in.
        done = width - 1
        while done > 0 and starts[done - 1] + taps >= source_width:
            done -= 1
        _blend_rgb_unrolled(out, row, starts, weights, taps, done)
    _blend_pixels(out, row, starts, weights, taps, done, width, channels)


cdef inline Py_ssize_t resize_scratch(Py_ssize_t width, Py_ssize_t channels) noexcept nogil:
    """Return how many floats of scratch each caller of resize_rows brings."""
    return width * channels


cdef inline void resize_rows(
    const float* source,
    Py_ssize_t source_height,
    Py_ssize_t source_width,
    Py_ssize_t channels,
    const Py_ssize_t* row_starts,
    const float* row_weights,
    Py_ssize_t row_taps,
    const Py_ssize_t* column_starts,
    const float* column_weights,
    Py_ssize_t column_taps,
    float* out,
    Py_ssize_t width,
    float* scratch,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of out, a picture of the given width."""
    cdef Py_ssize_t y
    cdef Py_ssize_t length = source_width * channels
    for y in range(first, last):
        blend_rows(
            scratch, source, source_height, length, 0,
            row_starts[y], row_weights + y * row_taps, row_taps, length,
        )
        blend_columns(
            out + y * width * channels, scratch,
            source_width, width, channels, column_starts, column_weights, column_taps,
        )

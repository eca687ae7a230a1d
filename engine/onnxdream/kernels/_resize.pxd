"""The loops of a separable resize over interleaved float32 pictures.

A table of taps says for each row (or column) of the result where its taps begin
in the source and what they weigh. Every loop takes a range of rows [first, last)
of the result, and no row depends on another, so that any thread pool can split it.
"""

from onnxdream.kernels._lanes cimport prefetch_room
from onnxdream.kernels._rows cimport blend_rows


cdef enum:
    # Rows resized at once: what is known of a pixel of one is known of all.
    _ROWS = 4
    # Floats that are fetched from memory together.
    _CACHE_LINE = 16


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


cdef inline void _blend_four(
    float* out, const float* pixel, const float* weights, Py_ssize_t taps
) noexcept nogil:
    """Set four floats of out to weighted sums, of floats that are three apart."""
    cdef Py_ssize_t k, lane
    cdef float total[4]
    for lane in range(4):
        total[lane] = weights[0] * pixel[lane]
    for k in range(1, taps):
        for lane in range(4):
            total[lane] += weights[k] * pixel[3 * k + lane]
    for lane in range(4):
        out[lane] = total[lane]


cdef inline void _blend_rgb(
    float* out,
    const float* row,
    const Py_ssize_t* starts,
    const float* weights,
    Py_ssize_t taps,
    Py_ssize_t end,
    Py_ssize_t rows,
    Py_ssize_t step,
    Py_ssize_t out_step,
    const float* room,
) noexcept nogil:
    """Do as _blend_pixels for the pixels [0, end) of 1 or 4 rows of three channels, faster.

    Four floats at once are what vector instructions do. The fourth belongs to the
    next pixel: it is read in vain, and what is written there is overwritten by the
    next turn. Meanwhile room is fetched, a cache line for a pixel of 4 rows.
    """
    cdef Py_ssize_t x
    cdef const float* pixel
    for x in range(end):
        pixel = row + 3 * starts[x]
        _blend_four(out, pixel, weights, taps)
        if rows == _ROWS:
            prefetch_room(room + _CACHE_LINE * x)
            _blend_four(out + out_step, pixel + step, weights, taps)
            _blend_four(out + 2 * out_step, pixel + 2 * step, weights, taps)
            _blend_four(out + 3 * out_step, pixel + 3 * step, weights, taps)
        out += 3
        weights += taps


cdef inline void _blend_rgb_unrolled(
    float* out,
    const float* row,
    const Py_ssize_t* starts,
    const float* weights,
    Py_ssize_t taps,
    Py_ssize_t end,
    Py_ssize_t rows,
    Py_ssize_t step,
    Py_ssize_t out_step,
    const float* room,
) noexcept nogil:
    """Do as _blend_rgb, faster for the numbers of taps that octaves need.

    A number that the compiler knows becomes straight vector code, two or three times
    as fast as a loop over taps.
    """
    if taps == 1:
        _blend_rgb(out, row, starts, weights, 1, end, rows, step, out_step, room)
    elif taps == 2:
        _blend_rgb(out, row, starts, weights, 2, end, rows, step, out_step, room)
    elif taps == 3:
        _blend_rgb(out, row, starts, weights, 3, end, rows, step, out_step, room)
    elif taps == 4:
        _blend_rgb(out, row, starts, weights, 4, end, rows, step, out_step, room)
    elif taps == 5:
        _blend_rgb(out, row, starts, weights, 5, end, rows, step, out_step, room)
    elif taps == 6:
        _blend_rgb(out, row, starts, weights, 6, end, rows, step, out_step, room)
    else:
        _blend_rgb(out, row, starts, weights, taps, end, rows, step, out_step, room)


cdef inline void blend_columns(
    float* out,
    const float* row,
    Py_ssize_t source_width,
    Py_ssize_t width,
    Py_ssize_t channels,
    const Py_ssize_t* starts,
    const float* weights,
    Py_ssize_t taps,
    Py_ssize_t rows,
    const float* room,
) noexcept nogil:
    """Set 1 to 4 rows of out, of width pixels, to resized rows of source_width pixels.

    This computes more than it loads and stores: memory has time to fetch room, which
    the caller is about to write.
    """
    cdef Py_ssize_t done = 0, y, step = source_width * channels, out_step = width * channels
    if channels == 3:
        # The last pixels have no neighbour to read or to write a fourth float in.
        done = width - 1
        while done > 0 and starts[done - 1] + taps >= source_width:
            done -= 1
        if rows == _ROWS:
            _blend_rgb_unrolled(
                out, row, starts, weights, taps, done, _ROWS, step, out_step, room
            )
        for y in range(0 if rows == _ROWS else rows):
            _blend_rgb_unrolled(
                out + y * out_step, row + y * step, starts, weights, taps, done, 1, 0, 0, room
            )
    for y in range(rows):
        _blend_pixels(
            out + y * out_step, row + y * step, starts, weights, taps, done, width, channels
        )


cdef inline Py_ssize_t _kept_rows(Py_ssize_t taps) noexcept nogil:
    """Return how many rows hold taps of them and those that are made at once behind them."""
    return (taps + 2 * _ROWS - 2) // _ROWS * _ROWS


cdef inline Py_ssize_t resize_scratch(
    Py_ssize_t source_width, Py_ssize_t width, Py_ssize_t row_taps, Py_ssize_t channels
) noexcept nogil:
    """Return how many floats of scratch each caller of resize_rows brings."""
    return max(_ROWS * source_width, _kept_rows(row_taps) * width) * channels


cdef inline void _rows_then_columns(
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
    cdef Py_ssize_t length = source_width * channels, rows, y
    while first < last:
        rows = min(_ROWS, last - first)
        for y in range(rows):
            blend_rows(
                scratch + y * length, source, source_height, length, 0,
                row_starts[first + y], row_weights + (first + y) * row_taps, row_taps, length,
            )
        blend_columns(
            out + first * width * channels, scratch, source_width, width, channels,
            column_starts, column_weights, column_taps, rows,
            out + (first + rows) * width * channels,
        )
        first += rows


cdef inline void _columns_then_rows(
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
    """Resize each row of the source once, and keep those that are read again."""
    cdef Py_ssize_t origin = row_starts[first], kept = _kept_rows(row_taps), made = 0, rows, y
    cdef Py_ssize_t length = width * channels
    for y in range(first, last):
        while made < row_starts[y] - origin + row_taps:
            rows = min(_ROWS, source_height - origin - made)
            blend_columns(
                scratch + made % kept * length,
                source + (origin + made) * source_width * channels,
                source_width, width, channels, column_starts, column_weights, column_taps, rows,
                out + y * length,
            )
            made += _ROWS
        blend_rows(
            out + y * length, scratch, kept, length, (row_starts[y] - origin) % kept,
            0, row_weights + y * row_taps, row_taps, length,
        )


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
    bint columns_first,
    float* scratch,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of out, a picture of the given width."""
    if first >= last:
        return
    if columns_first:
        _columns_then_rows(
            source, source_height, source_width, channels, row_starts, row_weights, row_taps,
            column_starts, column_weights, column_taps, out, width, scratch, first, last,
        )
    else:
        _rows_then_columns(
            source, source_height, source_width, channels, row_starts, row_weights, row_taps,
            column_starts, column_weights, column_taps, out, width, scratch, first, last,
        )

"""The loop behind a network: undo the jitter and the normalization, blur the gradient."""

from onnxdream.kernels._rows cimport blend_rows


cdef inline void _interleave(
    float* out,
    const float* red,
    const float* green,
    const float* blue,
    float red_scale,
    float green_scale,
    float blue_scale,
    Py_ssize_t count,
) noexcept nogil:
    """Scale three rows and write them as count pixels."""
    cdef Py_ssize_t x
    for x in range(count):
        out[3 * x] = red_scale * red[x]
        out[3 * x + 1] = green_scale * green[x]
        out[3 * x + 2] = blue_scale * blue[x]


cdef inline void _repeat_edges(float* row, Py_ssize_t width, Py_ssize_t radius) noexcept nogil:
    """Fill the room for radius values on either side of a row of width values."""
    cdef Py_ssize_t k
    for k in range(1, radius + 1):
        row[-k] = row[0]
        row[width - 1 + k] = row[width - 1]


cdef inline Py_ssize_t unjitter_blur_scratch(Py_ssize_t width, Py_ssize_t radius) noexcept nogil:
    """Return how many floats of scratch each caller of unjitter_blur_rows brings."""
    return width + 2 * radius + 3 * width


cdef inline void unjitter_blur_rows(
    const float* gradient,
    Py_ssize_t height,
    Py_ssize_t width,
    Py_ssize_t shift_y,
    Py_ssize_t shift_x,
    const float* std,
    bint bgr,
    const float* weights,
    Py_ssize_t radius,
    float* out,
    float* scratch,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of out.

    weights are a kernel of 2 * radius + 1 values; the one value 1 is no blur. The
    shifts lie in [0, height) and [0, width).
    """
    cdef Py_ssize_t y, c
    cdef Py_ssize_t taps = 2 * radius + 1
    cdef Py_ssize_t head = width - shift_x
    cdef Py_ssize_t red = 2 if bgr else 0
    cdef Py_ssize_t blue = 2 - red
    cdef float* row = scratch + radius
    cdef float* rows = scratch + width + 2 * radius
    cdef const float* plane
    for y in range(first, last):
        for c in range(3):
            plane = gradient + c * height * width
            blend_rows(
                row, plane + shift_x, height, width, shift_y,
                y - radius, weights, taps, head,
            )
            blend_rows(
                row + head, plane, height, width, shift_y,
                y - radius, weights, taps, shift_x,
            )
            _repeat_edges(row, width, radius)
            blend_rows(rows + c * width, scratch, taps, 1, 0, 0, weights, taps, width)
        _interleave(
            out + y * width * 3,
            rows + red * width, rows + width, rows + blue * width,
            1 / std[red], 1 / std[1], 1 / std[blue],
            width,
        )

"""The loop in front of a network: roll a picture, normalize it, separate its channels."""


cdef inline void _normalize_pixels(
    float* out, const float* pixels, float mean, float scale, Py_ssize_t count
) noexcept nogil:
    """Normalize every third float: one channel of count interleaved pixels."""
    cdef Py_ssize_t x
    for x in range(count):
        out[x] = (pixels[3 * x] - mean) * scale


cdef inline void jitter_normalize_rows(
    const float* picture,
    Py_ssize_t height,
    Py_ssize_t width,
    Py_ssize_t shift_y,
    Py_ssize_t shift_x,
    const float* mean,
    const float* std,
    bint bgr,
    float* out,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of the three planes of out.

    The shifts lie in [0, height) and [0, width).
    """
    cdef Py_ssize_t y, c
    cdef Py_ssize_t head = width - shift_x
    cdef const float* pixels
    cdef float* plane
    cdef float scale
    for y in range(first, last):
        for c in range(3):
            pixels = picture + (y - shift_y + height) % height * width * 3 + (2 - c if bgr else c)
            plane = out + (c * height + y) * width
            scale = 1 / std[c]
            _normalize_pixels(plane + shift_x, pixels, mean[c], scale, head)
            _normalize_pixels(plane, pixels + 3 * head, mean[c], scale, shift_x)

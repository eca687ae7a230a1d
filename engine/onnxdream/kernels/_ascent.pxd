"""The loops of the ascent step: the mean absolute gradient, and the step along it."""


cdef extern from "<math.h>" nogil:
    float fabsf(float)


cdef extern from "<float.h>" nogil:
    const float FLT_MAX


cdef enum:
    _LANES = 8


cdef inline double absolute_sum(const float* values, Py_ssize_t count) noexcept nogil:
    """Return the sum of |values|.

    Eight sums side by side let the compiler vectorise without reordering.
    """
    cdef double[_LANES] lanes
    cdef double total = 0
    cdef Py_ssize_t i = 0, lane
    for lane in range(_LANES):
        lanes[lane] = 0
    while i + _LANES <= count:
        for lane in range(_LANES):
            lanes[lane] += fabsf(values[i + lane])
        i += _LANES
    for lane in range(_LANES):
        total += lanes[lane]
    while i < count:
        total += fabsf(values[i])
        i += 1
    return total


cdef inline void absolute_sums(
    const float* values,
    Py_ssize_t count,
    Py_ssize_t size,
    double* sums,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Sum |values| over each of the blocks [first, last) of size values, the last may be short."""
    cdef Py_ssize_t block
    for block in range(first, last):
        sums[block] = absolute_sum(values + block * size, min(size, count - block * size))


cdef inline float ascent_scale(double step_size, double mean_abs) noexcept nogil:
    """Return what the gradient is multiplied by so that its mean moves step_size grey levels.

    Held within float32, where a gradient of subnormal numbers would leave it.
    """
    return min(max(step_size / 255 / mean_abs, -FLT_MAX), FLT_MAX)


cdef inline void ascend_values(
    const float* picture,
    const float* gradient,
    float scale,
    float* out,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Set the values [first, last) of out to picture + scale * gradient, clipped to 0..1."""
    cdef Py_ssize_t i
    cdef float value
    for i in range(first, last):
        value = picture[i] + scale * gradient[i]
        value = 0 if value < 0 else value
        out[i] = 1 if value > 1 else value

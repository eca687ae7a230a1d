# A row of a 1x1 convolution.
#
# The sums of several pixels are made at once: they share their weights and keep the
# multipliers busy. They are spelled out by fours, since arrays stay in registers only
# where every index is a number.

cdef inline void _start_four(
    Lanes* sums, const Lanes* start, Py_ssize_t start_step
) noexcept nogil:
    sums[0] = start[0]
    sums[1] = start[start_step]
    sums[2] = start[2 * start_step]
    sums[3] = start[3 * start_step]


cdef inline void _add_four(
    Lanes* sums, const float* x, Lanes weight, Py_ssize_t block
) noexcept nogil:
    cdef Lanes a, b, c, d
    spread[Lanes](&a, x[0])
    spread[Lanes](&b, x[block])
    spread[Lanes](&c, x[2 * block])
    spread[Lanes](&d, x[3 * block])
    sums[0] = sums[0] + weight * a
    sums[1] = sums[1] + weight * b
    sums[2] = sums[2] + weight * c
    sums[3] = sums[3] + weight * d


cdef inline void _store_four(const Lanes* sums, Lanes* out, Py_ssize_t out_step) noexcept nogil:
    out[0] = sums[0]
    out[out_step] = sums[1]
    out[2 * out_step] = sums[2]
    out[3 * out_step] = sums[3]


cdef inline void _pointwise_pixels(
    const float* x,
    const Lanes* weights,
    const Lanes* start,
    Lanes* out,
    Py_ssize_t pixels,
    Py_ssize_t channels,
    Py_ssize_t plane,
    Py_ssize_t block,
    Py_ssize_t step,
    Py_ssize_t start_step,
    Py_ssize_t out_step,
) noexcept nogil:
    """Do as pointwise_row for 1, 8 or 16 pixels."""
    cdef Lanes[16] sums
    cdef Lanes value, weight
    cdef Py_ssize_t channel
    sums[0] = start[0]
    if pixels > 1:
        _start_four[Lanes](sums, start, start_step)
        _start_four[Lanes](sums + 4, start + 4 * start_step, start_step)
    if pixels > 8:
        _start_four[Lanes](sums + 8, start + 8 * start_step, start_step)
        _start_four[Lanes](sums + 12, start + 12 * start_step, start_step)
    while channels > 0:
        for channel in range(min(block, channels)):
            weight = weights[channel * step]
            if pixels == 1:
                spread[Lanes](&value, x[channel])
                sums[0] = sums[0] + weight * value
            else:
                _add_four[Lanes](sums, x + channel, weight, block)
                _add_four[Lanes](sums + 4, x + 4 * block + channel, weight, block)
            if pixels > 8:
                _add_four[Lanes](sums + 8, x + 8 * block + channel, weight, block)
                _add_four[Lanes](sums + 12, x + 12 * block + channel, weight, block)
        weights += block * step
        x += plane
        channels -= block
    out[0] = sums[0]
    if pixels > 1:
        _store_four[Lanes](sums, out, out_step)
        _store_four[Lanes](sums + 4, out + 4 * out_step, out_step)
    if pixels > 8:
        _store_four[Lanes](sums + 8, out + 8 * out_step, out_step)
        _store_four[Lanes](sums + 12, out + 12 * out_step, out_step)


cdef inline void _pointwise_tiles(
    const float* x,
    const Lanes* weights,
    const Lanes* start,
    Lanes* out,
    Py_ssize_t width,
    Py_ssize_t channels,
    Py_ssize_t plane,
    Py_ssize_t block,
    Py_ssize_t step,
    Py_ssize_t start_step,
    Py_ssize_t out_step,
) noexcept nogil:
    cdef Py_ssize_t pixel = 0
    while pixel < width:
        # With fewer registers, 16 sums would not stay in them.
        if LANES == 16 and pixel + 16 <= width:
            _pointwise_pixels[Lanes](
                x + pixel * block, weights, start + pixel * start_step, out + pixel * out_step,
                16, channels, plane, block, step, start_step, out_step,
            )
            pixel += 16
        elif width >= 8:
            # The last pixels may be made twice.
            pixel = min(pixel, width - 8)
            _pointwise_pixels[Lanes](
                x + pixel * block, weights, start + pixel * start_step, out + pixel * out_step,
                8, channels, plane, block, step, start_step, out_step,
            )
            pixel += 8
        else:
            _pointwise_pixels[Lanes](
                x + pixel * block, weights, start + pixel * start_step, out + pixel * out_step,
                1, channels, plane, block, step, start_step, out_step,
            )
            pixel += 1


cdef inline void pointwise_row(
    const float* x,
    const Lanes* weights,
    const Lanes* start,
    Lanes* out,
    Py_ssize_t width,
    Py_ssize_t channels,
    Py_ssize_t plane,
    Py_ssize_t block,
    Py_ssize_t step,
    Py_ssize_t start_step,
    Py_ssize_t out_step,
) noexcept nogil:
    """Set a row of out to start plus all channels of x times their weights.

    The channels of x lie in blocks, a plane of floats apart. The weights of one channel
    lie step vectors behind those of the one before; between pixels there are start_step
    and out_step vectors.
    """
    # Numbers that the compiler knows make short instructions.
    if step == 1 and block == LANES:
        _pointwise_tiles[Lanes](
            x, weights, start, out, width, channels, plane, LANES, 1, start_step, 1
        )
    else:
        _pointwise_tiles[Lanes](
            x, weights, start, out, width, channels, plane, block, step, start_step, out_step
        )

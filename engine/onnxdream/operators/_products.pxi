# The products of a 1x1 convolution, for blocked tensors: minimal filtering uses them, too.
#
# The sums of several pixels, and of several vectors of channels, are made at once: pixels
# share the weights, channels the pixels, and the multipliers are kept busy. The sums are
# spelled out one by one, since arrays stay in registers only where every index is a number.

cdef enum:
    _MOST_VECTORS = 4
    _MOST_SUMS = 24


cdef inline void _copy_pixel(Lanes* out, const Lanes* values, int vectors) noexcept nogil:
    out[0] = values[0]
    if vectors > 1:
        out[1] = values[1]
    if vectors > 2:
        out[2] = values[2]
    if vectors > 3:
        out[3] = values[3]


cdef inline void _copy_six(
    Lanes* out, const Lanes* values, Py_ssize_t out_step, Py_ssize_t step, int vectors
) noexcept nogil:
    _copy_pixel[Lanes](out, values, vectors)
    _copy_pixel[Lanes](out + out_step, values + step, vectors)
    _copy_pixel[Lanes](out + 2 * out_step, values + 2 * step, vectors)
    _copy_pixel[Lanes](out + 3 * out_step, values + 3 * step, vectors)
    _copy_pixel[Lanes](out + 4 * out_step, values + 4 * step, vectors)
    _copy_pixel[Lanes](out + 5 * out_step, values + 5 * step, vectors)


cdef inline void _add_pixel(
    Lanes* sums, const float* x, Lanes a, Lanes b, Lanes c, Lanes d, int vectors
) noexcept nogil:
    cdef Lanes value
    spread[Lanes](&value, x[0])
    sums[0] = sums[0] + a * value
    if vectors > 1:
        sums[1] = sums[1] + b * value
    if vectors > 2:
        sums[2] = sums[2] + c * value
    if vectors > 3:
        sums[3] = sums[3] + d * value


cdef inline void _add_six(
    Lanes* sums, const float* x, Lanes a, Lanes b, Lanes c, Lanes d, Py_ssize_t block, int vectors
) noexcept nogil:
    _add_pixel[Lanes](sums, x, a, b, c, d, vectors)
    _add_pixel[Lanes](sums + vectors, x + block, a, b, c, d, vectors)
    _add_pixel[Lanes](sums + 2 * vectors, x + 2 * block, a, b, c, d, vectors)
    _add_pixel[Lanes](sums + 3 * vectors, x + 3 * block, a, b, c, d, vectors)
    _add_pixel[Lanes](sums + 4 * vectors, x + 4 * block, a, b, c, d, vectors)
    _add_pixel[Lanes](sums + 5 * vectors, x + 5 * block, a, b, c, d, vectors)


cdef inline void _add_channel(
    Lanes* sums,
    const float* x,
    const Lanes* first,
    const Lanes* second,
    const Lanes* third,
    const Lanes* fourth,
    Py_ssize_t block,
    int vectors,
    int pixels,
) noexcept nogil:
    cdef Lanes a, b, c, d
    a = b = c = d = first[0]
    if vectors > 1:
        b = second[0]
    if vectors > 2:
        c = third[0]
    if vectors > 3:
        d = fourth[0]
    if pixels == 1:
        _add_pixel[Lanes](sums, x, a, b, c, d, vectors)
    else:
        _add_six[Lanes](sums, x, a, b, c, d, block, vectors)
    if pixels == 12:
        _add_six[Lanes](sums + 6 * vectors, x + 6 * block, a, b, c, d, block, vectors)


cdef inline void products(
    const float* x,
    const Lanes** weights,
    const Lanes* start,
    Lanes* out,
    Py_ssize_t channels,
    Py_ssize_t plane,
    Py_ssize_t block,
    Py_ssize_t step,
    Py_ssize_t start_step,
    Py_ssize_t out_step,
    int vectors,
    int pixels,
) noexcept nogil:
    """Set out to start plus all channels of x times their weights.

    The channels of x lie in blocks, a plane of floats apart. For each of 1 to 4 vectors of
    out there are weights; those of one channel lie step vectors behind those of the one
    before. The vectors of a pixel lie side by side; between pixels there are start_step and
    out_step. There are 1, 6 or 12 pixels, of which a register each holds a sum.
    """
    cdef Lanes[_MOST_SUMS] sums
    cdef const Lanes* first = weights[0]
    cdef const Lanes* second = weights[1 if vectors > 1 else 0]
    cdef const Lanes* third = weights[2 if vectors > 2 else 0]
    cdef const Lanes* fourth = weights[3 if vectors > 3 else 0]
    cdef Py_ssize_t i, channel
    if pixels == 1:
        _copy_pixel[Lanes](sums, start, vectors)
    else:
        _copy_six[Lanes](sums, start, vectors, start_step, vectors)
    if pixels == 12:
        _copy_six[Lanes](
            sums + 6 * vectors, start + 6 * start_step, vectors, start_step, vectors
        )
    for i in range(channels // block):
        for channel in range(block):
            _add_channel[Lanes](
                sums, x + channel, first + channel * step, second + channel * step,
                third + channel * step, fourth + channel * step, block, vectors, pixels,
            )
        x += plane
        first += block * step
        second += block * step
        third += block * step
        fourth += block * step
    for channel in range(channels % block):
        _add_channel[Lanes](
            sums, x + channel, first + channel * step, second + channel * step,
            third + channel * step, fourth + channel * step, block, vectors, pixels,
        )
    if pixels == 1:
        _copy_pixel[Lanes](out, sums, vectors)
    else:
        _copy_six[Lanes](out, sums, out_step, vectors, vectors)
    if pixels == 12:
        _copy_six[Lanes](out + 6 * out_step, sums + 6 * vectors, out_step, vectors, vectors)


cdef inline void _products_of_row(
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
        # With fewer registers, 12 sums would not stay in them.
        if LANES == 16 and pixel + 12 <= width:
            products[Lanes](
                x + pixel * block, &weights, start + pixel * start_step, out + pixel * out_step,
                channels, plane, block, step, start_step, out_step, 1, 12,
            )
            pixel += 12
        elif width >= 6:
            # The last pixels may be made twice.
            pixel = min(pixel, width - 6)
            products[Lanes](
                x + pixel * block, &weights, start + pixel * start_step, out + pixel * out_step,
                channels, plane, block, step, start_step, out_step, 1, 6,
            )
            pixel += 6
        else:
            products[Lanes](
                x + pixel * block, &weights, start + pixel * start_step, out + pixel * out_step,
                channels, plane, block, step, start_step, out_step, 1, 1,
            )
            pixel += 1


cdef inline void products_of_row(
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
    """Do as products for a row of pixels and one vector of channels."""
    # Numbers that the compiler knows make short instructions.
    if step == 1 and block == LANES:
        _products_of_row[Lanes](
            x, weights, start, out, width, channels, plane, LANES, 1, start_step, 1
        )
    else:
        _products_of_row[Lanes](
            x, weights, start, out, width, channels, plane, block, step, start_step, out_step
        )


cdef inline Py_ssize_t vectors_at_once(Py_ssize_t left) noexcept nogil:
    """Return of how many vectors of channels to make the sums at once, if some are left."""
    # With fewer registers, the sums of more would not stay in them.
    return min(left, <Py_ssize_t> (_MOST_VECTORS if LANES == 16 else 2))


cdef inline int pixels_at_once(int vectors) noexcept nogil:
    """Return for how many pixels registers hold the sums of so many vectors."""
    return 12 if LANES == 16 and vectors <= 2 else 6


cdef inline void _products_of_pixels(
    const float* x,
    const Lanes** weights,
    const Lanes* start,
    Lanes* out,
    Py_ssize_t width,
    Py_ssize_t channels,
    Py_ssize_t block,
    Py_ssize_t step,
    int vectors,
    int pixels,
) noexcept nogil:
    cdef Py_ssize_t pixel = 0
    while pixel < width:
        products[Lanes](
            x + pixel * block, weights, start, out + pixel * vectors, channels, width * block,
            block, step, 0, vectors, vectors, pixels,
        )
        pixel += pixels


cdef inline void products_of_pixels(
    const float* x,
    const Lanes** weights,
    const Lanes* start,
    Lanes* out,
    Py_ssize_t width,
    Py_ssize_t channels,
    Py_ssize_t block,
    Py_ssize_t step,
    Py_ssize_t vectors,
) noexcept nogil:
    """Do as products for a multiple of 12 pixels, which all begin with the same vectors."""
    if vectors == 4:
        _products_of_pixels[Lanes](
            x, weights, start, out, width, channels, block, step, 4, pixels_at_once(4)
        )
    elif vectors == 3:
        _products_of_pixels[Lanes](
            x, weights, start, out, width, channels, block, step, 3, pixels_at_once(3)
        )
    elif vectors == 2:
        _products_of_pixels[Lanes](
            x, weights, start, out, width, channels, block, step, 2, pixels_at_once(2)
        )
    else:
        _products_of_pixels[Lanes](
            x, weights, start, out, width, channels, block, step, 1, pixels_at_once(1)
        )

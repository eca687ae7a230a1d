# Winograd and WinogradGrad: a 3x3 convolution of stride 1, and its gradient, which is
# another one, by minimal filtering: F(2x2, 3x3) of Lavin and Gray, Fast Algorithms for
# Convolutional Neural Networks, 2015.
#
# A tile, 2x2 pixels of the result, takes 16 products for each pair of channels instead of
# 36. Additions make 16 mixtures of the 4x4 pixels that it is made of; each of them is
# multiplied as a pixel of a 1x1 convolution is, and additions make the tile of 16 sums.

cdef enum:
    _BAND_TILES = 24
    _TILE = 2
    _PATCH = 4
    _MIXTURES = 16


cdef inline Py_ssize_t _mixture_step(Py_ssize_t vectors) noexcept nogil:
    """Return how far apart mixtures of so many vectors lie.

    One vector further than they must: powers of two would put all 16 into the same few
    lines of the cache.
    """
    return vectors + 1


cdef inline void _mix_four(
    Lanes* out, Py_ssize_t step, Lanes a, Lanes b, Lanes c, Lanes d
) noexcept nogil:
    out[0] = a - c
    out[step] = b + c
    out[2 * step] = c - b
    out[3 * step] = b - d


cdef inline void _mix_patch(
    Lanes* out, Py_ssize_t out_step, const Lanes* x, Py_ssize_t row, Py_ssize_t step
) noexcept nogil:
    """Make the mixtures of 4x4 pixels: B' x B, in the words of the paper."""
    cdef Lanes[_MIXTURES] columns
    cdef Py_ssize_t i, at
    for i in range(_PATCH):
        at = i * step
        _mix_four[Lanes](
            columns + i, _PATCH, x[at], x[row + at], x[2 * row + at], x[3 * row + at]
        )
    for i in range(_PATCH):
        at = i * _PATCH
        _mix_four[Lanes](
            out + at * out_step, out_step,
            columns[at], columns[at + 1], columns[at + 2], columns[at + 3],
        )


cdef inline void _gate_patch(
    Lanes* patch, const Lanes* x, const Lanes* gate, Gate bounds, Py_ssize_t row, Py_ssize_t step
) noexcept nogil:
    """Copy 4x4 pixels of x, gated: faster than _read_patch where all of them are there."""
    cdef Py_ssize_t i, k, at
    cdef Lanes low, high
    spread[Lanes](&low, bounds.low)
    spread[Lanes](&high, bounds.high)
    for i in range(_PATCH):
        for k in range(_PATCH):
            at = i * row + k * step
            patch[i * _PATCH + k] = between[Lanes](x[at], gate[at], low, high)


cdef inline void _read_patch(
    const Dense* todo, Lanes* patch, Py_ssize_t plane, Py_ssize_t top, Py_ssize_t left,
    Py_ssize_t lane, Py_ssize_t step,
) noexcept nogil:
    """Copy 4x4 pixels of a plane of x, gated; around it there are zeros."""
    cdef Py_ssize_t y, x, at, height = todo.x_size[0], width = todo.x_size[1]
    cdef const Lanes* values = <const Lanes*> todo.x
    cdef const Lanes* gate = <const Lanes*> todo.x_gate
    cdef Lanes low, high
    spread[Lanes](&low, todo.x_bounds.low)
    spread[Lanes](&high, todo.x_bounds.high)
    for y in range(top, top + _PATCH):
        for x in range(left, left + _PATCH):
            if not (0 <= y < height and 0 <= x < width):
                spread[Lanes](patch, 0)
            else:
                at = ((plane * height + y) * width + x) * step + lane
                patch[0] = values[at]
                if gate != NULL:
                    patch[0] = between[Lanes](values[at], gate[at], low, high)
            patch += 1


cdef inline void _fetch_patch(const Lanes* x, Py_ssize_t row, Py_ssize_t step) noexcept nogil:
    """Fetch those of 4x4 pixels that no patch above or to the left has."""
    fetch[Lanes](x + 2 * row + 2 * step, step, 2)
    fetch[Lanes](x + 3 * row + 2 * step, step, 2)


cdef inline void _mix_band(
    const Dense* todo, const Band* band, Lanes* mixed, Py_ssize_t step
) noexcept nogil:
    """Make the mixtures of a band of x, and more up to its width, of which nothing is made."""
    cdef Py_ssize_t height = todo.x_size[0], width = todo.x_size[1], row = width * step
    cdef Py_ssize_t across = _ceil_div(todo.out_size[1], _TILE)
    cdef Py_ssize_t mixture_step = _mixture_step(todo.inputs * band.width * step)
    cdef Py_ssize_t i, plane, place, top, left, lane, at
    cdef const Lanes* x = <const Lanes*> todo.x
    cdef const Lanes* gate = <const Lanes*> todo.x_gate
    cdef Lanes[_MIXTURES] patch
    for i in range(todo.inputs):
        plane = band.image * todo.inputs + i
        for place in range(band.first, band.first + band.width):
            top = place // across * _TILE - todo.before[0]
            left = place % across * _TILE - todo.before[1]
            for lane in range(step):
                at = ((plane * height + top) * width + left) * step + lane
                if top < 0 or left < 0 or top + _PATCH > height or left + _PATCH > width:
                    _read_patch[Lanes](todo, patch, plane, top, left, lane, step)
                    _mix_patch[Lanes](mixed + lane, mixture_step, patch, _PATCH, 1)
                elif gate == NULL:
                    _fetch_patch[Lanes](x + at + height * row, row, step)
                    _mix_patch[Lanes](mixed + lane, mixture_step, x + at, row, step)
                else:
                    _fetch_patch[Lanes](x + at + height * row, row, step)
                    _fetch_patch[Lanes](gate + at + height * row, row, step)
                    _gate_patch[Lanes](patch, x + at, gate + at, todo.x_bounds, row, step)
                    _mix_patch[Lanes](mixed + lane, mixture_step, patch, _PATCH, 1)
            mixed += step


cdef inline void _make_tile(
    Lanes* tile, const Lanes* sums, Py_ssize_t step, Lanes bias
) noexcept nogil:
    """Make 2x2 pixels of 16 sums: A' m A, in the words of the paper."""
    cdef Lanes[_PATCH] top
    cdef Lanes[_PATCH] bottom
    cdef Lanes a, b, c, d
    cdef Py_ssize_t i
    for i in range(_PATCH):
        a, b = sums[i * step], sums[(_PATCH + i) * step]
        c, d = sums[(2 * _PATCH + i) * step], sums[(3 * _PATCH + i) * step]
        top[i] = a + b + c
        bottom[i] = b - c - d
    tile[0] = top[0] + top[1] + top[2] + bias
    tile[1] = top[1] - top[2] - top[3] + bias
    tile[2] = bottom[0] + bottom[1] + bottom[2] + bias
    tile[3] = bottom[1] - bottom[2] - bottom[3] + bias


cdef inline void _make_tiles(
    const Dense* todo, const Band* band, const Lanes* sums, Py_ssize_t sums_step,
    Py_ssize_t place_step, Py_ssize_t vector, Py_ssize_t step,
) noexcept nogil:
    """Make the tiles of a band, of one vector of channels."""
    cdef Py_ssize_t height = todo.out_size[0], width = todo.out_size[1]
    cdef Py_ssize_t across = _ceil_div(width, _TILE)
    cdef Py_ssize_t plane = band.image * todo.outputs + vector // step
    cdef Py_ssize_t place, y, x, line, at, count
    cdef Lanes[_TILE * _TILE] tile
    cdef Lanes bias
    spread[Lanes](&bias, 0)
    if todo.bias != NULL:
        bias = (<const Lanes*> todo.bias + vector)[0]
    for place in range(band.first, band.last):
        y, x = place // across * _TILE, place % across * _TILE
        _make_tile[Lanes](tile, sums, sums_step, bias)
        sums += place_step
        count = min(<Py_ssize_t> _TILE, width - x)
        for line in range(min(<Py_ssize_t> _TILE, height - y)):
            at = ((plane * height + y + line) * width + x) * step + vector % step
            finish[Lanes](todo, tile + line * _TILE, at, 1, step, count)


cdef inline void _winograd_band(
    const Dense* todo, const Band* band, Lanes* mixed, Py_ssize_t block, Py_ssize_t step
) noexcept nogil:
    cdef Py_ssize_t channels = todo.inputs * block
    cdef Py_ssize_t mixed_step = _mixture_step(todo.inputs * band.width * step), sums_step
    cdef Py_ssize_t vector = band.vector, vectors, mixture, i, v
    cdef Lanes* sums = mixed + _MIXTURES * mixed_step
    cdef const Lanes* weights[_MOST_VECTORS]
    cdef Lanes[_MOST_VECTORS] zeros
    for i in range(_MOST_VECTORS):
        spread[Lanes](zeros + i, 0)
    _mix_band[Lanes](todo, band, mixed, step)
    while vector < band.end:
        vectors = vectors_at_once(band.end - vector)
        sums_step = _mixture_step(band.width * vectors)
        for mixture in range(_MIXTURES):
            for i in range(vectors):
                v = vector + i
                weights[i] = <const Lanes*> todo.weights + (
                    (v // step * _MIXTURES + mixture) * channels * step + v % step
                )
            products_of_pixels[Lanes](
                <const float*> (mixed + mixture * mixed_step), weights, zeros,
                sums + mixture * sums_step, band.width, channels, block, step, vectors,
            )
        for i in range(vectors):
            _make_tiles[Lanes](todo, band, sums + i, sums_step, vectors, vector + i, step)
        vector += vectors


cdef void _winograd_item(void* job, size_t item) noexcept nogil:
    cdef Dense* todo = <Dense*> job
    cdef Py_ssize_t block = todo.block, step = block // LANES if block % LANES == 0 else block
    cdef Band band = band_of(todo, item, step)
    cdef size_t place = todo.inputs * block + _MOST_VECTORS * LANES
    cdef size_t floats = _MIXTURES * (band.width * place + 2 * LANES)
    cdef void* memory = malloc(floats * sizeof(float) + _ALIGNMENT)
    cdef float* mixed = aligned_floats(memory)
    if memory == NULL:
        todo.out_of_memory = True
    elif block == LANES:
        # Numbers that the compiler knows make short instructions.
        _winograd_band[lanes](todo, &band, <lanes*> mixed, LANES, 1)
    elif block % LANES == 0:
        _winograd_band[lanes](todo, &band, <lanes*> mixed, block, step)
    else:
        _winograd_band[float](todo, &band, mixed, block, step)
    free(memory)


cdef Method _winograd_method() noexcept nogil:
    cdef Method method
    method.work, method.band = _winograd_item, _BAND_TILES
    method.window_size, method.weights_size, method.place_size = 3, _PATCH, _TILE
    return method


cdef OrtStatus* winograd(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef Method method = _winograd_method()
    return dense(kernel, context, &method)


cdef OrtStatus* winograd_grad(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef Method method = _winograd_method()
    return dense_grad(kernel, context, &method)

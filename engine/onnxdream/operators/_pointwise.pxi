# Pointwise and PointwiseGrad: a 1x1 convolution of stride 1, and its gradient, which is
# another one.
#
# What these wait for is memory. A band of pixels is gathered once, gated on the way, and
# stays in the cache while all channels are made of it; what is added to them, and what
# gates them, is fetched while their sums are made.

cdef enum:
    _BAND_PIXELS = 48


cdef inline void _gather(
    const Dense* todo, const Band* band, Lanes* gathered, Py_ssize_t step
) noexcept nogil:
    """Copy a band of x, gated, and fill up each plane of it with zeros."""
    cdef Py_ssize_t i, v, next = todo.places * step, count = (band.last - band.first) * step
    cdef Py_ssize_t at = (band.image * todo.inputs * todo.places + band.first) * step
    cdef const Lanes* x = <const Lanes*> todo.x
    cdef const Lanes* y = <const Lanes*> todo.x_gate
    cdef Lanes low, high
    spread[Lanes](&low, todo.x_bounds.low)
    spread[Lanes](&high, todo.x_bounds.high)
    for i in range(todo.inputs):
        if todo.x_gate == NULL:
            for v in range(count):
                gathered[v] = x[at + v]
                prefetch(x + (at + next + v))
        else:
            for v in range(count):
                gathered[v] = between[Lanes](x[at + v], y[at + v], low, high)
                prefetch(x + (at + next + v))
                prefetch(y + (at + next + v))
        for v in range(count, band.width * step):
            spread[Lanes](gathered + v, 0)
        gathered += band.width * step
        at += next


cdef inline void _fetch_next(
    const Dense* todo, const Lanes* x, const Band* band, Py_ssize_t vector,
    Py_ssize_t vectors, Py_ssize_t pixel, Py_ssize_t pixels, Py_ssize_t step,
) noexcept nogil:
    """Fetch of the next band of x, or of its gate, what some vectors of this one are of all."""
    cdef Py_ssize_t all = band.end - band.vector, done = vector - band.vector, i, at
    for i in range(done * todo.inputs // all, (done + vectors) * todo.inputs // all):
        at = ((band.image * todo.inputs + i) * todo.places + pixel + todo.band) * step
        fetch[Lanes](x + at, 1, pixels * step)


cdef inline void _pointwise_vectors(
    const Dense* todo,
    const Band* band,
    const Lanes* gathered,
    Py_ssize_t vector,
    Py_ssize_t block,
    Py_ssize_t step,
    int vectors,
    int tile,
) noexcept nogil:
    """Make some vectors of channels of a band, a tile of pixels at once."""
    cdef Py_ssize_t channels = todo.inputs * block, pixel = band.first, count, i, v
    cdef const float* x = <const float*> gathered
    cdef const Lanes* weights[_MOST_VECTORS]
    cdef Lanes[_MOST_VECTORS] start
    cdef Py_ssize_t[_MOST_VECTORS] at
    cdef Lanes[_MOST_SUMS] sums
    for i in range(vectors):
        v = vector + i
        weights[i] = <const Lanes*> todo.weights + (v // step * channels * step + v % step)
        at[i] = ((band.image * todo.outputs + v // step) * todo.places + pixel) * step + v % step
        if todo.bias == NULL:
            spread[Lanes](start + i, 0)
        else:
            start[i] = (<const Lanes*> todo.bias + v)[0]
    while pixel < band.last:
        count = min(band.last - pixel, <Py_ssize_t> tile)
        for i in range(vectors):
            if todo.total != NULL:
                fetch[Lanes](<const Lanes*> todo.total + at[i], step, count)
            if todo.out_gate != NULL:
                fetch[Lanes](<const Lanes*> todo.out_gate + at[i], step, count)
        _fetch_next[Lanes](
            todo, <const Lanes*> todo.x, band, vector, vectors, pixel, tile, step
        )
        if todo.x_gate != NULL:
            _fetch_next[Lanes](
                todo, <const Lanes*> todo.x_gate, band, vector, vectors, pixel, tile, step
            )
        products[Lanes](
            x, weights, start, sums, channels, band.width * block, block, step, 0, vectors,
            vectors, tile,
        )
        for i in range(vectors):
            # A number that the compiler knows is a loop it can unroll.
            if count == tile:
                finish[Lanes](todo, sums + i, at[i], vectors, step, tile)
            else:
                finish[Lanes](todo, sums + i, at[i], vectors, step, count)
            at[i] += tile * step
        x += tile * block
        pixel += tile


cdef inline void _pointwise_band(
    const Dense* todo, const Band* band, Lanes* gathered, Py_ssize_t block, Py_ssize_t step
) noexcept nogil:
    cdef Py_ssize_t vector = band.vector, vectors
    _gather[Lanes](todo, band, gathered, step)
    # More channels than pixels at once: what all channels of a pixel are multiplied by is
    # read once.
    while vector < band.end:
        vectors = vectors_at_once(band.end - vector)
        if vectors == 4:
            _pointwise_vectors[Lanes](
                todo, band, gathered, vector, block, step, 4, pixels_at_once(4)
            )
        elif vectors == 3:
            _pointwise_vectors[Lanes](
                todo, band, gathered, vector, block, step, 3, pixels_at_once(3)
            )
        elif vectors == 2:
            _pointwise_vectors[Lanes](
                todo, band, gathered, vector, block, step, 2, pixels_at_once(2)
            )
        else:
            _pointwise_vectors[Lanes](
                todo, band, gathered, vector, block, step, 1, pixels_at_once(1)
            )
        vector += vectors


cdef void _pointwise_item(void* job, size_t item) noexcept nogil:
    cdef Dense* todo = <Dense*> job
    cdef Py_ssize_t block = todo.block, step = block // LANES if block % LANES == 0 else block
    cdef Band band = band_of(todo, item, step)
    cdef void* memory = malloc(band.width * todo.inputs * block * sizeof(float) + _ALIGNMENT)
    cdef float* gathered = aligned_floats(memory)
    if memory == NULL:
        todo.out_of_memory = True
    elif block == LANES:
        # Numbers that the compiler knows make short instructions.
        _pointwise_band[lanes](todo, &band, <lanes*> gathered, LANES, 1)
    elif block % LANES == 0:
        _pointwise_band[lanes](todo, &band, <lanes*> gathered, block, step)
    else:
        _pointwise_band[float](todo, &band, gathered, block, step)
    free(memory)


cdef Method _pointwise_method() noexcept nogil:
    cdef Method method
    method.work, method.band = _pointwise_item, _BAND_PIXELS
    method.window_size = method.weights_size = method.place_size = 1
    return method


cdef OrtStatus* pointwise(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef Method method = _pointwise_method()
    return dense(kernel, context, &method)


cdef OrtStatus* pointwise_grad(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef Method method = _pointwise_method()
    return dense_grad(kernel, context, &method)

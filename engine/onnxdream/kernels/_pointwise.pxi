# Pointwise and PointwiseGrad: a 1x1 convolution of stride 1, and its gradient, which is
# another one.
#
# What these wait for is memory. A band of pixels is gathered once, gated on the way, and
# stays in the cache while all channels are made of it; what is added to them, and what
# gates them, is fetched while their sums are made.

cdef struct _Pointwise:
    const float* x
    const float* weights
    # What gates x and out, and what is added: any may be NULL.
    const float* x_gate
    const float* out_gate
    const float* bias
    const float* total
    float* out
    # Where x_gate and out_gate let through, and what out is clipped to without out_gate.
    Gate x_bounds
    Gate out_bounds
    Gate clip_bounds
    # Of x and of out, in blocks.
    Py_ssize_t inputs
    Py_ssize_t outputs
    Py_ssize_t block
    # How many pixels a picture has, how many of them are a band, and how many bands there
    # are; how many blocks of out an item makes of a band, and how many items share it.
    Py_ssize_t pixels
    Py_ssize_t band
    Py_ssize_t bands
    Py_ssize_t share
    Py_ssize_t shares
    bint out_of_memory


cdef struct _Band:
    # One item of work: pixels [first, last) of an image, which are gathered into planes of
    # a width, and vectors [vector, end) of channels.
    Py_ssize_t image
    Py_ssize_t first
    Py_ssize_t last
    Py_ssize_t width
    Py_ssize_t vector
    Py_ssize_t end


cdef enum:
    _BAND_PIXELS = 48
    # Of which both 6 and 12 are a divisor.
    _WHOLE_TILES = 12
    _LEAST_ITEMS = 16


cdef inline void _gather(
    const _Pointwise* todo, const _Band* band, Lanes* gathered, Py_ssize_t step
) noexcept nogil:
    """Copy a band of x, gated, and fill up each plane of it with zeros."""
    cdef Py_ssize_t i, v, next = todo.pixels * step, count = (band.last - band.first) * step
    cdef Py_ssize_t at = (band.image * todo.inputs * todo.pixels + band.first) * step
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


cdef inline void _fetch(const Lanes* values, Py_ssize_t step, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        prefetch(values + i * step)


cdef inline void _fetch_next(
    const _Pointwise* todo, const Lanes* x, const _Band* band, Py_ssize_t vector,
    Py_ssize_t vectors, Py_ssize_t pixel, Py_ssize_t pixels, Py_ssize_t step,
) noexcept nogil:
    """Fetch of the next band of x, or of its gate, what some vectors of this one are of all."""
    cdef Py_ssize_t all = band.end - band.vector, done = vector - band.vector, i, at
    for i in range(done * todo.inputs // all, (done + vectors) * todo.inputs // all):
        at = ((band.image * todo.inputs + i) * todo.pixels + pixel + todo.band) * step
        _fetch[Lanes](x + at, 1, pixels * step)


cdef inline void _finish(
    const _Pointwise* todo,
    const Lanes* sums,
    Py_ssize_t at,
    Py_ssize_t sums_step,
    Py_ssize_t step,
    Py_ssize_t count,
) noexcept nogil:
    """Make of sums count pixels of out, the first of them the vector at."""
    cdef Py_ssize_t i
    cdef Lanes low, high
    cdef Lanes[_WHOLE_TILES] values
    cdef const Lanes* other
    cdef Lanes* out = <Lanes*> todo.out + at
    for i in range(count):
        values[i] = sums[i * sums_step]
    if todo.total != NULL:
        other = <const Lanes*> todo.total + at
        for i in range(count):
            values[i] = values[i] + other[i * step]
    if todo.out_gate != NULL:
        spread[Lanes](&low, todo.out_bounds.low)
        spread[Lanes](&high, todo.out_bounds.high)
        other = <const Lanes*> todo.out_gate + at
        for i in range(count):
            out[i * step] = between[Lanes](values[i], other[i * step], low, high)
    else:
        spread[Lanes](&low, todo.clip_bounds.low)
        spread[Lanes](&high, todo.clip_bounds.high)
        for i in range(count):
            out[i * step] = clip[Lanes](values[i], low, high)


cdef inline void _pointwise_vectors(
    const _Pointwise* todo,
    const _Band* band,
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
        at[i] = ((band.image * todo.outputs + v // step) * todo.pixels + pixel) * step + v % step
        if todo.bias == NULL:
            spread[Lanes](start + i, 0)
        else:
            start[i] = (<const Lanes*> todo.bias + v)[0]
    while pixel < band.last:
        count = min(band.last - pixel, <Py_ssize_t> tile)
        for i in range(vectors):
            if todo.total != NULL:
                _fetch[Lanes](<const Lanes*> todo.total + at[i], step, count)
            if todo.out_gate != NULL:
                _fetch[Lanes](<const Lanes*> todo.out_gate + at[i], step, count)
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
                _finish[Lanes](todo, sums + i, at[i], vectors, step, tile)
            else:
                _finish[Lanes](todo, sums + i, at[i], vectors, step, count)
            at[i] += tile * step
        x += tile * block
        pixel += tile


cdef inline void _pointwise_band(
    const _Pointwise* todo, const _Band* band, Lanes* gathered, Py_ssize_t block, Py_ssize_t step
) noexcept nogil:
    cdef Py_ssize_t vector = band.vector
    _gather[Lanes](todo, band, gathered, step)
    # As many sums at once as there are registers, and more channels than pixels of them:
    # what all channels of a pixel are multiplied by is read once.
    while LANES == 16 and vector + 4 <= band.end:
        _pointwise_vectors[Lanes](todo, band, gathered, vector, block, step, 4, 6)
        vector += 4
    if LANES == 16 and vector + 3 == band.end:
        _pointwise_vectors[Lanes](todo, band, gathered, vector, block, step, 3, 6)
        vector += 3
    while vector + 2 <= band.end:
        _pointwise_vectors[Lanes](
            todo, band, gathered, vector, block, step, 2, 12 if LANES == 16 else 6
        )
        vector += 2
    if vector < band.end:
        _pointwise_vectors[Lanes](
            todo, band, gathered, vector, block, step, 1, 12 if LANES == 16 else 6
        )


cdef void _pointwise_item(void* job, size_t item) noexcept nogil:
    # Items of one band follow each other: they gather the same pixels.
    cdef _Pointwise* todo = <_Pointwise*> job
    cdef Py_ssize_t block = todo.block, step = block // LANES if block % LANES == 0 else block
    cdef Py_ssize_t share = <Py_ssize_t> item % todo.shares
    cdef Py_ssize_t place = <Py_ssize_t> item // todo.shares
    cdef _Band band
    cdef void* memory
    cdef float* gathered
    band.image = place // todo.bands
    band.first = place % todo.bands * todo.band
    band.last = min(band.first + todo.band, todo.pixels)
    band.width = _ceil_div(band.last - band.first, _WHOLE_TILES) * _WHOLE_TILES
    band.vector = share * todo.share * step
    band.end = min((share + 1) * todo.share, todo.outputs) * step
    memory = malloc(band.width * todo.inputs * block * sizeof(float) + _ALIGNMENT)
    gathered = aligned_floats(memory)
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


cdef void _expect_like_out(Call* call, const Tensor* tensor, const int64_t* dims) noexcept nogil:
    """Expect a tensor, if it is there, to have the dimensions of out."""
    cdef size_t axis
    expect(
        call,
        tensor.rank == 4 or not tensor.given,
        "a tensor must have the dimensions [N, C, H, W]",
    )
    for axis in range(4 if call.failure == NULL and tensor.given else 0):
        expect(
            call, tensor.dims[axis] == dims[axis],
            "what is added, and what gates the result, must have its dimensions",
        )


cdef OrtStatus* _run_pointwise(
    Call* call,
    _Pointwise* job,
    const Tensor* x,
    const Tensor* weights,
    const Tensor* bias,
    const Tensor* x_gate,
    const Tensor* out_gate,
    const Tensor* total,
) noexcept nogil:
    """Run a job that knows its block, and the bounds of what is given."""
    cdef int64_t[4] dims
    cdef int64_t items = 0
    planes_of(call, x, job.block)
    expect(
        call,
        weights.rank == 4 and x.rank == 4 and weights.dims[0] % job.block == 0
        and weights.dims[1] == x.dims[1] and weights.dims[2] == 1 and weights.dims[3] == 1,
        "the weights must have the dimensions [O, C, 1, 1], O a multiple of the block",
    )
    expect(
        call,
        bias.count == weights.dims[0] or not bias.given,
        "the bias must have as many elements as the weights have outputs",
    )
    expect(
        call,
        same_shape(x_gate, x) or not x_gate.given,
        "a gradient and what gates it must have one shape",
    )
    if call.failure == NULL:
        dims = [x.dims[0], weights.dims[0], x.dims[2], x.dims[3]]
        _expect_like_out(call, out_gate, dims)
        _expect_like_out(call, total, dims)
        job.inputs, job.outputs = x.dims[1] // job.block, dims[1] // job.block
        job.pixels = dims[2] * dims[3]
        job.band = _BAND_PIXELS
        job.bands = _ceil_div(job.pixels, job.band)
        # Channels are shared out, too, where there are few pixels.
        job.shares = _ceil_div(_LEAST_ITEMS, max(1, dims[0] * job.bands))
        job.share = _ceil_div(_ceil_div(job.outputs, job.shares), _MOST_VECTORS) * _MOST_VECTORS
        job.shares = _ceil_div(job.outputs, max(1, job.share))
        items = dims[0] * job.bands * job.shares
    job.x, job.weights, job.bias = x.data, weights.data, bias.data
    job.x_gate, job.out_gate, job.total = x_gate.data, out_gate.data, total.data
    job.out_of_memory = False
    job.out = output_data(call, 0, dims, 4)
    run(call, _pointwise_item, items, job)
    expect_memory(call, not job.out_of_memory)
    return call.failure


cdef OrtStatus* pointwise(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor x = input_tensor(&call, 0)
    cdef Tensor weights = input_tensor(&call, 1)
    cdef Tensor bias = optional_tensor(&call, 2)
    cdef Tensor total = optional_tensor(&call, 3)
    cdef Tensor absent = no_tensor()
    cdef _Pointwise job
    memset(&job, 0, sizeof(job))
    job.block, job.clip_bounds = attributes.block, attributes.gate
    return _run_pointwise(&call, &job, &x, &weights, &bias, &absent, &absent, &total)


cdef OrtStatus* pointwise_grad(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor g = input_tensor(&call, 0)
    cdef Tensor y = optional_tensor(&call, 1)
    cdef Tensor weights = input_tensor(&call, 2)
    cdef Tensor x = optional_tensor(&call, 3)
    cdef Tensor total = optional_tensor(&call, 4)
    cdef Tensor absent = no_tensor()
    cdef _Pointwise job
    memset(&job, 0, sizeof(job))
    job.block = attributes.block
    job.x_bounds, job.out_bounds = attributes.inner_gate, attributes.gate
    job.clip_bounds.low, job.clip_bounds.high = -INFINITY, INFINITY
    return _run_pointwise(&call, &job, &g, &weights, &absent, &y, &x, &total)

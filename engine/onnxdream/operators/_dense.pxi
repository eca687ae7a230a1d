# What dense convolutions of stride 1 have in common, and their gradients, which are others:
# what goes in may be gated, what comes out may be added to a total, and gated or clipped.

cdef struct Dense:
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
    # Height and width of x and of out, in pixels, and where x begins in its padding.
    Py_ssize_t[2] x_size
    Py_ssize_t[2] out_size
    Py_ssize_t[2] before
    # How many places (pixels, or tiles of them) a picture has, how many of them are a band,
    # and how many bands there are; how many blocks of out an item makes of a band, and how
    # many items share it.
    Py_ssize_t places
    Py_ssize_t band
    Py_ssize_t bands
    Py_ssize_t share
    Py_ssize_t shares
    bint out_of_memory


cdef struct Band:
    # One item of work: places [first, last) of an image, which are gathered into planes of
    # a width, and vectors [vector, end) of channels.
    Py_ssize_t image
    Py_ssize_t first
    Py_ssize_t last
    Py_ssize_t width
    Py_ssize_t vector
    Py_ssize_t end


cdef struct Method:
    # How a kind of convolution is done. Along each axis a window reaches over so many
    # pixels, there are so many weights, and a place is so many pixels.
    Work work
    int64_t window_size
    int64_t weights_size
    int64_t place_size
    Py_ssize_t band


cdef enum:
    # Of which the numbers of pixels that products knows are divisors.
    _WHOLE_PLACES = 12
    _LEAST_ITEMS = 16


cdef inline void fetch(const Lanes* values, Py_ssize_t step, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        prefetch(values + i * step)


cdef inline void finish(
    const Dense* todo,
    const Lanes* sums,
    Py_ssize_t at,
    Py_ssize_t sums_step,
    Py_ssize_t step,
    Py_ssize_t count,
) noexcept nogil:
    """Make of sums count pixels of out, the first of them the vector at."""
    cdef Py_ssize_t i
    cdef Lanes low, high
    cdef Lanes[_WHOLE_PLACES] values
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


cdef inline Band band_of(const Dense* todo, size_t item, Py_ssize_t step) noexcept nogil:
    """Return the band that an item is; those of the same places follow each other."""
    cdef Band band
    cdef Py_ssize_t share = <Py_ssize_t> item % todo.shares
    cdef Py_ssize_t place = <Py_ssize_t> item // todo.shares
    band.image = place // todo.bands
    band.first = place % todo.bands * todo.band
    band.last = min(band.first + todo.band, todo.places)
    band.width = _ceil_div(band.last - band.first, _WHOLE_PLACES) * _WHOLE_PLACES
    band.vector = share * todo.share * step
    band.end = min((share + 1) * todo.share, todo.outputs) * step
    return band


cdef void _expect_like_out(Call* call, const Tensor* tensor, const int64_t* dims) noexcept nogil:
    """Expect a tensor, if it is there, to have the dimensions of out."""
    cdef int axis
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


cdef OrtStatus* _run_dense(
    Call* call,
    const Method* method,
    const Windows* windows,
    const Tensor* x,
    const Tensor* weights,
    const Tensor* bias,
    const Tensor* x_gate,
    const Tensor* out_gate,
    const Tensor* total,
    Dense* job,
) noexcept nogil:
    """Run a job that knows its block, and the bounds of what is given."""
    cdef int64_t[4] dims
    cdef int64_t items = 0
    cdef int64_t size
    cdef size_t axis
    planes_of(call, x, job.block)
    expect(
        call,
        weights.rank == 4 and x.rank == 4 and weights.dims[0] % job.block == 0
        and weights.dims[1] == x.dims[1]
        and weights.dims[2] == method.weights_size and weights.dims[3] == method.weights_size,
        "the weights must have the dimensions [O, C, 1, 1], or [O, C, 4, 4] for Winograd, "
        "O a multiple of the block",
    )
    for axis in range(2):
        expect(
            call,
            method.window_size > 1 or windows.before[axis] == windows.after[axis] == 0,
            "a 1x1 convolution takes no pads",
        )
        expect(
            call,
            windows.strides[axis] == windows.dilations[axis] == 1 and windows.auto_pad == NOTSET,
            "strides and dilations must be 1, and what is padded is said by pads",
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
        dims = [x.dims[0], weights.dims[0], 0, 0]
        job.places = 1
        for axis in range(2):
            job.before[axis], job.x_size[axis] = windows.before[axis], x.dims[axis + 2]
            size = x.dims[axis + 2] + windows.before[axis] + windows.after[axis]
            size = max(0, size + 1 - method.window_size)
            dims[axis + 2] = job.out_size[axis] = size
            job.places *= _ceil_div(size, method.place_size)
        _expect_like_out(call, out_gate, dims)
        _expect_like_out(call, total, dims)
        job.inputs, job.outputs = x.dims[1] // job.block, dims[1] // job.block
        job.band = method.band
        job.bands = _ceil_div(job.places, job.band)
        # Channels are shared out, too, where there are few places.
        job.shares = _ceil_div(_LEAST_ITEMS, max(1, dims[0] * job.bands))
        job.share = _ceil_div(_ceil_div(job.outputs, job.shares), _MOST_VECTORS) * _MOST_VECTORS
        job.shares = _ceil_div(job.outputs, max(1, job.share))
        items = dims[0] * job.bands * job.shares
    job.x, job.weights, job.bias = x.data, weights.data, bias.data
    job.x_gate, job.out_gate, job.total = x_gate.data, out_gate.data, total.data
    job.out_of_memory = False
    job.out = output_data(call, 0, dims, 4)
    run(call, method.work, items, job)
    expect_memory(call, not job.out_of_memory)
    return call.failure


cdef OrtStatus* dense(
    void* kernel, OrtKernelContext* context, const Method* method
) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor x = input_tensor(&call, 0)
    cdef Tensor weights = input_tensor(&call, 1)
    cdef Tensor bias = optional_tensor(&call, 2)
    cdef Tensor total = optional_tensor(&call, 3)
    cdef Tensor absent = no_tensor()
    cdef Dense job
    memset(&job, 0, sizeof(job))
    job.block, job.clip_bounds = attributes.block, attributes.gate
    return _run_dense(
        &call, method, &attributes.windows, &x, &weights, &bias, &absent, &absent, &total, &job
    )


cdef OrtStatus* dense_grad(
    void* kernel, OrtKernelContext* context, const Method* method
) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor g = input_tensor(&call, 0)
    cdef Tensor y = optional_tensor(&call, 1)
    cdef Tensor weights = input_tensor(&call, 2)
    cdef Tensor x = optional_tensor(&call, 3)
    cdef Tensor total = optional_tensor(&call, 4)
    cdef Tensor absent = no_tensor()
    cdef Dense job
    memset(&job, 0, sizeof(job))
    job.block = attributes.block
    job.x_bounds, job.out_bounds = attributes.inner_gate, attributes.gate
    job.clip_bounds.low, job.clip_bounds.high = -INFINITY, INFINITY
    return _run_dense(
        &call, method, &attributes.windows, &g, &weights, &absent, &y, &x, &total, &job
    )

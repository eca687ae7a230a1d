# LRNGrad: the gradient of local response normalization, on plain tensors.
#
# With d = bias + alpha / size * (sum of x^2 over a window of channels), y = x * d^-beta:
# out = g * d^-beta - 2 * alpha * beta / size * x * (sum of g * x * d^(-beta-1) over the
# mirrored window).

cdef enum:
    # How many pixels are gone through at once: as many as leave their scratch in the cache.
    _LRN_FLOATS = 1 << 15
    _LEAST_PIXELS = 64


cdef struct _LRNGrad:
    const float* x
    const float* g
    float* out
    int64_t channels
    int64_t pixels
    int64_t at_once
    int64_t parts
    int64_t size
    float alpha
    float beta
    float bias
    bint out_of_memory


cdef inline void _own_terms(
    const float* x,
    const float* g,
    const float* squares,
    float* out,
    float* ratios,
    Py_ssize_t count,
    float alpha,
    float beta,
    float bias,
) noexcept nogil:
    """Set out to g * d^-beta, and ratios to the same times x / d."""
    cdef Py_ssize_t i
    cdef float d, own
    if beta == <float> 0.75:
        for i in range(count):
            d = bias + alpha * squares[i]
            own = g[i] / (sqrtf(d) * sqrtf(sqrtf(d)))
            out[i] = own
            ratios[i] = own * x[i] / d
    else:
        for i in range(count):
            d = bias + alpha * squares[i]
            own = g[i] * powf(d, -beta)
            out[i] = own
            ratios[i] = own * x[i] / d


cdef inline void _add_squares(float* sums, const float* x, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        sums[i] += x[i] * x[i]


cdef inline void _add(float* sums, const float* x, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        sums[i] += x[i]


cdef inline void _subtract_crossed(
    float* out, const float* x, const float* sums, float scale, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        out[i] -= scale * x[i] * sums[i]


cdef void _lrn_grad_part(void* job, size_t item) noexcept nogil:
    cdef _LRNGrad* todo = <_LRNGrad*> job
    cdef Py_ssize_t start = <Py_ssize_t> item % todo.parts * todo.at_once
    cdef Py_ssize_t count = min(todo.at_once, todo.pixels - start)
    cdef Py_ssize_t image = <Py_ssize_t> item // todo.parts * todo.channels * todo.pixels
    cdef const float* x = todo.x + image + start
    cdef const float* g = todo.g + image + start
    cdef float* out = todo.out + image + start
    cdef Py_ssize_t before = (todo.size - 1) // 2, after = todo.size // 2
    cdef Py_ssize_t channels = todo.channels, pixels = todo.pixels, c, k
    cdef float share = todo.alpha / todo.size
    cdef Scratch scratch = scratch_of((channels + 1) * count, 0)
    cdef float* sums = scratch.floats
    cdef float* ratios = scratch.floats + count
    if scratch.floats == NULL:
        todo.out_of_memory = True
        return
    for c in range(channels):
        memset(sums, 0, count * sizeof(float))
        for k in range(max(0, c - before), min(channels, c + after + 1)):
            _add_squares(sums, x + k * pixels, count)
        _own_terms(
            x + c * pixels, g + c * pixels, sums, out + c * pixels, ratios + c * count, count,
            share, todo.beta, todo.bias,
        )
    for c in range(channels):
        memset(sums, 0, count * sizeof(float))
        for k in range(max(0, c - after), min(channels, c + before + 1)):
            _add(sums, ratios + k * count, count)
        _subtract_crossed(
            out + c * pixels, x + c * pixels, sums, 2 * share * todo.beta, count
        )
    free(scratch.memory)


cdef OrtStatus* lrn_grad(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor x = input_tensor(&call, 0)
    cdef Tensor g = input_tensor(&call, 1)
    cdef int64_t items = 0
    cdef _LRNGrad job
    expect(&call, same_shape(&x, &g), "x and g must have one shape")
    expect(&call, x.rank == 4, "x must have the dimensions [N, C, H, W]")
    if call.failure == NULL and x.count > 0:
        job.channels, job.pixels = x.dims[1], x.dims[2] * x.dims[3]
        job.at_once = max(_LEAST_PIXELS, _LRN_FLOATS // job.channels)
        job.parts = _ceil_div(job.pixels, job.at_once)
        items = x.dims[0] * job.parts
    job.x, job.g, job.out_of_memory = x.data, g.data, False
    job.size, job.alpha = attributes.size, attributes.alpha
    job.beta, job.bias = attributes.beta, attributes.bias
    job.out = output_data(&call, 0, x.dims, x.rank)
    run(&call, _lrn_grad_part, items, &job)
    expect_memory(&call, not job.out_of_memory)
    return call.failure

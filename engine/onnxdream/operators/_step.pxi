# Jitter, Unjitter, Blur and Ascend: the step around a gradient graph. Their loops are
# those of the kernels that Python calls.

cdef enum:
    _STEP_ROWS = 16
    # How many values are added into one sum in float64.
    _SUM_BLOCK = 4096
    _BLOCKS_AT_ONCE = 4


cdef struct _Picture:
    const float* data
    float* out
    int64_t height
    int64_t width
    int64_t down
    int64_t right
    const Attributes* attributes
    const float* taps
    int64_t radius
    bint out_of_memory


cdef inline Py_ssize_t _last_row(const _Picture* todo, size_t item) noexcept nogil:
    return min((<Py_ssize_t> item + 1) * _STEP_ROWS, todo.height)


cdef OrtStatus* _run_rows(Call* call, Work work, _Picture* job) noexcept nogil:
    run(call, work, _ceil_div(job.height, _STEP_ROWS), job)
    expect_memory(call, not job.out_of_memory)
    return call.failure


cdef _Picture _picture_of(
    Call* call, const Tensor* tensor, size_t axis, const Attributes* attributes
) noexcept nogil:
    """Return a picture whose height and width are the dimensions from axis on."""
    cdef _Picture job
    job.data, job.out, job.taps, job.attributes = tensor.data, NULL, NULL, attributes
    job.height = job.width = job.down = job.right = job.radius = 0
    job.out_of_memory = False
    expect(call, tensor.count > 0, "a picture must have at least one pixel")
    if call.failure == NULL:
        job.height, job.width = tensor.dims[axis], tensor.dims[axis + 1]
    return job


cdef void _expect_pixels(Call* call, const Tensor* picture) noexcept nogil:
    expect(
        call,
        picture.rank == 3 and picture.dims[2] == 3,
        "a picture must have the dimensions [H, W, 3]",
    )


cdef void _read_shift(Call* call, size_t index, _Picture* job) noexcept nogil:
    cdef Tensor shift = input_tensor(call, index)
    cdef const int64_t* values = <const int64_t*> shift.data
    expect(call, shift.rank == 1 and shift.count == 2, "shift must be two integers")
    if call.failure == NULL:
        job.down = (values[0] % job.height + job.height) % job.height
        job.right = (values[1] % job.width + job.width) % job.width


cdef void _jitter_rows(void* job, size_t item) noexcept nogil:
    cdef const _Picture* todo = <const _Picture*> job
    jitter_normalize_rows(
        todo.data, todo.height, todo.width, todo.down, todo.right,
        todo.attributes.mean, todo.attributes.std, todo.attributes.bgr,
        todo.out, item * _STEP_ROWS, _last_row(todo, item),
    )


cdef OrtStatus* jitter(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor picture = input_tensor(&call, 0)
    _expect_pixels(&call, &picture)
    cdef _Picture job = _picture_of(&call, &picture, 0, attributes)
    cdef int64_t[4] dims = [1, 3, job.height, job.width]
    _read_shift(&call, 1, &job)
    job.out = output_data(&call, 0, dims, 4)
    return _run_rows(&call, _jitter_rows, &job)


cdef void _unjitter_rows(void* job, size_t item) noexcept nogil:
    cdef _Picture* todo = <_Picture*> job
    cdef Scratch scratch = scratch_of(unjitter_blur_scratch(todo.width, 0), 0)
    cdef float one = 1
    if scratch.floats == NULL:
        todo.out_of_memory = True
        return
    unjitter_blur_rows(
        todo.data, todo.height, todo.width, todo.down, todo.right,
        todo.attributes.std, todo.attributes.bgr, &one, 0,
        todo.out, scratch.floats, item * _STEP_ROWS, _last_row(todo, item),
    )
    free(scratch.memory)


cdef OrtStatus* unjitter(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor gradient = input_tensor(&call, 0)
    expect(
        &call,
        gradient.rank == 4 and gradient.dims[0] == 1 and gradient.dims[1] == 3,
        "a gradient must have the dimensions [1, 3, H, W]",
    )
    cdef _Picture job = _picture_of(&call, &gradient, 2, attributes)
    cdef int64_t[3] dims = [job.height, job.width, 3]
    _read_shift(&call, 1, &job)
    job.out = output_data(&call, 0, dims, 3)
    return _run_rows(&call, _unjitter_rows, &job)


cdef void _blur_rows(void* job, size_t item) noexcept nogil:
    cdef _Picture* todo = <_Picture*> job
    cdef Py_ssize_t row, k, length = todo.width * 3, margin = todo.radius * 3
    cdef Py_ssize_t taps = 2 * todo.radius + 1
    cdef Scratch scratch = scratch_of(length + 2 * margin, 0)
    cdef float* pixels = scratch.floats + margin
    if scratch.floats == NULL:
        todo.out_of_memory = True
        return
    for row in range(item * _STEP_ROWS, _last_row(todo, item)):
        blend_rows(
            pixels, todo.data, todo.height, length, 0,
            row - todo.radius, todo.taps, taps, length,
        )
        for k in range(margin):
            scratch.floats[k] = pixels[k % 3]
            pixels[length + k] = pixels[length - 3 + k % 3]
        blend_rows(
            todo.out + row * length, scratch.floats, taps, 3, 0, 0, todo.taps, taps, length
        )
    free(scratch.memory)


cdef OrtStatus* blur(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor picture = input_tensor(&call, 0)
    cdef Tensor taps = input_tensor(&call, 1)
    _expect_pixels(&call, &picture)
    cdef _Picture job = _picture_of(&call, &picture, 0, attributes)
    expect(
        &call, taps.rank == 1 and taps.count % 2 == 1, "there must be an odd number of taps"
    )
    job.taps, job.radius = taps.data, taps.count // 2
    job.out = output_data(&call, 0, picture.dims, picture.rank)
    return _run_rows(&call, _blur_rows, &job)


cdef struct _Ascend:
    const float* picture
    const float* gradient
    float* out
    int64_t count
    double* sums
    float scale


cdef void _sum_blocks(void* job, size_t item) noexcept nogil:
    cdef const _Ascend* todo = <const _Ascend*> job
    cdef Py_ssize_t first = <Py_ssize_t> item * _BLOCKS_AT_ONCE
    cdef Py_ssize_t last = min(first + _BLOCKS_AT_ONCE, _ceil_div(todo.count, _SUM_BLOCK))
    absolute_sums(todo.gradient, todo.count, _SUM_BLOCK, todo.sums, first, last)


cdef void _ascend_values(void* job, size_t item) noexcept nogil:
    cdef const _Ascend* todo = <const _Ascend*> job
    cdef Py_ssize_t first = <Py_ssize_t> item * _BLOCKS_AT_ONCE * _SUM_BLOCK
    cdef Py_ssize_t last = min(first + _BLOCKS_AT_ONCE * _SUM_BLOCK, todo.count)
    ascend_values(todo.picture, todo.gradient, todo.scale, todo.out, first, last)


cdef OrtStatus* ascend(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef Call call = begin(<const Attributes*> kernel, context)
    cdef Tensor picture = input_tensor(&call, 0)
    cdef Tensor gradient = input_tensor(&call, 1)
    cdef Tensor step_size = input_tensor(&call, 2)
    cdef int64_t blocks = _ceil_div(picture.count, _SUM_BLOCK), block
    cdef int64_t items = _ceil_div(blocks, _BLOCKS_AT_ONCE)
    cdef double total = 0
    cdef float* mean
    cdef _Ascend job
    _expect_pixels(&call, &picture)
    expect(&call, picture.count > 0, "a picture must have at least one pixel")
    expect(&call, same_shape(&picture, &gradient), "picture and gradient must have one shape")
    expect(&call, step_size.count == 1, "step_size must be one number")
    job.picture, job.gradient, job.count = picture.data, gradient.data, picture.count
    job.out = output_data(&call, 0, picture.dims, picture.rank)
    mean = output_data(&call, 1, NULL, 0)
    job.sums = <double*> malloc(blocks * sizeof(double))
    expect_memory(&call, job.sums != NULL)
    run(&call, _sum_blocks, items, &job)
    if call.failure == NULL:
        for block in range(blocks):
            total += job.sums[block]
        total /= job.count
        mean[0] = <float> total
        job.scale = ascent_scale(step_size.data[0], total)
    free(job.sums)
    return run(&call, _ascend_values, items, &job)

# ExpandedDepthwiseGrad: the gradient of ExpandedDepthwise with respect to x.
#
# Row by row: the gradient of all expanded channels in one row, through the depthwise
# convolution, and that of x in this row, which sums them up.

cdef struct _ExpandedDepthwiseGrad:
    const float* g
    const uint8_t* marks
    const float* weights
    const uint8_t* expanded_marks
    const float* expand_weights
    # What is added to, or NULL.
    const float* total
    float* out
    Turned turned
    # Of g, and of out.
    Py_ssize_t blocks
    Py_ssize_t outputs
    Py_ssize_t block
    # How many rows of out are made at once, and how many times.
    Py_ssize_t band
    Py_ssize_t bands
    bint out_of_memory


cdef enum:
    _EXPANDED_BANDS = 8
    _LEAST_EXPANDED_GRAD_BAND = 4


cdef inline void _keep_marked(
    const Lanes* values, const uint8_t* marks, Lanes* out, Py_ssize_t step, Py_ssize_t bytes,
    Py_ssize_t count, Py_ssize_t ahead,
) noexcept nogil:
    """Set out to the values that are marked, else to 0.

    Values that lie so many vectors ahead will be wanted soon.
    """
    cdef Py_ssize_t pixel, lane
    for pixel in range(count):
        for lane in range(step):
            out[lane] = marked[Lanes](marks, lane, values[lane])
            if ahead > 0:
                prefetch(values + ahead + lane)
        values += step
        out += step
        marks += bytes


cdef inline void _keep_marked_unrolled(
    const Lanes* values, const uint8_t* marks, Lanes* out, Py_ssize_t step, Py_ssize_t bytes,
    Py_ssize_t count, Py_ssize_t ahead,
) noexcept nogil:
    """Do as _keep_marked, faster for one vector a pixel."""
    if step == 1:
        _keep_marked[Lanes](values, marks, out, 1, bytes, count, ahead)
    else:
        _keep_marked[Lanes](values, marks, out, step, bytes, count, ahead)


cdef inline void _expanded_depthwise_grad_rows(
    const _ExpandedDepthwiseGrad* todo,
    const Lanes* g,
    const uint8_t* marks,
    const uint8_t* expanded_marks,
    const Lanes* total,
    Lanes* out,
    Lanes* scratch,
    const Lanes** lines,
    Py_ssize_t step,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of one image of out.

    scratch is zero and has room for a row of zeros and, for each block of channels,
    for the weights, an expanded row, and as many rows of gated g as that needs. lines
    has room for a pointer to each of these.
    """
    cdef const Turned* turned = &todo.turned
    cdef const Axis* rows = &turned.rows
    cdef const Axis* columns = &turned.columns
    cdef Py_ssize_t block = todo.block, bytes = mark_bytes(block)
    cdef Py_ssize_t blocks = todo.blocks, taps = rows.kernel * columns.kernel * step
    cdef Py_ssize_t padded = turned.padded * step, slots = phase_taps(rows, 0) * padded
    cdef Py_ssize_t length = columns.windows * step, width = columns.size
    cdef Py_ssize_t row, i, lane, here, window, made = first_reaching(rows, first), reached
    cdef Lanes* zeros = scratch
    cdef Lanes* sorted = zeros + padded
    cdef Lanes* gated = sorted + blocks * taps
    cdef Lanes* expanded = gated + blocks * slots
    cdef const Lanes* start
    for i in range(blocks):
        sort_weights[Lanes](
            <const Lanes*> todo.weights + i * taps, sorted + i * taps, rows, columns, step
        )
    for row in range(first, last):
        reached = max(made, last_starting(rows, row))
        for i in range(blocks):
            for window in range(made, reached):
                here = i * rows.windows + window
                _keep_marked_unrolled[Lanes](
                    g + here * length, marks + here * columns.windows * bytes,
                    gated + i * slots + window % phase_taps(rows, 0) * padded
                    + turned.zeros_before * step,
                    step, bytes, columns.windows, length,
                )
            turned_row[Lanes](
                turned, sorted + i * taps, zeros, gated + i * slots, lines,
                expanded + i * width * step, step, row,
            )
            _keep_marked_unrolled[Lanes](
                expanded + i * width * step,
                expanded_marks + (i * rows.size + row) * width * bytes,
                expanded + i * width * step, step, bytes, width, 0,
            )
        made = reached
        for i in range(todo.outputs):
            for lane in range(step):
                here = (i * rows.size + row) * width * step + lane
                start = zeros
                if total != NULL:
                    start = total + here
                products_of_row[Lanes](
                    <const float*> expanded,
                    <const Lanes*> todo.expand_weights + i * blocks * block * step + lane,
                    start, out + here, width, blocks * block,
                    width * block, block, step, 0 if total == NULL else step, step,
                )


cdef void _expanded_depthwise_grad_band(void* job, size_t item) noexcept nogil:
    cdef _ExpandedDepthwiseGrad* todo = <_ExpandedDepthwiseGrad*> job
    cdef const Axis* rows = &todo.turned.rows
    cdef const Axis* columns = &todo.turned.columns
    cdef Py_ssize_t image = <Py_ssize_t> item // todo.bands
    cdef Py_ssize_t first = <Py_ssize_t> item % todo.bands * todo.band
    cdef Py_ssize_t last = min(first + todo.band, rows.size)
    cdef Py_ssize_t block = todo.block, channels = todo.blocks * block
    cdef Py_ssize_t bytes = mark_bytes(block) * todo.blocks
    cdef Py_ssize_t size = rows.size * columns.size, windows = rows.windows * columns.windows
    cdef Py_ssize_t ring = phase_taps(rows, 0)
    cdef const float* g = todo.g + image * channels * windows
    cdef const uint8_t* marks = todo.marks + image * bytes * windows
    cdef const uint8_t* expanded_marks = todo.expanded_marks + image * bytes * size
    cdef const float* total = NULL
    cdef float* out = todo.out + image * todo.outputs * block * size
    cdef Scratch scratch = scratch_of(
        todo.turned.padded * block
        + channels * (rows.kernel * columns.kernel + ring * todo.turned.padded + columns.size),
        ring,
    )
    if todo.total != NULL:
        total = todo.total + image * todo.outputs * block * size
    if scratch.floats == NULL:
        todo.out_of_memory = True
    elif block % LANES == 0:
        _expanded_depthwise_grad_rows[lanes](
            todo, <const lanes*> g, marks, expanded_marks, <const lanes*> total, <lanes*> out,
            <lanes*> scratch.floats, <const lanes**> scratch.pointers, block // LANES, first, last,
        )
    else:
        _expanded_depthwise_grad_rows[float](
            todo, g, marks, expanded_marks, total, out, scratch.floats,
            <const float**> scratch.pointers, block, first, last,
        )
    free(scratch.memory)


cdef OrtStatus* expanded_depthwise_grad(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor g = input_tensor(&call, 0)
    cdef Tensor marks = input_tensor(&call, 1)
    cdef Tensor weights = input_tensor(&call, 2)
    cdef Tensor expanded_marks = input_tensor(&call, 3)
    cdef Tensor expand_weights = input_tensor(&call, 4)
    cdef Tensor total
    cdef const Windows* windows = &attributes.windows
    cdef int64_t block = attributes.block
    cdef int64_t[4] dims
    cdef int64_t items = 0
    cdef _ExpandedDepthwiseGrad job
    job.total = NULL
    planes_of(&call, &g, block)
    expect(
        &call,
        weights.rank == 4 and weights.dims[0] == g.dims[1] and weights.dims[1] == 1
        and weights.dims[2] == windows.kernel[0] and weights.dims[3] == windows.kernel[1],
        "w must have the dimensions [E, 1, *kernel_shape]",
    )
    expect(
        &call,
        expand_weights.rank == 4 and expand_weights.dims[0] % block == 0
        and expand_weights.dims[1] == g.dims[1]
        and expand_weights.dims[2] == 1 and expand_weights.dims[3] == 1,
        "the turned weights must have the dimensions [C, E, 1, 1], C a multiple of the block",
    )
    expect_images(&call, &marks, &expanded_marks)
    expect(
        &call,
        marks.dims[0] == g.dims[0] and marks.dims[1] == g.dims[1] // block * mark_bytes(block)
        and marks.dims[2] == g.dims[2] and marks.dims[3] == g.dims[3],
        "there must be a mark for each element of g",
    )
    expect_no_dilation(&call, windows)
    if call.failure == NULL:
        dims = [g.dims[0], expand_weights.dims[0], expanded_marks.dims[2], expanded_marks.dims[3]]
        job.turned = turned_of(&call, windows, dims, g.dims)
        job.blocks, job.outputs = g.dims[1] // block, dims[1] // block
        job.block = block
        job.band = _ceil_div(dims[2], _EXPANDED_BANDS)
        job.band = max(_LEAST_EXPANDED_GRAD_BAND, job.band)
        job.bands = _ceil_div(dims[2], job.band)
        items = dims[0] * job.bands if dims[3] > 0 else 0
    if input_count(&call) > 5:
        total = input_tensor(&call, 5)
        job.total = total.data
        expect(
            &call,
            call.failure != NULL or total.rank == 4
            and total.dims[0] == dims[0] and total.dims[1] == dims[1]
            and total.dims[2] == dims[2] and total.dims[3] == dims[3],
            "the total must have the dimensions of the gradient",
        )
    job.g, job.marks, job.weights = g.data, <const uint8_t*> marks.data, weights.data
    job.expanded_marks = <const uint8_t*> expanded_marks.data
    job.expand_weights = expand_weights.data
    job.out_of_memory = False
    job.out = output_data(&call, 0, dims, 4)
    run(&call, _expanded_depthwise_grad_band, items, &job)
    expect_memory(&call, not job.out_of_memory)
    return call.failure

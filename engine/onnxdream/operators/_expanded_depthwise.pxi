# ExpandedDepthwise: a 1x1 convolution, which expands the channels, and the depthwise
# convolution behind it, each with its activation.
#
# What lies between them is never whole in memory: only as many rows of one block of its
# channels as the windows reach over. What the gradient needs to know of it, and of the
# result, is one bit for each element.

cdef struct _ExpandedDepthwise:
    const float* x
    const float* expand_weights
    const float* expand_bias
    const float* weights
    const float* bias
    float* out
    uint8_t* expanded_marks
    uint8_t* marks
    Axis rows
    Axis columns
    # Of x: how many mean something, and how many blocks they take.
    Py_ssize_t channels
    Py_ssize_t inputs
    # Of out.
    Py_ssize_t blocks
    Py_ssize_t block
    # An expanded row with zeros around it, in pixels.
    Py_ssize_t padded
    # How many rows of out are made at once, and how many times.
    Py_ssize_t band
    Py_ssize_t bands
    Gate expanded_gate
    Gate gate
    bint out_of_memory


cdef enum:
    # How much of x a band of rows may need: every block of channels reads it again.
    _EXPANDED_FLOATS = 1 << 16
    _LEAST_EXPANDED_BAND = 8


cdef inline void _activate(
    Lanes* row, uint8_t* marks, Py_ssize_t lane, Py_ssize_t step, Py_ssize_t bytes,
    Py_ssize_t count, Gate gate,
) noexcept nogil:
    """Bring a row within its bounds, and mark what was there already, if marks are kept."""
    cdef Py_ssize_t pixel
    cdef Lanes low, high, x
    spread[Lanes](&low, gate.low)
    spread[Lanes](&high, gate.high)
    for pixel in range(count):
        x = row[pixel * step]
        row[pixel * step] = clip[Lanes](x, low, high)
        if marks != NULL:
            mark[Lanes](marks + pixel * bytes, lane, x, low, high)


cdef inline void _convolve(
    const Lanes** rows,
    const Lanes* weights,
    Lanes bias,
    Lanes* out,
    Py_ssize_t lines,
    Py_ssize_t taps,
    Py_ssize_t stride,
    Py_ssize_t step,
    Py_ssize_t count,
) noexcept nogil:
    """Set count pixels of out to the bias plus the sum over taps of weights times rows.

    As many pixels behind these will be set soon.
    """
    cdef Py_ssize_t pixel = 0, line, tap
    cdef const Lanes* row
    cdef Lanes weight, a, b, c, d
    # Four sums side by side share their weights and keep the multipliers busy.
    while pixel + 4 <= count:
        a = b = c = d = bias
        for line in range(lines):
            row = rows[line] + pixel * stride
            for tap in range(taps):
                weight = weights[(line * taps + tap) * step]
                a = a + weight * row[tap]
                b = b + weight * row[stride + tap]
                c = c + weight * row[2 * stride + tap]
                d = d + weight * row[3 * stride + tap]
        out[0] = a
        out[step] = b
        out[2 * step] = c
        out[3 * step] = d
        for line in range(4):
            prefetch_room(out + (count + line) * step)
        out += 4 * step
        pixel += 4
    while pixel < count:
        a = bias
        for line in range(lines):
            row = rows[line] + pixel * stride
            for tap in range(taps):
                a = a + weights[(line * taps + tap) * step] * row[tap]
        out[0] = a
        out += step
        pixel += 1


cdef inline void _convolve_unrolled(
    const Lanes** rows,
    const Lanes* weights,
    Lanes bias,
    Lanes* out,
    Py_ssize_t lines,
    Py_ssize_t taps,
    Py_ssize_t stride,
    Py_ssize_t step,
    Py_ssize_t count,
) noexcept nogil:
    """Do as _convolve, faster for the kernels and strides that networks have."""
    if step > 1:
        _convolve[Lanes](rows, weights, bias, out, lines, taps, stride, step, count)
    elif taps == 3 and stride == 1:
        _convolve[Lanes](rows, weights, bias, out, lines, 3, 1, 1, count)
    elif taps == 3 and stride == 2:
        _convolve[Lanes](rows, weights, bias, out, lines, 3, 2, 1, count)
    elif taps == 5 and stride == 1:
        _convolve[Lanes](rows, weights, bias, out, lines, 5, 1, 1, count)
    elif taps == 5 and stride == 2:
        _convolve[Lanes](rows, weights, bias, out, lines, 5, 2, 1, count)
    else:
        _convolve[Lanes](rows, weights, bias, out, lines, taps, stride, 1, count)


cdef inline Py_ssize_t _first_own(const Axis* rows, Py_ssize_t first) noexcept nogil:
    """Return the first expanded row that windows from the first on mark, not those before."""
    if first == 0:
        return 0
    if first == rows.windows:
        return rows.size
    return max(0, min(rows.size, first * rows.stride - rows.before))


cdef inline void _expanded_depthwise_rows(
    const _ExpandedDepthwise* todo,
    const float* x,
    const Lanes* expand_weights,
    const Lanes* expand_bias,
    const Lanes* weights,
    const Lanes* bias,
    Lanes* out,
    uint8_t* expanded_marks,
    uint8_t* marks,
    Lanes* scratch,
    const Lanes** lines,
    Py_ssize_t lane,
    Py_ssize_t step,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of one vector of channels of out.

    scratch is zero and has room for a row of zeros and as many expanded rows as a window
    reaches over; lines has room for a pointer to each.
    """
    cdef const Axis* rows = &todo.rows
    cdef const Axis* columns = &todo.columns
    cdef Py_ssize_t width = columns.size, block = todo.block, bytes = mark_bytes(block)
    cdef Py_ssize_t row, top, line, made = 0, own = _first_own(rows, last)
    cdef Lanes* ring = scratch + todo.padded
    cdef Lanes* slot
    for row in range(first, last):
        top = row * rows.stride - rows.before
        made = max(made, top)
        while made < min(top + rows.kernel, rows.size):
            slot = ring + made % rows.kernel * todo.padded + columns.before
            products_of_row[Lanes](
                x + made * width * block, expand_weights, expand_bias, slot, width,
                todo.channels, rows.size * width * block, block, step, 0, 1,
            )
            _activate[Lanes](
                slot, expanded_marks + made * width * bytes if made < own else NULL, lane, 1,
                bytes, width, todo.expanded_gate,
            )
            made += 1
        for line in range(rows.kernel):
            if 0 <= top + line < rows.size:
                lines[line] = ring + (top + line) % rows.kernel * todo.padded
            else:
                lines[line] = scratch
        _convolve_unrolled[Lanes](
            lines, weights, bias[0], out + row * columns.windows * step, rows.kernel,
            columns.kernel, columns.stride, step, columns.windows,
        )
        _activate[Lanes](
            out + row * columns.windows * step, marks + row * columns.windows * bytes, lane, step,
            bytes, columns.windows, todo.gate,
        )


cdef void _expanded_depthwise_item(void* job, size_t item) noexcept nogil:
    # Items of one band follow each other: they read the same rows of x.
    cdef _ExpandedDepthwise* todo = <_ExpandedDepthwise*> job
    cdef const Axis* rows = &todo.rows
    cdef Py_ssize_t index = <Py_ssize_t> item % todo.blocks
    cdef Py_ssize_t image = <Py_ssize_t> item // todo.blocks // todo.bands
    cdef Py_ssize_t first = <Py_ssize_t> item // todo.blocks % todo.bands * todo.band
    cdef Py_ssize_t last = min(first + todo.band, rows.windows)
    cdef Py_ssize_t block = todo.block, bytes = mark_bytes(block), lane
    cdef Py_ssize_t taps = rows.kernel * todo.columns.kernel
    cdef Py_ssize_t size = rows.size * todo.columns.size
    cdef Py_ssize_t windows = rows.windows * todo.columns.windows
    cdef Py_ssize_t plane = image * todo.blocks + index
    cdef Py_ssize_t own = _first_own(rows, first)
    cdef const float* x = todo.x + image * todo.inputs * size * block
    cdef const float* expand_weights = todo.expand_weights + index * todo.inputs * block * block
    cdef const float* expand_bias = todo.expand_bias + index * block
    cdef const float* weights = todo.weights + index * block * taps
    cdef const float* bias = todo.bias + index * block
    cdef float* out = todo.out + plane * windows * block
    cdef uint8_t* expanded_marks = todo.expanded_marks + plane * size * bytes
    cdef uint8_t* marks = todo.marks + plane * windows * bytes
    cdef bint wide = block % LANES == 0
    cdef Scratch scratch = scratch_of(
        (rows.kernel + 1) * todo.padded * (LANES if wide else 1), rows.kernel
    )
    if scratch.floats == NULL:
        todo.out_of_memory = True
        return
    memset(
        expanded_marks + own * todo.columns.size * bytes,
        0,
        (_first_own(rows, last) - own) * todo.columns.size * bytes,
    )
    memset(
        marks + first * todo.columns.windows * bytes,
        0,
        (last - first) * todo.columns.windows * bytes,
    )
    if wide:
        for lane in range(block // LANES):
            _expanded_depthwise_rows[lanes](
                todo, x, <const lanes*> expand_weights + lane, <const lanes*> expand_bias + lane,
                <const lanes*> weights + lane, <const lanes*> bias + lane, <lanes*> out + lane,
                expanded_marks, marks, <lanes*> scratch.floats, <const lanes**> scratch.pointers,
                lane, block // LANES, first, last,
            )
    else:
        for lane in range(block):
            _expanded_depthwise_rows[float](
                todo, x, expand_weights + lane, expand_bias + lane, weights + lane, bias + lane,
                out + lane, expanded_marks, marks, scratch.floats,
                <const float**> scratch.pointers, lane, block, first, last,
            )
    free(scratch.memory)


cdef OrtStatus* expanded_depthwise(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor x = input_tensor(&call, 0)
    cdef Tensor expand_weights = input_tensor(&call, 1)
    cdef Tensor expand_bias = input_tensor(&call, 2)
    cdef Tensor weights = input_tensor(&call, 3)
    cdef Tensor bias = input_tensor(&call, 4)
    cdef const Windows* windows = &attributes.windows
    cdef int64_t block = attributes.block
    cdef int64_t[4] dims
    cdef int64_t[4] sizes
    cdef int64_t items = 0
    cdef _ExpandedDepthwise job
    planes_of(&call, &x, block)
    expect(
        &call,
        weights.rank == 4 and weights.dims[1] == 1 and weights.dims[0] % block == 0
        and weights.dims[2] == windows.kernel[0] and weights.dims[3] == windows.kernel[1],
        "w must have the dimensions [E, 1, *kernel_shape], E a multiple of the block",
    )
    expect(
        &call,
        expand_weights.rank == 4 and expand_weights.dims[0] == weights.dims[0]
        and expand_weights.dims[1] == x.dims[1]
        and expand_weights.dims[2] == 1 and expand_weights.dims[3] == 1,
        "the expanding weights must have the dimensions [E, C, 1, 1]",
    )
    expect(
        &call,
        expand_bias.count == weights.dims[0] and bias.count == weights.dims[0],
        "the biases must have E elements",
    )
    expect(&call, attributes.channels <= x.dims[1], "x has fewer channels than that")
    expect_no_dilation(&call, windows)
    if call.failure == NULL:
        job.rows = axis_of(&call, windows, 0, x.dims[2], window_count(windows, 0, x.dims[2]))
        job.columns = axis_of(&call, windows, 1, x.dims[3], window_count(windows, 1, x.dims[3]))
    if call.failure == NULL:
        job.channels = attributes.channels
        job.inputs = x.dims[1] // block
        job.blocks, job.block = weights.dims[0] // block, block
        job.padded = max(
            (job.columns.windows - 1) * job.columns.stride + job.columns.kernel,
            job.columns.before + job.columns.size,
        )
        job.band = _EXPANDED_FLOATS // max(1, x.dims[1] * x.dims[3] * job.rows.stride)
        job.band = max(_LEAST_EXPANDED_BAND, job.band)
        job.bands = _ceil_div(job.rows.windows, job.band)
        dims = [x.dims[0], weights.dims[0], job.rows.windows, job.columns.windows]
        sizes = [x.dims[0], job.blocks * mark_bytes(block), x.dims[2], x.dims[3]]
        items = x.dims[0] * job.blocks * job.bands
    job.x, job.expand_weights, job.expand_bias = x.data, expand_weights.data, expand_bias.data
    job.weights, job.bias = weights.data, bias.data
    job.expanded_gate, job.gate = attributes.expanded_gate, attributes.gate
    job.out_of_memory = False
    job.out = output_data(&call, 0, dims, 4)
    job.expanded_marks = <uint8_t*> output_data(&call, 1, sizes, 4)
    sizes[2], sizes[3] = dims[2], dims[3]
    job.marks = <uint8_t*> output_data(&call, 2, sizes, 4)
    run(&call, _expanded_depthwise_item, items, &job)
    expect_memory(&call, not job.out_of_memory)
    return call.failure

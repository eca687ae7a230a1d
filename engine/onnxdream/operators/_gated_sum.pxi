# GatedSum: the sum of gradients where low < y < high, else 0.

cdef enum:
    _MOST_GRADIENTS = 8
    _CHUNK = 1 << 14


cdef struct _GatedSum:
    const float* y
    const float* gradients[_MOST_GRADIENTS]
    size_t terms
    float* out
    int64_t count
    Gate gate


cdef inline void _sum_between(
    const Lanes* y, const float** gradients, size_t terms, Lanes* out, Gate gate, Py_ssize_t count
) noexcept nogil:
    """Fill count vectors of out."""
    cdef Py_ssize_t i
    cdef size_t term
    cdef Lanes total, low, high
    spread[Lanes](&low, gate.low)
    spread[Lanes](&high, gate.high)
    for i in range(count):
        total = (<const Lanes*> gradients[0])[i]
        for term in range(1, terms):
            total = total + (<const Lanes*> gradients[term])[i]
        out[i] = between[Lanes](total, y[i], low, high)


cdef void _gated_sum_chunk(void* job, size_t item) noexcept nogil:
    cdef const _GatedSum* todo = <const _GatedSum*> job
    cdef const float* gradients[_MOST_GRADIENTS]
    cdef int64_t first = <int64_t> item * _CHUNK
    cdef int64_t count = min(_CHUNK, todo.count - first)
    cdef int64_t vectors = count // LANES, done = vectors * LANES
    cdef const float* y = todo.y + first
    cdef float* out = todo.out + first
    cdef size_t term
    gradients[0] = todo.gradients[0] + first
    for term in range(1, todo.terms):
        gradients[term] = todo.gradients[term] + first
    # A number of terms that the compiler knows is a loop it can unroll.
    if todo.terms == 1:
        _sum_between[lanes](<const lanes*> y, gradients, 1, <lanes*> out, todo.gate, vectors)
    elif todo.terms == 2:
        _sum_between[lanes](<const lanes*> y, gradients, 2, <lanes*> out, todo.gate, vectors)
    elif todo.terms == 4:
        _sum_between[lanes](<const lanes*> y, gradients, 4, <lanes*> out, todo.gate, vectors)
    else:
        _sum_between[lanes](<const lanes*> y, gradients, todo.terms, <lanes*> out, todo.gate, vectors)
    for term in range(todo.terms):
        gradients[term] += done
    _sum_between[float](y + done, gradients, todo.terms, out + done, todo.gate, count - done)


cdef OrtStatus* gated_sum(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor y = input_tensor(&call, 0), gradient
    cdef _GatedSum job
    cdef size_t term, inputs = input_count(&call)
    expect(&call, 2 <= inputs <= _MOST_GRADIENTS + 1, "there must be 1 to 8 gradients")
    job.y, job.count, job.gate = y.data, y.count, attributes.gate
    job.terms = 0
    for term in range(1, inputs if call.failure == NULL else 1):
        gradient = input_tensor(&call, term)
        expect(&call, same_shape(&gradient, &y), "y and the gradients must have one shape")
        job.gradients[job.terms] = gradient.data
        job.terms += 1
    job.out = output_data(&call, 0, y.dims, y.rank)
    return run(&call, _gated_sum_chunk, (y.count + _CHUNK - 1) // _CHUNK, &job)

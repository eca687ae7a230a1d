# What an operator is given, and what it makes, in one call.

cdef enum:
    _HIGHEST_RANK = 8


cdef struct Tensor:
    # Whether the operator was given it: an optional input may be absent.
    bint given
    float* data
    size_t rank
    int64_t[_HIGHEST_RANK] dims
    int64_t count


cdef struct Call:
    # One run of one operator. It goes on after a failure, and the first one is kept:
    # whoever runs a loop looks at it first.
    OrtApi api
    OrtKernelContext* context
    OrtStatus* failure


cdef Call begin(const Attributes* attributes, OrtKernelContext* context) noexcept nogil:
    cdef Call call
    call.api, call.context, call.failure = attributes.api, context, NULL
    return call


cdef void expect(Call* call, bint condition, const char* message) noexcept nogil:
    if not condition and call.failure == NULL:
        call.failure = create_status(call.api, ORT_INVALID_ARGUMENT, message)


cdef void expect_memory(Call* call, bint condition) noexcept nogil:
    expect(call, condition, "there is no memory for some rows of a picture")


cdef void _keep(Call* call, OrtStatus* status) noexcept nogil:
    if call.failure == NULL:
        call.failure = status
    elif status != NULL:
        release_status(call.api, status)


cdef size_t input_count(Call* call) noexcept nogil:
    cdef size_t count = 0
    _keep(call, get_input_count(call.api, call.context, &count))
    return count


cdef void _read_shape(Call* call, const OrtValue* value, Tensor* tensor) noexcept nogil:
    cdef OrtTensorTypeAndShapeInfo* shape = NULL
    cdef size_t axis
    _keep(call, get_shape(call.api, value, &shape))
    if shape == NULL:
        return
    _keep(call, get_rank(call.api, shape, &tensor.rank))
    expect(call, tensor.rank <= _HIGHEST_RANK, "a tensor has too many dimensions")
    if call.failure == NULL:
        _keep(call, get_dims(call.api, shape, tensor.dims, tensor.rank))
    release_shape(call.api, shape)
    tensor.count = 1
    if call.failure == NULL:
        for axis in range(tensor.rank):
            tensor.count *= tensor.dims[axis]


cdef Tensor no_tensor() noexcept nogil:
    cdef Tensor tensor
    memset(&tensor, 0, sizeof(tensor))
    return tensor


cdef Tensor input_tensor(Call* call, size_t index) noexcept nogil:
    """Return an input; ONNX Runtime has checked its type against the operator's."""
    cdef Tensor tensor = no_tensor()
    cdef const OrtValue* value = NULL
    cdef void* data = NULL
    _keep(call, get_input(call.api, call.context, index, &value))
    expect(call, value != NULL, "an input is missing")
    tensor.given = value != NULL
    if call.failure == NULL:
        _read_shape(call, value, &tensor)
    if call.failure == NULL:
        _keep(call, get_data(call.api, <OrtValue*> value, &data))
        tensor.data = <float*> data
    return tensor


cdef Tensor optional_tensor(Call* call, size_t index) noexcept nogil:
    """Return an input, or no tensor where there is none."""
    cdef const OrtValue* value = NULL
    if index < input_count(call):
        _keep(call, get_input(call.api, call.context, index, &value))
    return input_tensor(call, index) if value != NULL else no_tensor()


cdef float* output_data(
    Call* call, size_t index, const int64_t* dims, size_t rank
) noexcept nogil:
    """Return the room for an output, or NULL after a failure."""
    cdef OrtValue* value = NULL
    cdef void* data = NULL
    if call.failure != NULL:
        return NULL
    _keep(call, get_output(call.api, call.context, index, dims, rank, &value))
    if call.failure == NULL:
        _keep(call, get_data(call.api, value, &data))
    return <float*> data


cdef bint same_shape(const Tensor* a, const Tensor* b) noexcept nogil:
    cdef size_t axis
    if a.rank != b.rank:
        return False
    for axis in range(a.rank):
        if a.dims[axis] != b.dims[axis]:
            return False
    return True


cdef OrtStatus* run(Call* call, Work work, int64_t items, void* job) noexcept nogil:
    """Do all items of work, unless something failed before."""
    if call.failure == NULL and items == 1:
        work(job, 0)
    elif call.failure == NULL and items > 1:
        _keep(call, parallel_for(call.api, call.context, work, items, job))
    return call.failure


cdef void expect_images(Call* call, const Tensor* x, const Tensor* y) noexcept nogil:
    """Expect x and y to be as many images of as many channels."""
    expect(
        call,
        x.rank == 4 and y.rank == 4 and x.dims[0] == y.dims[0] and x.dims[1] == y.dims[1],
        "the tensors must have the dimensions [N, C, H, W], with one N and one C",
    )


# Blocked tensors. What is declared as [N, C, H, W] lies in memory as
# [N][C / block][H][W][block]; a plane is one [H][W][block] of it. Loops over `Lanes`
# count in vectors of them, of which block / LANES lie between a pixel and the next:
# their step.

cdef struct Planes:
    int64_t count
    int64_t height
    int64_t width
    int64_t block


cdef struct Bands:
    # How planes are cut into bands of rows, one for each item of work. It depends on
    # shapes only, and so does every result.
    int64_t rows
    int64_t per_plane


cdef struct Part:
    # One item of work: the rows [first, last) of a plane, which begins at an offset.
    Py_ssize_t plane
    Py_ssize_t offset
    Py_ssize_t first
    Py_ssize_t last


cdef enum:
    _BAND_FLOATS = 1 << 16
    _LEAST_BAND = 32


cdef Planes planes_of(Call* call, const Tensor* tensor, int64_t block) noexcept nogil:
    cdef Planes planes
    planes.count = planes.height = planes.width = 0
    planes.block = block
    expect(call, tensor.rank == 4, "a tensor must have the dimensions [N, C, H, W]")
    if call.failure == NULL:
        expect(
            call, tensor.dims[1] % block == 0, "the channels must be a multiple of the block"
        )
        planes.count = tensor.dims[0] * (tensor.dims[1] // block)
        planes.height, planes.width = tensor.dims[2], tensor.dims[3]
    return planes


cdef Bands bands_of(const Planes* planes) noexcept nogil:
    cdef Bands bands
    bands.rows = max(_LEAST_BAND, _BAND_FLOATS // max(1, planes.width * planes.block))
    bands.per_plane = (planes.height + bands.rows - 1) // bands.rows
    return bands


cdef int64_t items_of(const Planes* planes, const Bands* bands) noexcept nogil:
    return planes.count * bands.per_plane if planes.width > 0 else 0


cdef Part part_of(const Planes* planes, const Bands* bands, size_t item) noexcept nogil:
    cdef Part part
    part.plane = <Py_ssize_t> item // bands.per_plane
    part.offset = part.plane * planes.height * planes.width * planes.block
    part.first = <Py_ssize_t> item % bands.per_plane * bands.rows
    part.last = min(part.first + bands.rows, planes.height)
    return part


cdef enum:
    _ALIGNMENT = 64


cdef inline float* aligned_floats(void* memory) noexcept nogil:
    """Return where in memory floats begin that any vector may begin with."""
    return <float*> ((<size_t> memory + _ALIGNMENT - 1) & ~<size_t> (_ALIGNMENT - 1))


# What an item of work needs for itself: floats, all of them zero, and pointers.

cdef struct Scratch:
    void* memory
    void** pointers
    float* floats


cdef Scratch scratch_of(size_t floats, size_t pointers) noexcept nogil:
    """Return scratch memory, to be freed by its `memory`; floats is NULL if there is none."""
    cdef Scratch scratch
    cdef size_t head = pointers * sizeof(void*) + _ALIGNMENT
    scratch.memory = calloc(head + floats * sizeof(float), 1)
    scratch.pointers = <void**> scratch.memory
    scratch.floats = NULL
    if scratch.memory != NULL:
        scratch.floats = aligned_floats(<void*> (scratch.pointers + pointers))
    return scratch

# The table of operators, and what ONNX Runtime asks about each.

from libc.stdio cimport sscanf


ctypedef OrtStatus* (*Compute)(void*, OrtKernelContext*) noexcept nogil
ctypedef size_t (*InPlace)(int**, int**) noexcept nogil


cdef struct Operator:
    # ONNX Runtime hands the address of abi back to us, which is that of the whole.
    OrtCustomOp abi
    OrtApi api
    const char* name
    size_t inputs
    size_t outputs
    # How many the last input stands for: REQUIRED, OPTIONAL or VARIADIC.
    int last
    # The input that is of integers, and the one whose shape the first output has; or -1.
    int integers
    int shaped_as
    # Bits for inputs and outputs: those before the last that may be missing, those of bytes.
    int optional
    int bytes_in
    int bytes_out
    int needs


cdef const char* _name(const OrtCustomOp* op) noexcept nogil:
    return (<const Operator*> op).name


cdef const char* _provider(const OrtCustomOp* op) noexcept nogil:
    return NULL  # the CPU


cdef size_t _inputs(const OrtCustomOp* op) noexcept nogil:
    return (<const Operator*> op).inputs


cdef size_t _outputs(const OrtCustomOp* op) noexcept nogil:
    return (<const Operator*> op).outputs


cdef int _input_type(const OrtCustomOp* op, size_t index) noexcept nogil:
    cdef const Operator* asked = <const Operator*> op
    if <int> index == asked.integers:
        return INT64
    return UINT8 if asked.bytes_in >> index & 1 else FLOAT


cdef int _output_type(const OrtCustomOp* op, size_t index) noexcept nogil:
    return UINT8 if (<const Operator*> op).bytes_out >> index & 1 else FLOAT


cdef int _input_arity(const OrtCustomOp* op, size_t index) noexcept nogil:
    cdef const Operator* asked = <const Operator*> op
    if asked.optional >> index & 1:
        return OPTIONAL
    return asked.last if index + 1 == asked.inputs else REQUIRED


cdef int _output_arity(const OrtCustomOp* op, size_t index) noexcept nogil:
    return REQUIRED


cdef int _zero(const OrtCustomOp* op, size_t index) noexcept nogil:
    return 0


cdef int _one(const OrtCustomOp* op) noexcept nogil:
    return 1


cdef OrtStatus* _create(
    const OrtCustomOp* op, OrtApi api, const OrtKernelInfo* info, void** kernel
) noexcept nogil:
    cdef OrtStatus* failure
    cdef Attributes* attributes = <Attributes*> malloc(sizeof(Attributes))
    if attributes == NULL:
        return create_status(api, ORT_FAIL, "there is no memory for an operator")
    failure = read_attributes(api, info, (<const Operator*> op).needs, attributes)
    if failure != NULL:
        free(attributes)
        return failure
    kernel[0] = attributes
    return NULL


cdef void _destroy(void* kernel) noexcept nogil:
    free(kernel)


cdef OrtStatus* _infer_shape(const OrtCustomOp* op, OrtShapeInferContext* context) noexcept nogil:
    """Give the first output the shape of an input, as far as that is known.

    Nothing depends on it but how well ONNX Runtime plans its memory.
    """
    cdef const Operator* asked = <const Operator*> op
    cdef OrtApi api = asked.api
    cdef OrtTensorTypeAndShapeInfo* shape = NULL
    cdef int64_t[_HIGHEST_RANK] dims
    cdef const char* names[_HIGHEST_RANK]
    cdef size_t rank = 0, axis
    cdef OrtStatus* failure = get_input_shape(api, context, asked.shaped_as, &shape)
    if failure == NULL:
        failure = get_rank(api, shape, &rank)
    if failure == NULL and 0 < rank <= _HIGHEST_RANK:
        failure = get_dims(api, shape, dims, rank)
        if failure == NULL:
            failure = get_names(api, shape, names, rank)
        for axis in range(rank if failure == NULL else 0):
            if dims[axis] < 0 and names[axis][0] == 0:
                return NULL  # ONNX Runtime would take the -1 for the dimension
        if failure == NULL:
            failure = set_output_shape(api, context, 0, shape)
    return failure


# Where the first output may take the place of an input that nobody else needs: every
# element of it is read before the same element of the output is written, and never after.

cdef int[4] _input_indices
cdef int[4] _output_indices


cdef size_t _in_first(int** inputs, int** outputs) noexcept nogil:
    inputs[0], outputs[0] = &_input_indices[0], _output_indices
    return 1


cdef size_t _in_second(int** inputs, int** outputs) noexcept nogil:
    inputs[0], outputs[0] = &_input_indices[1], _output_indices
    return 1


cdef size_t _in_first_or_second(int** inputs, int** outputs) noexcept nogil:
    inputs[0], outputs[0] = &_input_indices[0], _output_indices
    return 2


cdef size_t _in_fourth(int** inputs, int** outputs) noexcept nogil:
    inputs[0], outputs[0] = &_input_indices[3], _output_indices
    return 1


cdef void _keep_indices(int* inputs, int* outputs) noexcept nogil:
    pass


cdef enum:
    _MOST_OPERATORS = 32

cdef Operator[_MOST_OPERATORS] _operators
cdef int _operator_count = 0
cdef OrtCustomOpDomain* _domain = NULL


cdef Operator* _enter(
    const char* name,
    Compute compute,
    size_t inputs,
    int shaped_as,
    int needs,
    InPlace in_place,
) noexcept nogil:
    """Enter an operator into the table."""
    global _operator_count
    cdef Operator* made = &_operators[_operator_count]
    _operator_count += 1
    memset(made, 0, sizeof(made[0]))
    made.name, made.needs = name, needs
    made.inputs, made.outputs = inputs, 1
    made.integers, made.shaped_as = -1, shaped_as
    made.abi.GetName = _name
    made.abi.GetExecutionProviderType = _provider
    made.abi.GetInputType = _input_type
    made.abi.GetInputTypeCount = _inputs
    made.abi.GetOutputType = _output_type
    made.abi.GetOutputTypeCount = _outputs
    made.abi.KernelDestroy = _destroy
    made.abi.GetInputCharacteristic = _input_arity
    made.abi.GetOutputCharacteristic = _output_arity
    made.abi.GetInputMemoryType = _zero
    made.abi.GetVariadicInputMinArity = _one
    made.abi.GetVariadicInputHomogeneity = _one
    made.abi.GetVariadicOutputMinArity = _one
    made.abi.GetVariadicOutputHomogeneity = _one
    made.abi.CreateKernelV2 = _create
    made.abi.KernelComputeV2 = compute
    if shaped_as >= 0:
        made.abi.InferOutputShapeFn = _infer_shape
    made.abi.GetStartVersion = _one
    made.abi.GetEndVersion = _one
    made.abi.GetMayInplace = in_place
    made.abi.ReleaseMayInplace = _keep_indices
    return made


cdef void _fill_table() noexcept nogil:
    global _operator_count
    cdef Operator* made
    cdef int i
    _operator_count = 0
    for i in range(4):
        _input_indices[i], _output_indices[i] = i, 0
    _enter("GatedSum", gated_sum, 2, 0, 0, _in_first_or_second).last = VARIADIC
    _enter("MaxPoolGrad", max_pool_grad, 3, 0, NEEDS_KERNEL, NULL)
    _enter("AveragePoolGrad", average_pool_grad, 2, 0, NEEDS_KERNEL, _in_first)
    _enter("Interleave", interleave, 2, 0, NEEDS_STRIDES, _in_first).last = VARIADIC
    _enter("PixelShuffle", pixel_shuffle, 2, 0, NEEDS_STRIDES | NEEDS_CHANNELS, NULL)
    _enter("DepthwiseGrad", depthwise_grad, 4, 3, NEEDS_KERNEL, _in_fourth)
    made = _enter(
        "ExpandedDepthwise", expanded_depthwise, 5, -1, NEEDS_KERNEL | NEEDS_CHANNELS, NULL
    )
    made.outputs, made.bytes_out = 3, 1 << 1 | 1 << 2
    made = _enter("ExpandedDepthwiseGrad", expanded_depthwise_grad, 6, -1, NEEDS_KERNEL, NULL)
    made.last, made.bytes_in = OPTIONAL, 1 << 1 | 1 << 3
    made = _enter("Pointwise", pointwise, 4, -1, 0, NULL)
    made.last, made.optional = OPTIONAL, 1 << 2
    made = _enter("PointwiseGrad", pointwise_grad, 5, -1, 0, NULL)
    made.last, made.optional = OPTIONAL, 1 << 1 | 1 << 3
    made = _enter("Winograd", winograd, 4, -1, 0, NULL)
    made.last, made.optional = OPTIONAL, 1 << 2
    made = _enter("WinogradGrad", winograd_grad, 5, -1, 0, NULL)
    made.last, made.optional = OPTIONAL, 1 << 1 | 1 << 3
    _enter("LRNGrad", lrn_grad, 2, 0, NEEDS_SIZE, _in_second)
    _enter("Jitter", jitter, 2, -1, NEEDS_MEAN | NEEDS_STD, NULL).integers = 1
    _enter("Unjitter", unjitter, 2, -1, NEEDS_STD, NULL).integers = 1
    _enter("Blur", blur, 2, 0, 0, NULL)
    _enter("Ascend", ascend, 3, 0, 0, _in_first).outputs = 2


cdef OrtStatus* _make_domain(OrtApi api, uint32_t version) noexcept nogil:
    """Make the one domain of this library, which all sessions share."""
    cdef OrtStatus* failure = create_domain(api, "onnxdream", &_domain)
    cdef int i
    _fill_table()
    for i in range(_operator_count):
        _operators[i].api, _operators[i].abi.version = api, version
        if failure == NULL:
            failure = add_operator(api, _domain, &_operators[i].abi)
    return failure


cdef public void* RegisterCustomOps(void* options, void* api_base) noexcept nogil:
    cdef OrtApiBase* base = <OrtApiBase*> api_base
    cdef OrtApi api = base.GetApi(API_VERSION)
    cdef OrtStatus* failure = NULL
    cdef int minor = 0
    if api == NULL:
        # There is nothing to make a status with: what is left is to add no operators.
        return NULL
    if _domain == NULL:
        sscanf(base.GetVersionString(), "1.%d", &minor)
        failure = _make_domain(api, IN_PLACE_VERSION if minor >= IN_PLACE_VERSION else API_VERSION)
    if failure == NULL:
        failure = add_domain(api, <OrtSessionOptions*> options, _domain)
    return failure

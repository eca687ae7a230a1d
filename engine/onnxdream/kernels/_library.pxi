# The table of operators, and what ONNX Runtime asks about each.

from libc.stdio cimport sscanf


cdef enum:
    _MOST_INPUTS = 5


cdef struct Operator:
    # ONNX Runtime hands the address of abi back to us, which is that of the whole.
    OrtCustomOp abi
    const char* name
    size_t inputs
    size_t outputs
    # The input that is of integers, or -1.
    int integers
    # Whether the last input stands for any number of them.
    bint variadic
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
    return INT64 if <int> index == (<const Operator*> op).integers else FLOAT


cdef int _output_type(const OrtCustomOp* op, size_t index) noexcept nogil:
    return FLOAT


cdef int _input_arity(const OrtCustomOp* op, size_t index) noexcept nogil:
    cdef const Operator* asked = <const Operator*> op
    return VARIADIC if asked.variadic and index + 1 == asked.inputs else REQUIRED


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


ctypedef OrtStatus* (*Compute)(void*, OrtKernelContext*) noexcept nogil


cdef Operator _operator(
    const char* name, Compute compute, size_t inputs, size_t outputs, int needs
) noexcept nogil:
    cdef Operator made
    memset(&made, 0, sizeof(made))
    made.name, made.needs = name, needs
    made.inputs, made.outputs = inputs, outputs
    made.integers, made.variadic = -1, False
    made.abi.version = API_VERSION
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
    made.abi.GetStartVersion = _one
    made.abi.GetEndVersion = _one
    return made


cdef enum:
    _OPERATORS = 6

cdef Operator[_OPERATORS] _operators
cdef OrtCustomOpDomain* _domain = NULL


cdef void _fill_table() noexcept nogil:
    _operators[0] = _operator("GatedSum", gated_sum, 2, 1, 0)
    _operators[0].variadic = True
    _operators[1] = _operator("MaxPoolGrad", max_pool_grad, 3, 1, NEEDS_KERNEL)
    _operators[2] = _operator("AveragePoolGrad", average_pool_grad, 2, 1, NEEDS_KERNEL)
    _operators[3] = _operator("Interleave", interleave, 2, 1, NEEDS_STRIDES)
    _operators[3].variadic = True
    _operators[4] = _operator("PixelShuffle", pixel_shuffle, 2, 1, NEEDS_STRIDES | NEEDS_CHANNELS)
    _operators[5] = _operator("DepthwiseGrad", depthwise_grad, 4, 1, NEEDS_KERNEL)


cdef OrtStatus* _make_domain(OrtApi api) noexcept nogil:
    """Make the one domain of this library, which all sessions share."""
    cdef OrtStatus* failure
    cdef int i
    _fill_table()
    failure = create_domain(api, "onnxdream", &_domain)
    for i in range(_OPERATORS):
        if failure == NULL:
            failure = add_operator(api, _domain, &_operators[i].abi)
    return failure


cdef public void* RegisterCustomOps(void* options, void* api_base) noexcept nogil:
    cdef OrtApi api = (<OrtApiBase*> api_base).GetApi(API_VERSION)
    cdef OrtStatus* failure = NULL
    if api == NULL:
        # There is nothing to make a status with: what is left is to add no operators.
        return NULL
    if _domain == NULL:
        failure = _make_domain(api)
    if failure == NULL:
        failure = add_domain(api, <OrtSessionOptions*> options, _domain)
    return failure

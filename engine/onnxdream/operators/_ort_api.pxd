"""The part of ONNX Runtime's C interface that operators of our own need.

ONNX Runtime only ever appends to its tables of functions, so a function is known by
its slot; version 17 of the interface, that of ONNX Runtime 1.17, has every slot used
here. Functions that return a status return NULL where all went well, and otherwise
something for the caller to release or to hand on.
"""

from libc.stdint cimport int64_t, uint32_t


cdef extern from *:
    """
    typedef struct OrtStatus OrtStatus;
    typedef struct OrtValue OrtValue;
    typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
    typedef struct OrtKernelInfo OrtKernelInfo;
    typedef struct OrtKernelContext OrtKernelContext;
    typedef struct OrtShapeInferContext OrtShapeInferContext;
    typedef struct OrtSessionOptions OrtSessionOptions;
    typedef struct OrtCustomOpDomain OrtCustomOpDomain;
    """
    ctypedef struct OrtStatus:
        pass
    ctypedef struct OrtValue:
        pass
    ctypedef struct OrtTensorTypeAndShapeInfo:
        pass
    ctypedef struct OrtKernelInfo:
        pass
    ctypedef struct OrtKernelContext:
        pass
    ctypedef struct OrtShapeInferContext:
        pass
    ctypedef struct OrtSessionOptions:
        pass
    ctypedef struct OrtCustomOpDomain:
        pass


ctypedef void** OrtApi

cdef struct OrtApiBase:
    OrtApi (*GetApi)(uint32_t version) noexcept nogil
    const char* (*GetVersionString)() noexcept nogil


cdef enum:
    API_VERSION = 17
    # The version of an operator from which on GetMayInplace is looked at.
    IN_PLACE_VERSION = 18

cdef enum:
    ORT_FAIL = 1
    ORT_INVALID_ARGUMENT = 2

cdef enum:
    FLOAT = 1
    UINT8 = 2
    INT64 = 7

cdef enum:
    REQUIRED = 0
    OPTIONAL = 1
    VARIADIC = 2


cdef struct OrtCustomOp:
    uint32_t version
    void* (*CreateKernel)(const OrtCustomOp*, OrtApi, const OrtKernelInfo*) noexcept nogil
    const char* (*GetName)(const OrtCustomOp*) noexcept nogil
    const char* (*GetExecutionProviderType)(const OrtCustomOp*) noexcept nogil
    int (*GetInputType)(const OrtCustomOp*, size_t) noexcept nogil
    size_t (*GetInputTypeCount)(const OrtCustomOp*) noexcept nogil
    int (*GetOutputType)(const OrtCustomOp*, size_t) noexcept nogil
    size_t (*GetOutputTypeCount)(const OrtCustomOp*) noexcept nogil
    void (*KernelCompute)(void*, OrtKernelContext*) noexcept nogil
    void (*KernelDestroy)(void*) noexcept nogil
    int (*GetInputCharacteristic)(const OrtCustomOp*, size_t) noexcept nogil
    int (*GetOutputCharacteristic)(const OrtCustomOp*, size_t) noexcept nogil
    int (*GetInputMemoryType)(const OrtCustomOp*, size_t) noexcept nogil
    int (*GetVariadicInputMinArity)(const OrtCustomOp*) noexcept nogil
    int (*GetVariadicInputHomogeneity)(const OrtCustomOp*) noexcept nogil
    int (*GetVariadicOutputMinArity)(const OrtCustomOp*) noexcept nogil
    int (*GetVariadicOutputHomogeneity)(const OrtCustomOp*) noexcept nogil
    OrtStatus* (*CreateKernelV2)(
        const OrtCustomOp*, OrtApi, const OrtKernelInfo*, void**
    ) noexcept nogil
    OrtStatus* (*KernelComputeV2)(void*, OrtKernelContext*) noexcept nogil
    OrtStatus* (*InferOutputShapeFn)(const OrtCustomOp*, OrtShapeInferContext*) noexcept nogil
    int (*GetStartVersion)(const OrtCustomOp*) noexcept nogil
    int (*GetEndVersion)(const OrtCustomOp*) noexcept nogil
    size_t (*GetMayInplace)(int**, int**) noexcept nogil
    void (*ReleaseMayInplace)(int*, int*) noexcept nogil
    size_t (*GetAliasMap)(int**, int**) noexcept nogil
    void (*ReleaseAliasMap)(int*, int*) noexcept nogil


cdef inline OrtStatus* create_status(OrtApi api, int code, const char* message) noexcept nogil:
    return (<OrtStatus* (*)(int, const char*) noexcept nogil> api[0])(code, message)


cdef inline void release_status(OrtApi api, OrtStatus* status) noexcept nogil:
    (<void (*)(OrtStatus*) noexcept nogil> api[93])(status)


# Registering.

cdef inline OrtStatus* create_domain(
    OrtApi api, const char* name, OrtCustomOpDomain** domain
) noexcept nogil:
    return (
        <OrtStatus* (*)(const char*, OrtCustomOpDomain**) noexcept nogil> api[26]
    )(name, domain)


cdef inline OrtStatus* add_operator(
    OrtApi api, OrtCustomOpDomain* domain, const OrtCustomOp* op
) noexcept nogil:
    return (
        <OrtStatus* (*)(OrtCustomOpDomain*, const OrtCustomOp*) noexcept nogil> api[27]
    )(domain, op)


cdef inline OrtStatus* add_domain(
    OrtApi api, OrtSessionOptions* options, OrtCustomOpDomain* domain
) noexcept nogil:
    return (
        <OrtStatus* (*)(OrtSessionOptions*, OrtCustomOpDomain*) noexcept nogil> api[28]
    )(options, domain)


# Attributes. With NULL for an array or a string, only its size is told.

cdef inline OrtStatus* get_attribute_float(
    OrtApi api, const OrtKernelInfo* info, const char* name, float* value
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtKernelInfo*, const char*, float*) noexcept nogil> api[85]
    )(info, name, value)


cdef inline OrtStatus* get_attribute_int64(
    OrtApi api, const OrtKernelInfo* info, const char* name, int64_t* value
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtKernelInfo*, const char*, int64_t*) noexcept nogil> api[86]
    )(info, name, value)


cdef inline OrtStatus* get_attribute_string(
    OrtApi api, const OrtKernelInfo* info, const char* name, char* value, size_t* size
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtKernelInfo*, const char*, char*, size_t*) noexcept nogil> api[87]
    )(info, name, value, size)


cdef inline OrtStatus* get_attribute_floats(
    OrtApi api, const OrtKernelInfo* info, const char* name, float* values, size_t* count
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtKernelInfo*, const char*, float*, size_t*) noexcept nogil> api[162]
    )(info, name, values, count)


cdef inline OrtStatus* get_attribute_int64s(
    OrtApi api, const OrtKernelInfo* info, const char* name, int64_t* values, size_t* count
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtKernelInfo*, const char*, int64_t*, size_t*) noexcept nogil>
        api[163]
    )(info, name, values, count)


# Tensors.

cdef inline OrtStatus* get_input_count(
    OrtApi api, const OrtKernelContext* context, size_t* count
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtKernelContext*, size_t*) noexcept nogil> api[88]
    )(context, count)


cdef inline OrtStatus* get_input(
    OrtApi api, const OrtKernelContext* context, size_t index, const OrtValue** value
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtKernelContext*, size_t, const OrtValue**) noexcept nogil> api[90]
    )(context, index, value)


cdef inline OrtStatus* get_output(
    OrtApi api,
    OrtKernelContext* context,
    size_t index,
    const int64_t* dims,
    size_t rank,
    OrtValue** value,
) noexcept nogil:
    return (
        <OrtStatus* (*)(
            OrtKernelContext*, size_t, const int64_t*, size_t, OrtValue**
        ) noexcept nogil> api[91]
    )(context, index, dims, rank, value)


cdef inline OrtStatus* get_data(OrtApi api, OrtValue* value, void** data) noexcept nogil:
    return (<OrtStatus* (*)(OrtValue*, void**) noexcept nogil> api[51])(value, data)


cdef inline OrtStatus* get_shape(
    OrtApi api, const OrtValue* value, OrtTensorTypeAndShapeInfo** shape
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtValue*, OrtTensorTypeAndShapeInfo**) noexcept nogil> api[65]
    )(value, shape)


cdef inline void release_shape(OrtApi api, OrtTensorTypeAndShapeInfo* shape) noexcept nogil:
    (<void (*)(OrtTensorTypeAndShapeInfo*) noexcept nogil> api[99])(shape)


cdef inline OrtStatus* get_rank(
    OrtApi api, const OrtTensorTypeAndShapeInfo* shape, size_t* rank
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtTensorTypeAndShapeInfo*, size_t*) noexcept nogil> api[61]
    )(shape, rank)


cdef inline OrtStatus* get_dims(
    OrtApi api, const OrtTensorTypeAndShapeInfo* shape, int64_t* dims, size_t rank
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtTensorTypeAndShapeInfo*, int64_t*, size_t) noexcept nogil> api[62]
    )(shape, dims, rank)


# Shapes that are known before a graph runs: a dimension is a number, or -1 and a name.

cdef inline OrtStatus* get_names(
    OrtApi api, const OrtTensorTypeAndShapeInfo* shape, const char** names, size_t rank
) noexcept nogil:
    return (
        <OrtStatus* (*)(const OrtTensorTypeAndShapeInfo*, const char**, size_t) noexcept nogil>
        api[63]
    )(shape, names, rank)


cdef inline OrtStatus* get_input_shape(
    OrtApi api,
    const OrtShapeInferContext* context,
    size_t index,
    OrtTensorTypeAndShapeInfo** shape,
) noexcept nogil:
    """Get a shape that remains the context's."""
    return (
        <OrtStatus* (*)(
            const OrtShapeInferContext*, size_t, OrtTensorTypeAndShapeInfo**
        ) noexcept nogil> api[268]
    )(context, index, shape)


cdef inline OrtStatus* set_output_shape(
    OrtApi api,
    const OrtShapeInferContext* context,
    size_t index,
    const OrtTensorTypeAndShapeInfo* shape,
) noexcept nogil:
    return (
        <OrtStatus* (*)(
            const OrtShapeInferContext*, size_t, const OrtTensorTypeAndShapeInfo*
        ) noexcept nogil> api[270]
    )(context, index, shape)


# Threads.

ctypedef void (*Work)(void* job, size_t item) noexcept nogil

cdef inline OrtStatus* parallel_for(
    OrtApi api, const OrtKernelContext* context, Work work, size_t items, void* job
) noexcept nogil:
    """Call work for every item on the session's threads, whichever is free."""
    return (
        <OrtStatus* (*)(const OrtKernelContext*, Work, size_t, size_t, void*) noexcept nogil>
        api[274]
    )(context, work, items, 0, job)

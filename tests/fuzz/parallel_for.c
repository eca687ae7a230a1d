/* A library of operators in front of another one, for ThreadSanitizer.
 *
 * ONNX Runtime is not sanitized, so that nothing is seen of how it hands work to its threads
 * and waits for them. This library puts another ParallelFor into ONNX Runtime's table, which
 * says so: on what its caller did before, each part may rely, and on what the parts did, their
 * caller. Then it registers the operators of the library that ONNXDREAM_OPERATORS names.
 */

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PARALLEL_FOR = 274 };

typedef void (*Part)(void *, size_t);
typedef void *(*ParallelFor)(const void *, Part, size_t, size_t, void *);

struct Base {
    const void *const *(*get_api)(uint32_t);
    const char *(*get_version)(void);
};

struct Work {
    Part part;
    void *data;
    char begun, done;
};

extern void AnnotateHappensBefore(const char *, int, const volatile void *);
extern void AnnotateHappensAfter(const char *, int, const volatile void *);

static ParallelFor inner;

static void run_part(void *given, size_t index) {
    struct Work *work = given;
    AnnotateHappensAfter(__FILE__, __LINE__, &work->begun);
    work->part(work->data, index);
    AnnotateHappensBefore(__FILE__, __LINE__, &work->done);
}

static void *parallel_for(const void *context, Part part, size_t total, size_t batches, void *data) {
    struct Work *work = malloc(sizeof *work);
    work->part = part;
    work->data = data;
    AnnotateHappensBefore(__FILE__, __LINE__, &work->begun);
    void *status = inner(context, run_part, total, batches, work);
    AnnotateHappensAfter(__FILE__, __LINE__, &work->done);
    free(work);
    return status;
}

static void change(const struct Base *base) {
    ParallelFor *slot = (ParallelFor *)(uintptr_t)(base->get_api(17) + PARALLEL_FOR);
    if (*slot == parallel_for) {
        return;
    }
    uintptr_t page = (uintptr_t)slot & ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1);
    if (mprotect((void *)page, (uintptr_t)(slot + 1) - page, PROT_READ | PROT_WRITE) != 0) {
        abort();
    }
    inner = *slot;
    *slot = parallel_for;
}

void *RegisterCustomOps(void *options, const struct Base *base) {
    void *library = dlopen(getenv("ONNXDREAM_OPERATORS"), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        abort();
    }
    void *(*registered)(void *, const struct Base *) =
        (void *(*)(void *, const struct Base *))(uintptr_t)dlsym(library, "RegisterCustomOps");
    change(base);
    return registered(options, base);
}

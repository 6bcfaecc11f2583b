# cython: language_level=3, freethreading_compatible=True
# _core.pyx: chunk.h for Python, and nothing more: contexts, array handles, calls of operations, runs. All else is plain Python.
#
# One context serves the process. The C library wants its handles used by one thread at a time, and its workers call back into Python; so
# every call takes one lock (`enter`), without the GIL while it waits, and runs go on without the GIL. Code that is called back may not call
# the engine: it would wait for the run that waits for it.
from cpython.buffer cimport PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset


cdef extern from *:
    """
    #include <pthread.h>
    static pthread_mutex_t engine_lock = PTHREAD_MUTEX_INITIALIZER;
    static pthread_mutex_t dead_lock = PTHREAD_MUTEX_INITIALIZER;
    static _Thread_local int called_back;
    static int engine_try(void) { return pthread_mutex_trylock(&engine_lock) == 0; }
    static void engine_wait(void) { pthread_mutex_lock(&engine_lock); }
    static void engine_leave(void) { pthread_mutex_unlock(&engine_lock); }
    /* Arrays whose Python object died while the engine was busy: freed by whoever takes the lock next. */
    struct dead { struct dead *next; void *array; };
    static struct dead *dead_first;
    static void locks_renew(void)
    {
        pthread_mutex_init(&engine_lock, 0);
        pthread_mutex_init(&dead_lock, 0);
        called_back = 0;
        dead_first = 0;
    }
    static void dead_put(void *array)
    {
        struct dead *d = malloc(sizeof *d);
        if (!d) return;  /* leaked: there is no memory to note it */
        pthread_mutex_lock(&dead_lock);
        d->array = array;
        d->next = dead_first;
        dead_first = d;
        pthread_mutex_unlock(&dead_lock);
    }
    static void *dead_take(void)
    {
        if (!dead_first) return 0;
        pthread_mutex_lock(&dead_lock);
        struct dead *d = dead_first;
        void *array = d ? d->array : 0;
        if (d) dead_first = d->next;
        pthread_mutex_unlock(&dead_lock);
        free(d);
        return array;
    }
    static void called_back_add(int n) { called_back += n; }
    static int is_called_back(void) { return called_back; }
    """
    int engine_try() nogil
    void engine_wait() nogil
    void engine_leave() nogil
    void locks_renew() nogil
    void dead_put(void *array) nogil
    void *dead_take() nogil
    void called_back_add(int n) nogil
    int is_called_back() nogil

cdef extern from "Python.h":
    void *PyCapsule_GetPointer(object capsule, const char *name) except NULL
    char *PyByteArray_AsString(object bytes)
    enum:
        PyBUF_READ, PyBUF_WRITE
    object PyMemoryView_FromMemory(char *data, Py_ssize_t n_bytes, int flags)
    int PyErr_CheckSignals() except -1


cdef extern from "<stdbool.h>":
    ctypedef bint cbool "bool"


cdef extern from "chunk.h" nogil:
    ctypedef int chunk_status
    ctypedef struct chunk_context:
        pass
    ctypedef struct chunk_array:
        pass
    ctypedef struct chunk_run:
        pass
    ctypedef int chunk_dtype
    ctypedef struct chunk_error:
        chunk_status code
        int column
        uint64_t needed
        char text[480]
    ctypedef struct chunk_options:
        size_t size
        uint64_t memory
        int threads
        const char *scratch
    ctypedef struct chunk_arg:
        const char *name
        int kind
        chunk_array *array
        int64_t i
        double f[2]
        const char *s
        const chunk_arg *items
        int n_items
    enum:
        CHUNK_ARG_NONE, CHUNK_ARG_ARRAY, CHUNK_ARG_INT, CHUNK_ARG_FLOAT, CHUNK_ARG_COMPLEX, CHUNK_ARG_BOOL, CHUNK_ARG_STRING, CHUNK_ARG_DTYPE
        CHUNK_ARG_TUPLE, CHUNK_ARG_UINT
        CHUNK_PARAM_ARRAY, CHUNK_PARAM_AXIS, CHUNK_PARAM_DTYPE, CHUNK_PARAM_ARRAYS, CHUNK_PARAM_ANY, CHUNK_PARAM_STAR_ARRAYS, CHUNK_PARAM_STAR_ANY
        CHUNK_EUSER, CHUNK_ECANCELED
        CHUNK_MAX_NDIM
    ctypedef struct chunk_op_info:
        const char *name
        const char *aliases
        const char *family
        const char *summary
        const char *doc
        char signature[160]
    ctypedef struct chunk_param_info:
        const char *name
        int kind
        const char *dflt
        bint keyword_only
    ctypedef int (*chunk_write_callback)(void *user, const int64_t *lo, const int64_t *hi, const void *data) noexcept
    ctypedef struct chunk_output:
        size_t size
        chunk_array *array
        const char *file
        const char *dataset
        const int64_t *chunk
        const char *filter
        void *data
        const int64_t *strides
        chunk_write_callback write
        void *user
        bint in_place
        const int64_t *start
        const int64_t *stop
        const int64_t *step
    ctypedef struct chunk_event:
        pass
    ctypedef void (*chunk_event_callback)(void *user, const chunk_event *event) noexcept
    ctypedef struct chunk_run_options:
        size_t size
        bint overwrite
        bint durable
        bint profile
        const char *trace
        uint64_t reserved
        chunk_event_callback event
        void *event_user
    ctypedef struct chunk_progress:
        uint64_t tasks_done
        uint64_t tasks_total
        uint64_t bytes_done
        uint64_t bytes_total
        double seconds
        double seconds_left
    ctypedef struct chunk_report:
        double seconds
        uint64_t ceiling
        uint64_t projected_peak
        uint64_t measured_peak
        uint64_t bytes_read
        uint64_t bytes_written
        uint64_t bytes_spilled
        uint64_t tasks
        int threads
    ctypedef struct chunk_binding:
        const char *name
        chunk_array *array
    ctypedef struct chunk_text:
        pass
    ctypedef struct chunk_tile:
        void *data
        chunk_dtype dtype
        int ndim
        const int64_t *shape
        const int64_t *lo
    ctypedef struct chunk_block:
        int n_in
        const chunk_tile *in_ "in"
        const chunk_tile *out
        const int64_t *block
        const int64_t *n_blocks
        size_t scratch_bytes
    ctypedef int (*chunk_block_callback)(void *user, const chunk_block *block) noexcept
    ctypedef struct chunk_block_function:
        size_t size
        chunk_block_callback run
        void *user
        size_t scratch_bytes
        size_t scratch_per_element
        cbool serial
    ctypedef int (*chunk_read_callback)(void *user, const int64_t *lo, const int64_t *hi, void *out) noexcept

    const char *chunk_version()
    const char *chunk_dtype_name(chunk_dtype d)
    size_t chunk_dtype_size(chunk_dtype d)
    chunk_status chunk_context_new(chunk_context **out, const chunk_options *options, chunk_error *err)
    chunk_status chunk_context_set(chunk_context *ctx, const chunk_options *options, chunk_error *err)
    chunk_status chunk_from_hdf5(chunk_array **out, chunk_context *ctx, const char *file, const char *dataset, chunk_error *err)
    chunk_status chunk_from_memory(chunk_array **out, chunk_context *ctx, const void *data, chunk_dtype dtype, int ndim, const int64_t *shape,
                                   const int64_t *strides, chunk_error *err)
    chunk_status chunk_from_callback(chunk_array **out, chunk_context *ctx, chunk_read_callback read, void *user, chunk_dtype dtype, int ndim,
                                     const int64_t *shape, const int64_t *chunk, bint thread_safe, chunk_error *err)
    chunk_status chunk_from_scalar(chunk_array **out, chunk_context *ctx, chunk_dtype dtype, const void *value, chunk_error *err)
    chunk_array *chunk_array_retain(chunk_array *a)
    void chunk_array_free(chunk_array *a)
    chunk_status chunk_register_blocks(chunk_context *ctx, const char *name, const chunk_block_function *f, chunk_error *err)
    int chunk_array_ndim(const chunk_array *a)
    const int64_t *chunk_array_shape(const chunk_array *a)
    chunk_dtype chunk_array_dtype(const chunk_array *a)
    int64_t chunk_array_count(const chunk_array *a)
    int64_t chunk_array_bounds(const chunk_array *a, int axis, int64_t *bounds, int64_t n)
    chunk_status chunk_call(chunk_array **out, chunk_context *ctx, const char *op, const chunk_arg *args, int n_args, chunk_error *err)
    chunk_status chunk_call_all(chunk_array **out, int max, int *n, chunk_context *ctx, const char *op, const chunk_arg *args, int n_args, chunk_error *err)
    chunk_status chunk_slice(chunk_array **out, chunk_context *ctx, chunk_array *a, const int64_t *start, const int64_t *stop, const int64_t *step,
                             chunk_error *err)
    chunk_status chunk_persist(chunk_array **out, chunk_context *ctx, chunk_array *a, chunk_error *err)
    chunk_status chunk_text_new(chunk_text **out, chunk_context *ctx, const char *text, chunk_error *err)
    void chunk_text_free(chunk_text *t)
    int chunk_text_n_results(const chunk_text *t)
    int chunk_text_n_names(const chunk_text *t)
    const char *chunk_text_name(const chunk_text *t, int i, int *column)
    chunk_status chunk_text_build(chunk_array **results, const chunk_text *t, chunk_context *ctx, const chunk_binding *bindings, int n_bindings,
                                  chunk_error *err)
    chunk_status chunk_to_json(char **out, chunk_context *ctx, chunk_array **arrays, int n, chunk_error *err)
    chunk_status chunk_graph(char **out, chunk_context *ctx, chunk_array **arrays, int n, chunk_error *err)
    chunk_status chunk_to_json_memory(char **out, chunk_array **memory, int max, int *n_memory, chunk_context *ctx, chunk_array **arrays, int n,
                                      chunk_error *err)
    chunk_status chunk_from_json_memory(chunk_array **out, int max, int *n, chunk_context *ctx, const char *json, size_t n_bytes, chunk_array **memory,
                                        int n_memory, chunk_error *err)
    void chunk_string_free(char *s)
    int chunk_op_count()
    chunk_status chunk_op_get(int i, chunk_op_info *out)
    chunk_status chunk_op_param(int i, int k, chunk_param_info *out)
    chunk_status chunk_run_start(chunk_run **out, chunk_context *ctx, const chunk_output *outputs, int n_outputs, const chunk_run_options *options,
                                 chunk_error *err)
    chunk_status chunk_run_wait(chunk_run *run, double seconds, cbool *done)
    void chunk_run_progress(chunk_run *run, chunk_progress *out)
    const char *chunk_run_warning(const chunk_run *run)
    void chunk_run_cancel(chunk_run *run)
    chunk_status chunk_run_finish(chunk_run *run, chunk_report *report, chunk_error *err)
    char *chunk_run_profile(chunk_run *run, bint json)
    chunk_status chunk_explain(char **text, chunk_context *ctx, const chunk_output *outputs, int n_outputs, const chunk_run_options *options, bint json,
                               chunk_report *report, chunk_error *err)


cdef extern from "_record.h" nogil:
    ctypedef struct cost_of "struct cost":
        pass
    ctypedef struct call_begun "struct call_begun":
        pass
    ctypedef struct record_entry "struct record_entry":
        pass
    ctypedef struct record "struct record":
        int n_passes
        size_t used
        uint64_t resident_before
        char[64][96] name
        record_entry *entry
    record *record_new()
    void record_begin(record *r)
    uint64_t record_resident(const record *r)
    void record_event(void *user, const chunk_event *event) noexcept
    void thread_attach()
    int count_with(void *numpy_functions) except -1
    void *handler_enter()
    void handler_leave(void *old)
    call_begun cost_begin()
    void cost_end(cost_of *c, const call_begun *b, uint64_t granted)
    void cost_more(cost_of *c, uint64_t used)
    void cost_clear(cost_of *c)
    void cost_get(cost_of *c, uint64_t *out)


cdef enum:
    MAX_ARGS = 32

cdef chunk_context *context = NULL
cdef chunk_options settings
cdef object scratch_bytes = None
cdef bint settings_changed = True
cdef int generation = 0  # counts forks: handles of the parent are of no use in the child
cdef chunk_run *running = NULL
cdef bint ending = False
cdef record *recorder = NULL     # of the run that goes on, or went on last: filled under the engine's lock

DTYPES = tuple(chunk_dtype_name(<chunk_dtype>i).decode() for i in range(14))
cdef dict dtype_numbers = {name: i for i, name in enumerate(DTYPES)}
__version__ = chunk_version().decode()

# Set by the Python side: the class of arrays, what makes an array of any other object, the number of a dtype, an exception for an error.
cdef object array_type = None
cdef object to_array = None
cdef object to_dtype = None
cdef object to_error = None
cdef object to_warning = None


def setup(type_, array, dtype, error, warning):
    """Tells the class of arrays and the functions that the bindings call: object to array, dtype to name, error to exception, warning to whoever hears it."""
    global array_type, to_array, to_dtype, to_error, to_warning
    array_type, to_array, to_dtype, to_error, to_warning = type_, array, dtype, error, warning


# ---- the lock and the context

from _thread import get_ident

consumers = set()        # threads that take the blocks of a stream, whose run holds the lock: they must not wait for it


cdef int enter() except -1:
    """Takes the engine's lock, with the context as the settings want it."""
    global context, settings_changed
    cdef chunk_error err
    cdef chunk_status st
    cdef chunk_context *made = NULL
    if is_called_back():
        raise RuntimeError("libchunk: a function that a run calls cannot use libchunk arrays: give it what it needs as NumPy arrays")
    if not engine_try():
        if consumers and get_ident() in consumers:
            raise RuntimeError("libchunk: a stream is open in this thread: take its last block or close() it before other arrays are used")
        with nogil:
            engine_wait()
    free_dead()
    if settings_changed:
        settings.size = sizeof(chunk_options)
        settings.scratch = NULL if scratch_bytes is None else <const char *>scratch_bytes
        with nogil:
            st = chunk_context_set(context, &settings, &err) if context else chunk_context_new(&made, &settings, &err)
        if st:
            engine_leave()
            fail(&err, None)
        if not context:
            context = made
        settings_changed = False
    return 0


cdef void free_dead() noexcept:
    cdef void *a = dead_take()
    while a:
        chunk_array_free(<chunk_array *>a)
        a = dead_take()


cdef int fail(const chunk_error *err, object op) except -1:
    raise to_error(err.code, err.text.decode("utf-8", "replace"), err.needed, op)


def configure(memory, threads, scratch):
    """Settings of all later calls: bytes (0: default), workers (0: default), a folder or None."""
    global scratch_bytes, settings_changed
    settings.memory = memory
    settings.threads = threads
    scratch_bytes = scratch
    settings_changed = True


def after_fork():
    """In a child: the parent's context and arrays are left alone, a new context is made when one is needed."""
    global context, generation, settings_changed, running, recorder
    locks_renew()
    context = NULL
    running = NULL
    recorder = NULL
    generation += 1
    settings_changed = True


def shutdown():
    """Cancels a run that other threads wait for, and those that they start: called before the interpreter ends."""
    global ending
    ending = True
    cancel()
    with nogil:
        engine_wait()
        engine_leave()


def called_back():
    """Whether this is a function that a run calls."""
    return is_called_back() != 0


def count_memory(object numpy_functions):
    """From now on reports tell how much memory Python functions take for NumPy's arrays; the argument is NumPy's capsule of its C functions."""
    count_with(PyCapsule_GetPointer(numpy_functions, NULL))


def dtype_size(str name):
    """Bytes of an element."""
    return chunk_dtype_size(dtype_numbers[name])


def measured(object function):
    """Calls it; the most bytes that it took for NumPy's arrays."""
    cdef void *handler = handler_enter()
    cdef call_begun begun = cost_begin()
    cdef cost_of cost
    cdef uint64_t[4] v
    cost_clear(&cost)
    try:
        function()
    finally:
        cost_end(&cost, &begun, 0)
        handler_leave(handler)
    cost_get(&cost, v)
    return v[3]


def cancel():
    """Cancels the run that goes on, if any."""
    if running:
        chunk_run_cancel(running)


# ---- handles

cdef class Base:
    """A handle of the engine: what an array is, without what it can do."""
    cdef chunk_array *a
    cdef int born
    cdef readonly object owners   # frozenset of what owns the memory and the functions that the expression reads
    cdef object shape_
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.a = NULL
        self.born = generation
        self.owners = frozenset()
        self.shape_ = None

    def __dealloc__(self):
        if self.a == NULL or self.born != generation:
            return
        if engine_try():
            chunk_array_free(self.a)
            engine_leave()
        else:
            dead_put(self.a)

    @property
    def shape(self):
        """Extents of the axes, a tuple of int."""
        cdef const int64_t *s
        if self.shape_ is None:
            check(self)
            s = chunk_array_shape(self.a)
            self.shape_ = tuple([s[i] for i in range(chunk_array_ndim(self.a))])
        return self.shape_

    @property
    def ndim(self):
        """Number of axes."""
        return chunk_array_ndim(check(self))

    @property
    def size(self):
        """Number of elements."""
        return chunk_array_count(check(self))

    @property
    def nbytes(self):
        """Bytes that all elements take in memory."""
        return chunk_array_count(check(self)) * chunk_dtype_size(chunk_array_dtype(self.a))

    @property
    def itemsize(self):
        """Bytes of one element."""
        return chunk_dtype_size(chunk_array_dtype(check(self)))

    @property
    def dtype_name(self):
        """NumPy's name of the dtype."""
        return DTYPES[chunk_array_dtype(check(self))]

    def _bounds(self, int axis):
        """First indices of the chunks along an axis, and the extent."""
        cdef int64_t n = chunk_array_bounds(check(self), axis, NULL, 0)
        if n <= 1:
            return [0, self.shape[axis]]
        import array
        room = array.array("q", bytes(8 * (n + 1)))
        cdef Py_buffer view
        PyObject_GetBuffer(room, &view, PyBUF_WRITABLE)
        chunk_array_bounds(self.a, axis, <int64_t *>view.buf, n + 1)
        PyBuffer_Release(&view)
        return room.tolist()

    def _n_chunks(self, int axis):
        """Number of chunks along an axis."""
        return chunk_array_bounds(check(self), axis, NULL, 0)

    def _rebind(self, Base other):
        """Becomes what other is; other becomes what this was."""
        check(other)
        check(self)
        self.a, other.a = other.a, self.a
        self.owners, other.owners = other.owners, self.owners
        self.shape_, other.shape_ = other.shape_, self.shape_


cdef chunk_array *check(Base b) except NULL:
    if b.a == NULL:
        raise ValueError("libchunk: an array that was never made: use from_hdf5, from_array or a creation function")
    if b.born != generation:
        raise RuntimeError("libchunk: this array belongs to the parent process: make it anew after fork, or send it by pickle")
    return b.a


cdef Base wrap(chunk_array *a, object owners):
    cdef Base b = array_type.__new__(array_type)
    b.a = a
    b.owners = owners
    return b


def again(Base x):
    """A second handle of the same expression."""
    cdef chunk_array *a = check(x)
    enter()
    chunk_array_retain(a)
    engine_leave()
    return wrap(a, x.owners)


cdef class Owner:
    """Keeps alive what an expression reads or a run writes: a buffer, or a function that is called with boxes and their memory."""
    cdef Py_buffer view
    cdef bint held
    cdef object call
    cdef int ndim
    cdef size_t itemsize
    cdef object error             # of the last failing call
    cdef readonly object label    # of a function: its name in reports
    cdef cost_of cost             # of a function: what it took in the run

    def __cinit__(self):
        self.held = False
        cost_clear(&self.cost)

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)

    cdef object take_error(self):
        error, self.error = self.error, None
        return error

    cdef cost_of *costs(self):
        return &self.cost


# ---- sources

def from_hdf5(bytes file, bytes dataset):
    """FILE:/DATASET, opened for reading."""
    cdef chunk_array *a = NULL
    cdef chunk_error err
    cdef chunk_status st
    cdef const char *f = file
    cdef const char *d = dataset
    enter()
    with nogil:
        st = chunk_from_hdf5(&a, context, f, d, &err)
    engine_leave()
    if st:
        fail(&err, None)
    return wrap(a, frozenset())


def from_buffer(object obj, str dtype):
    """The memory of an object with a buffer, not copied."""
    cdef Owner owner = Owner()
    cdef chunk_array *a = NULL
    cdef chunk_error err
    cdef chunk_status st
    cdef int64_t[32] shape
    cdef int64_t[32] strides
    cdef char nothing
    PyObject_GetBuffer(obj, &owner.view, PyBUF_STRIDES)
    owner.held = True
    cdef int ndim = owner.view.ndim, number = dtype_numbers[dtype]
    if ndim > CHUNK_MAX_NDIM:
        raise ValueError(f"libchunk: {ndim} dimensions: 0 to {CHUNK_MAX_NDIM} can be handled")
    for i in range(ndim):
        shape[i] = owner.view.shape[i]
        strides[i] = owner.view.strides[i]
    enter()
    st = chunk_from_memory(&a, context, owner.view.buf if owner.view.buf else &nothing, number, ndim, shape, strides if ndim else NULL, &err)
    engine_leave()
    if st:
        fail(&err, None)
    return wrap(a, frozenset((owner,)))


def from_scalar(object buffer, str dtype):
    """One value, copied from a buffer; its dtype is kept in promotion, unlike that of a plain number."""
    cdef Py_buffer view
    cdef chunk_array *a = NULL
    cdef chunk_error err
    cdef chunk_status st
    cdef int number = dtype_numbers[dtype]
    PyObject_GetBuffer(buffer, &view, 0)
    try:
        enter()
        st = chunk_from_scalar(&a, context, number, view.buf, &err)
        engine_leave()
    finally:
        PyBuffer_Release(&view)
    if st:
        fail(&err, None)
    return wrap(a, frozenset())


cdef int read_box(void *user, const int64_t *lo, const int64_t *hi, void *out) noexcept nogil:
    thread_attach()
    return read_box_gil(user, lo, hi, out)


cdef int read_box_gil(void *user, const int64_t *lo, const int64_t *hi, void *out) noexcept with gil:
    cdef Owner owner = <Owner>user
    cdef void *handler = handler_enter()
    cdef call_begun begun = cost_begin()
    called_back_add(1)
    try:
        owner.call(box_of(lo, hi, owner.ndim), memory_of(out, lo, hi, owner.ndim, owner.itemsize, True))
        return 0
    except BaseException as e:
        owner.error = e
        return 1
    finally:
        called_back_add(-1)
        cost_end(&owner.cost, &begun, 0)
        handler_leave(handler)


cdef int write_box(void *user, const int64_t *lo, const int64_t *hi, const void *data) noexcept nogil:
    thread_attach()
    return write_box_gil(user, lo, hi, data)


cdef int write_box_gil(void *user, const int64_t *lo, const int64_t *hi, const void *data) noexcept with gil:
    cdef Owner owner = <Owner>user
    cdef void *handler = handler_enter()
    cdef call_begun begun = cost_begin()
    called_back_add(1)
    try:
        owner.call(box_of(lo, hi, owner.ndim), memory_of(<void *>data, lo, hi, owner.ndim, owner.itemsize, False))
        return 0
    except BaseException as e:
        owner.error = e
        return 1
    finally:
        called_back_add(-1)
        cost_end(&owner.cost, &begun, 0)
        handler_leave(handler)


cdef Owner called(object function, int ndim, str dtype, object label):
    cdef Owner owner = Owner()
    owner.label = label
    owner.call = function
    owner.ndim = ndim
    owner.itemsize = chunk_dtype_size(dtype_numbers[dtype])
    return owner


cdef object box_of(const int64_t *lo, const int64_t *hi, int ndim):
    return tuple([slice(lo[i], hi[i]) for i in range(ndim)])


cdef object memory_of(void *data, const int64_t *lo, const int64_t *hi, int ndim, size_t itemsize, bint writable):
    cdef Py_ssize_t n = itemsize
    for i in range(ndim):
        n *= hi[i] - lo[i]
    return PyMemoryView_FromMemory(<char *>data, n, PyBUF_WRITE if writable else PyBUF_READ)


def from_reader(object read, str dtype, tuple shape, object chunks, bint thread_safe, object label):
    """An array whose boxes read(slices, memory) puts into memory: dense, in C order. label: its name in reports."""
    cdef chunk_array *a = NULL
    cdef chunk_error err
    cdef chunk_status st
    cdef int64_t[32] extent
    cdef int64_t[32] chunk
    cdef int ndim = len(shape)
    cdef Owner owner = called(read, ndim, dtype, label)
    cdef int number = dtype_numbers[dtype]
    if ndim > CHUNK_MAX_NDIM:
        raise ValueError(f"libchunk: {ndim} dimensions: 0 to {CHUNK_MAX_NDIM} can be handled")
    for i in range(ndim):
        extent[i] = shape[i]
        chunk[i] = chunks[i] if chunks is not None else 1
    enter()
    st = chunk_from_callback(&a, context, read_box, <void *>owner, number, ndim, extent, chunk if chunks is not None else NULL,
                             thread_safe, &err)
    engine_leave()
    if st:
        fail(&err, None)
    return wrap(a, frozenset((owner,)))


# ---- calls of operations

def operations():
    """The table: for each operation name, aliases, family, summary, doc and parameters (name, kind, default, keyword only)."""
    cdef chunk_op_info info
    cdef chunk_param_info p
    table = []
    for i in range(chunk_op_count()):
        chunk_op_get(i, &info)
        params = []
        k = 0
        while chunk_op_param(i, k, &p) == 0:
            params.append((p.name.decode(), p.kind, None if p.dflt == NULL else p.dflt.decode(), bool(p.keyword_only)))
            k += 1
        table.append((info.name.decode(), () if info.aliases == NULL else tuple(info.aliases.decode().split()), info.family.decode(),
                      info.summary.decode(), "" if info.doc == NULL else info.doc.decode(), tuple(params)))
    return table


PARAM_ARRAY, PARAM_AXIS, PARAM_DTYPE, PARAM_ARRAYS = CHUNK_PARAM_ARRAY, CHUNK_PARAM_AXIS, CHUNK_PARAM_DTYPE, CHUNK_PARAM_ARRAYS
PARAM_STARS = {CHUNK_PARAM_STAR_ARRAYS: CHUNK_PARAM_ARRAY, CHUNK_PARAM_STAR_ANY: CHUNK_PARAM_ANY}   # and what each positional argument then is


cdef class Call:
    """Arguments of one call, and what keeps them alive while it lasts."""
    cdef chunk_arg[32] arg
    cdef chunk_arg[48] item       # of tuples, while there is room
    cdef int n_args, n_items
    cdef list held
    cdef object owners

    def __cinit__(self):
        self.n_args = self.n_items = 0
        self.held = []
        self.owners = None

    cdef int array(self, chunk_arg *a, Base b) except -1:
        a.kind = CHUNK_ARG_ARRAY
        a.array = check(b)
        self.held.append(b)
        if self.owners is None or not self.owners:
            self.owners = b.owners
        elif b.owners and b.owners is not self.owners and not b.owners <= self.owners:
            self.owners = self.owners | b.owners
        return 0

    cdef int whole(self, chunk_arg *a, object v) except -1:
        if -0x8000000000000000 <= v <= 0x7fffffffffffffff:
            a.kind = CHUNK_ARG_INT
            a.i = v
        elif 0 <= v <= 0xffffffffffffffff:
            a.kind = CHUNK_ARG_UINT
            a.i = <int64_t><uint64_t>v
        else:
            raise OverflowError(f"Python integer {v} out of bounds for every dtype")
        return 0

    cdef int fill(self, chunk_arg *a, object v, int kind) except -1:
        t = type(v)
        if v is None:
            a.kind = CHUNK_ARG_NONE
        elif isinstance(v, Base):
            self.array(a, v)
        elif t is bool:
            a.kind = CHUNK_ARG_BOOL
            a.i = v
        elif kind == CHUNK_PARAM_DTYPE:
            a.kind = CHUNK_ARG_DTYPE
            a.i = dtype_numbers[v if t is str and v in dtype_numbers else to_dtype(v)]
        elif t is int:
            self.whole(a, v)
        elif t is float:
            a.kind = CHUNK_ARG_FLOAT
            a.f[0] = v
        elif t is complex:
            a.kind = CHUNK_ARG_COMPLEX
            a.f[0] = v.real
            a.f[1] = v.imag
        elif t is str:
            s = v.encode()
            self.held.append(s)
            a.kind = CHUNK_ARG_STRING
            a.s = s
        elif t is slice:
            self.tuple(a, (v.start, v.stop, v.step), kind)
        elif (t is tuple or t is list) and kind != CHUNK_PARAM_ARRAY:
            self.tuple(a, v, CHUNK_PARAM_ARRAY if kind == CHUNK_PARAM_ARRAYS else kind)
        else:
            other = to_array(v, kind)
            if other is v or type(other) is t:
                raise TypeError(f"libchunk: an argument of type {t.__name__} is of no use here")
            self.fill(a, other, kind)
        return 0

    cdef int tuple(self, chunk_arg *a, object values, int kind) except -1:
        cdef int n = len(values)
        cdef chunk_arg *items = &self.item[self.n_items]
        if self.n_items + n <= 48:
            self.n_items += n
        else:
            block = bytearray(n * sizeof(chunk_arg))
            self.held.append(block)
            items = <chunk_arg *>PyByteArray_AsString(block)
        a.kind = CHUNK_ARG_TUPLE
        a.items = items
        a.n_items = n
        for i in range(n):
            memset(&items[i], 0, sizeof(chunk_arg))
            self.fill(&items[i], values[i], kind)
        return 0


cdef Call filled(str name, list arguments):
    cdef Call c = Call()
    cdef chunk_arg *arg
    if len(arguments) > MAX_ARGS:
        raise TypeError(f"{name}: {len(arguments)} arguments: at most {MAX_ARGS}")
    for param, kind, value in arguments:
        arg = &c.arg[c.n_args]
        memset(arg, 0, sizeof(chunk_arg))
        if param is not None:
            arg.name = param
        c.n_args += 1
        c.fill(arg, value, kind)
    return c


cdef object invoke(chunk_array **out, int most, int *n, str name, list arguments):
    """One result of an operation, or with n all of them; the owners of what they read."""
    cdef Call c = filled(name, arguments)
    cdef chunk_error err
    cdef chunk_status st
    cdef bytes op = name.encode()
    cdef const char *s = op
    enter()
    with nogil:
        st = chunk_call_all(out, most, n, context, s, c.arg, c.n_args, &err) if n else chunk_call(out, context, s, c.arg, c.n_args, &err)
        engine_leave()
    if st:
        reraise(st, c.owners)
        fail(&err, name)
    return c.owners if c.owners is not None else frozenset()


def call(str name, list arguments, Owner owner=None):
    """Calls an operation with (parameter's name as bytes or None, kind, value) for each argument. owner is kept by the result."""
    cdef chunk_array *a = NULL
    owners = invoke(&a, 1, NULL, name, arguments)
    return wrap(a, owners if owner is None else owners | {owner})


def call_all(str name, list arguments):
    """All results of an operation that has several, a list."""
    cdef chunk_array *a[4096]
    cdef int n = 0
    owners = invoke(a, 4096, &n, name, arguments)
    return [wrap(a[i], owners) for i in range(n)]


cdef int reraise(chunk_status st, object owners) except -1:
    """What a callback raised, where the run failed for that."""
    if st == CHUNK_EUSER and owners is not None:
        for o in owners:
            error = (<Owner>o).take_error()
            if error is not None:
                raise error
    return 0


def slice_(Base x, list start, list stop, list step):
    """Basic slicing with one start, stop and step an axis, already made exact by slice.indices."""
    cdef int64_t[3][32] v
    cdef chunk_array *a = NULL
    cdef chunk_error err
    cdef chunk_status st
    check(x)
    for i in range(len(start)):
        v[0][i] = start[i]
        v[1][i] = stop[i]
        v[2][i] = step[i]
    enter()
    st = chunk_slice(&a, context, x.a, v[0], v[1], v[2], &err)
    engine_leave()
    if st:
        fail(&err, "slice")
    return wrap(a, x.owners)


def persist(Base x):
    """Computed once a run and kept for all its uses."""
    cdef chunk_array *a = NULL
    cdef chunk_error err
    cdef chunk_status st
    check(x)
    enter()
    st = chunk_persist(&a, context, x.a, &err)
    engine_leave()
    if st:
        fail(&err, "persist")
    return wrap(a, x.owners)


# ---- Python functions over blocks

cdef object tile_of(const chunk_tile *t, bint writable):
    cdef int64_t[32] zero
    memset(zero, 0, sizeof(zero))
    return (memory_of(t.data, zero, t.shape, t.ndim, chunk_dtype_size(t.dtype), writable), DTYPES[t.dtype], tuple([t.shape[i] for i in range(t.ndim)]),
            tuple([t.lo[i] for i in range(t.ndim)]))


cdef int run_block(void *user, const chunk_block *b) noexcept nogil:
    thread_attach()
    return run_block_gil(user, b)


cdef int run_block_gil(void *user, const chunk_block *b) noexcept with gil:
    cdef Owner owner = <Owner>user
    cdef int ndim = b.out.ndim
    cdef void *handler = handler_enter()
    cdef call_begun begun = cost_begin()
    called_back_add(1)
    try:
        used = owner.call([tile_of(&b.in_[i], False) for i in range(b.n_in)], tile_of(b.out, True), tuple([b.block[i] for i in range(ndim)]),
                          tuple([b.n_blocks[i] for i in range(ndim)]))
        if used is not None:
            cost_more(&owner.cost, used)
        return 0
    except BaseException as e:
        owner.error = e
        return 1
    finally:
        called_back_add(-1)
        cost_end(&owner.cost, &begun, b.scratch_bytes)
        handler_leave(handler)


# Registered functions live as long as the context, so a name is used again when no array is left that calls its function: kept by what they
# ask for (scratch bytes, and for an element, serial) and by the context.
cdef dict idle_slots = {}
cdef int n_slots = 0


cdef class Lease(Owner):
    """A registered name, while arrays use it."""
    cdef Owner slot
    cdef tuple key
    cdef readonly str name
    cdef readonly object executor     # where the function runs, if not in the engine's threads

    def __dealloc__(self):
        if self.slot is not None and self.key[3] == generation:
            self.slot.call = None
            idle_slots.setdefault(self.key, []).append((self.name, self.slot))

    cdef object take_error(self):
        return self.slot.take_error()

    cdef cost_of *costs(self):
        return &self.slot.cost


def lease(object function, size_t scratch_bytes, size_t scratch_per_element, bint serial, object label, object executor=None):
    """A name under which the operations over blocks know a function(inputs, output, block, blocks); tiles are (memory, dtype, shape, first index).
    Whoever uses the name keeps the lease among the owners of its arrays. label: the function's name in reports."""
    global n_slots
    cdef Lease l = Lease()
    cdef chunk_block_function f
    cdef chunk_error err
    cdef chunk_status st
    cdef Owner slot
    key = (scratch_bytes, scratch_per_element, serial, generation)
    idle = idle_slots.get(key)
    if idle:
        l.name, slot = idle.pop()
    else:
        slot = Owner()
        n_slots += 1
        l.name = f"_python_{n_slots}"
        name = l.name.encode()
        memset(&f, 0, sizeof(chunk_block_function))
        f.size = sizeof(chunk_block_function)
        f.run = run_block
        f.user = <void *>slot
        f.scratch_bytes = scratch_bytes
        f.scratch_per_element = scratch_per_element
        f.serial = serial
        enter()
        st = chunk_register_blocks(context, name, &f, &err)
        engine_leave()
        if st:
            fail(&err, None)
        kept_slots.append(slot)
    slot.call = function
    slot.error = None
    l.slot = slot
    l.key = key
    l.label = label
    l.executor = executor
    return l


cdef list kept_slots = []


# ---- text and JSON

def evaluate(bytes text, object bind):
    """Arrays of expressions in text; bind(names) gives the arrays of the names that it uses."""
    cdef chunk_text *t = NULL
    cdef chunk_error err
    cdef chunk_status st
    cdef chunk_binding[64] binding
    cdef (chunk_array *)[64] result
    cdef const char *s = text
    cdef int n_results, n_names, i
    enter()
    st = chunk_text_new(&t, context, s, &err)
    if st == 0:
        n_results = chunk_text_n_results(t)
        n_names = chunk_text_n_names(t)
    engine_leave()
    if st:
        fail(&err, "evaluate")
    try:
        if n_results > 64 or n_names > 64:
            raise ValueError("libchunk: more than 64 results or names in one text")
        names = [chunk_text_name(t, i, NULL) for i in range(n_names)]
        arrays = bind([n.decode() for n in names])
        owners = frozenset()
        for i in range(n_names):
            binding[i].name = names[i]
            binding[i].array = check(arrays[i])
            owners |= (<Base>arrays[i]).owners
        enter()
        with nogil:
            st = chunk_text_build(result, t, context, binding, n_names, &err)
            engine_leave()
        if st:
            reraise(st, owners)
            fail(&err, "evaluate")
        return [wrap(result[i], owners) for i in range(n_results)]
    finally:
        enter()
        chunk_text_free(t)
        engine_leave()


def to_json(Base x):
    """The canonical JSON form, str."""
    cdef char *text = NULL
    cdef chunk_error err
    cdef chunk_status st
    check(x)
    enter()
    st = chunk_to_json(&text, context, &x.a, 1, &err)
    engine_leave()
    if st:
        fail(&err, "pickle")
    try:
        return text.decode()
    finally:
        chunk_string_free(text)


def to_json_memory(Base x):
    """The JSON form, in which what lies in memory is memory:0, memory:1, ..., and these arrays."""
    cdef char *text = NULL
    cdef chunk_error err
    cdef chunk_status st
    cdef int n = 0, room = 1024      # as many results as a run may have: their values are taken in one
    cdef chunk_array **memory = <chunk_array **>calloc(room, sizeof(chunk_array *))
    if memory == NULL:
        raise MemoryError()
    try:
        check(x)
        enter()
        st = chunk_to_json_memory(&text, memory, room, &n, context, &x.a, 1, &err)
        engine_leave()
        if st:
            fail(&err, "pickle")
        arrays = [wrap(memory[i], x.owners) for i in range(n)]
        return text.decode(), arrays
    finally:
        free(memory)
        chunk_string_free(text)


def graph(list arrays):
    """The graph of expressions for people, as JSON text."""
    cdef (chunk_array *)[1024] a
    cdef char *text = NULL
    cdef chunk_error err
    cdef chunk_status st
    cdef int n = len(arrays)
    if n > 1024:
        raise ValueError(f"libchunk: {n} arrays in one graph: at most 1024")
    for i in range(n):
        a[i] = check(arrays[i])
    enter()
    st = chunk_graph(&text, context, a, n, &err)
    engine_leave()
    if st:
        fail(&err, "visualize")
    try:
        return text.decode("utf-8", "replace")
    finally:
        chunk_string_free(text)


def from_json(str text, list memory):
    """The array of a JSON form, with the arrays in memory that it names."""
    cdef bytes b = text.encode()
    cdef const char *s = b
    cdef size_t n_bytes = len(b)
    cdef (chunk_array *)[1] a
    cdef chunk_error err
    cdef chunk_status st
    cdef int n = 0, n_memory = len(memory)
    cdef chunk_array **given = <chunk_array **>calloc(n_memory + 1, sizeof(chunk_array *))
    if given == NULL:
        raise MemoryError()
    try:
        owners = frozenset()
        for i in range(n_memory):
            given[i] = check(memory[i])
            owners |= (<Base>memory[i]).owners
        enter()
        with nogil:
            st = chunk_from_json_memory(a, 1, &n, context, s, n_bytes, given, n_memory, &err)
            engine_leave()
        if st:
            fail(&err, "from_json")
        return wrap(a[0], owners)
    finally:
        free(given)


# ---- runs

cdef class Outputs:
    """Where results go. Targets are (buffer,), (file, dataset, chunks, filter), (file, dataset, region) for new values in place, (function, chunks), or () for an
    array without elements."""
    cdef chunk_output *out
    cdef Py_buffer *view
    cdef int n, n_views
    cdef list held, arrays
    cdef object owners

    def __cinit__(self, list outputs):
        cdef Py_ssize_t n = len(outputs)
        self.n = self.n_views = 0
        self.held = []
        self.arrays = []
        self.owners = frozenset()
        self.out = <chunk_output *>calloc(n + 1, sizeof(chunk_output))
        self.view = <Py_buffer *>calloc(n + 1, sizeof(Py_buffer))
        if self.out == NULL or self.view == NULL:
            raise MemoryError()
        for x, target in outputs:
            self.add(x, target)

    def __dealloc__(self):
        for i in range(self.n_views):
            PyBuffer_Release(&self.view[i])
        free(self.out)
        free(self.view)

    cdef int add(self, Base x, tuple target) except -1:
        cdef chunk_output *o = &self.out[self.n]
        o.size = sizeof(chunk_output)
        o.array = check(x)
        self.n += 1
        self.held.append(target)
        self.arrays.append(x)
        if x.owners:
            self.owners |= x.owners
        if len(target) == 1:
            self.memory(o, target[0])
        elif len(target) == 2:
            owner = called(target[0], chunk_array_ndim(o.array), DTYPES[chunk_array_dtype(o.array)], "store")
            self.held.append(owner)
            self.owners |= {owner}
            o.write = write_box
            o.user = <void *>owner
            self.extents(o, target[1])
        elif len(target) == 3:
            file, dataset, region = target
            o.file = file
            o.dataset = dataset
            o.in_place = True
            o.start = self.numbers(region[0])
            o.stop = self.numbers(region[1])
            o.step = self.numbers(region[2])
        elif len(target) == 4:
            file, dataset, chunks, filter = target
            o.file = file
            o.dataset = dataset
            if filter is not None:
                o.filter = filter
            self.extents(o, chunks)
        return 0

    cdef int memory(self, chunk_output *o, object buffer) except -1:
        cdef Py_buffer *view = &self.view[self.n_views]
        PyObject_GetBuffer(buffer, view, PyBUF_STRIDES | PyBUF_WRITABLE)
        self.n_views += 1
        if chunk_array_count(o.array):
            o.data = view.buf
            if view.ndim:
                o.strides = <const int64_t *>view.strides
        return 0

    cdef int extents(self, chunk_output *o, object chunks) except -1:
        if chunks is not None:
            o.chunk = self.numbers(chunks)
        return 0

    cdef const int64_t *numbers(self, object values) except NULL:
        """One number an axis, kept as long as this."""
        cdef Extents e = Extents()
        for i in range(len(values)):
            e.v[i] = values[i]
        self.held.append(e)
        return e.v


cdef class Extents:
    cdef int64_t[32] v


cdef tuple report_of(const chunk_report *r):
    return (r.seconds, r.ceiling, r.projected_peak, r.measured_peak, r.bytes_read, r.bytes_written, r.bytes_spilled, r.tasks, r.threads)


cdef list functions_of(object owners):
    """(name, calls, seconds, bytes granted, bytes used) of the Python functions that a run called."""
    cdef uint64_t[4] v
    told = []
    for o in owners:
        if (<Owner>o).label is not None:
            cost_get((<Owner>o).costs(), v)
            if v[0]:
                told.append(((<Owner>o).label, v[0], v[1] * 1e-9, v[2], v[3]))
    return told


cdef tuple recorded():
    """(events as bytes, names of passes, resident bytes of the process before the run) of the run that has ended."""
    return (PyBytes_FromStringAndSize(<char *>recorder.entry, recorder.used * sizeof(record_entry)),
            tuple([recorder.name[i].decode("utf-8", "replace") for i in range(recorder.n_passes)]), recorder.resident_before)


cdef uint64_t held_elsewhere(object owners) except? 0:
    """Bytes that the executors of functions hold in other processes."""
    cdef uint64_t n = 0
    for executor in {o.executor for o in owners if isinstance(o, Lease)}:
        if executor is not None:
            n += executor.held()
    return n


def run(list outputs, bint overwrite=False, bint durable=False, bint profile=False, bytes trace=None, uint64_t reserved=0, progress=None,
        double interval=0.1):
    """Computes outputs in one run. progress(tasks done, in all, bytes done, in all, seconds, seconds left) is called every `interval`.
    Returns the report, the profile (JSON text; None where it was not asked for and the run was short), what was recorded, and what functions cost."""
    global running, recorder
    cdef Outputs o = Outputs(outputs)
    cdef chunk_run_options options
    cdef chunk_error err
    cdef chunk_report report
    cdef chunk_progress p
    cdef chunk_status st
    cdef chunk_run *r = NULL
    cdef cbool done = False
    cdef char *text = NULL
    memset(&options, 0, sizeof(chunk_run_options))
    options.size = sizeof(chunk_run_options)
    options.overwrite = overwrite
    options.durable = durable
    options.profile = True
    options.reserved = reserved + held_elsewhere(o.owners)
    if trace is not None:
        options.trace = trace
    enter()
    for owner in o.owners:
        cost_clear((<Owner>owner).costs())
    if recorder == NULL:
        recorder = record_new()
    if recorder:
        record_begin(recorder)
        recorder.resident_before = record_resident(recorder)
        options.event = record_event
        options.event_user = recorder
    with nogil:
        st = chunk_run_start(&r, context, o.out, o.n, &options, &err)
    if st:
        engine_leave()
        reraise(st, o.owners)
        fail(&err, None)
    running = r
    if ending:
        chunk_run_cancel(r)
    interrupted = None
    if chunk_run_warning(r) != NULL:
        called_back_add(1)
        try:
            to_warning(chunk_run_warning(r).decode("utf-8", "replace"))
        except BaseException as e:      # a filter that makes errors of warnings
            interrupted = e
            chunk_run_cancel(r)
        finally:
            called_back_add(-1)
    while True:
        with nogil:
            chunk_run_wait(r, interval, &done)
        if done:
            break
        called_back_add(1)      # the lock is held: what handlers of signals do with arrays must raise, not wait
        try:
            PyErr_CheckSignals()
            if progress is not None:
                chunk_run_progress(r, &p)
                progress(p.tasks_done, p.tasks_total, p.bytes_done, p.bytes_total, p.seconds, p.seconds_left)
        except BaseException as e:
            interrupted = e
            chunk_run_cancel(r)
            progress = None
        finally:
            called_back_add(-1)
    running = NULL
    chunk_run_progress(r, &p)
    if profile or p.seconds > 0.001:
        text = chunk_run_profile(r, True)
    with nogil:
        st = chunk_run_finish(r, &report, &err)
    try:
        events, functions = recorded() if st == 0 and recorder else None, functions_of(o.owners)
    finally:
        engine_leave()
    told = None
    if text:
        told = text.decode()
        chunk_string_free(text)
    for x in o.arrays:
        (<Base>x).shape_ = None  # a bound that is exact now
    if interrupted is not None:
        raise interrupted
    if progress is not None:
        progress(p.tasks_done, p.tasks_total, p.bytes_done, p.bytes_total, p.seconds, 0.0)
    if st:
        reraise(st, o.owners)
        fail(&err, None)
    return report_of(&report), told, events, functions


def explain(list outputs, bint json, uint64_t reserved=0):
    """The plan of a run that is not started: text and report."""
    cdef Outputs o = Outputs(outputs)
    cdef chunk_run_options options
    cdef chunk_error err
    cdef chunk_report report
    cdef chunk_status st
    cdef char *text = NULL
    memset(&options, 0, sizeof(chunk_run_options))
    memset(&report, 0, sizeof(chunk_report))
    options.size = sizeof(chunk_run_options)
    options.reserved = reserved + held_elsewhere(o.owners)
    enter()
    with nogil:
        st = chunk_explain(&text, context, o.out, o.n, &options, json, &report, &err)
        engine_leave()
    if st:
        reraise(st, o.owners)
        fail(&err, None)
    try:
        return text.decode(), report_of(&report)
    finally:
        chunk_string_free(text)

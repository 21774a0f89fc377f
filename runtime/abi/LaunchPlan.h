/* SPDX-FileCopyrightText: The mamba-compiler authors
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */

/* How a compiled function is called: which tensors it takes, which sizes its
 * shapes depend on, and which kernels run with which arguments and grid.
 *
 * The compiler writes a plan, the runtime validates arguments against it and
 * launches. It is plain C without constructors, so that ahead-of-time output
 * holds it as static initialisers:
 *
 *   static const mamba_param params[] = {
 *       {"x", MAMBA_PARAM_INPUT, MAMBA_DTYPE_BF16, 4, 16, 0,
 *        {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_SYMBOL(1), MAMBA_DIM_STATIC(24),
 *         MAMBA_DIM_STATIC(64)}},
 *       {"y", MAMBA_PARAM_OUTPUT, ...}};
 *   static const mamba_symbol symbols[] = {{"batch", 0, 0}, {"length", 0, 1}};
 *   static const mamba_kernel kernels[] = {
 *       {"mamba2_fwd", 2, {0, 1}, 2, {0, 1},
 *        2, {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_STATIC(24)}, 128, 65536,
 *        0, {{0, {0}}}, 0, 0, 0, 0, {0, 0, 0, 0}}};
 *   static const mamba_plan plan = {MAMBA_PLAN_VERSION, "mamba2", "sm_80", 80,
 *       0, 2, params, 2, symbols, 1, kernels};
 *
 * Every tensor is compact and row-major. Sizes are in elements unless a name
 * says bytes. */

#ifndef MAMBA_RUNTIME_ABI_LAUNCHPLAN_H
#define MAMBA_RUNTIME_ABI_LAUNCHPLAN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows whenever a struct below changes its meaning or layout. */
#define MAMBA_PLAN_VERSION 5

/* Limits of a plan, most of them sizes of the arrays below. */
#define MAMBA_MAX_PARAMS 64
#define MAMBA_MAX_RANK 6
#define MAMBA_MAX_SYMBOLS 4
#define MAMBA_MAX_KERNEL_PARAMS 32
#define MAMBA_MAX_GRID_FACTORS 4
#define MAMBA_MAX_TENSOR_MAPS 8
#define MAMBA_MAX_TENSOR_MAP_RANK 5

/* Element types. Fixed numbers: they occur in generated code. */
enum {
  MAMBA_DTYPE_F16 = 1,
  MAMBA_DTYPE_BF16 = 2,
  MAMBA_DTYPE_F32 = 3,
  MAMBA_DTYPE_F64 = 4,
  MAMBA_DTYPE_I32 = 5,
  MAMBA_DTYPE_I64 = 6
};

/* Who provides a tensor. The caller passes the inputs and outputs in plan
 * order; temporaries are cut from one workspace, also the caller's. */
enum {
  MAMBA_PARAM_INPUT = 1,
  MAMBA_PARAM_OUTPUT = 2,
  MAMBA_PARAM_TEMPORARY = 3
};

/* Bits of mamba_param.flags. */
enum {
  /* This output may be exactly the memory of one input of the same size (each
   * element is read before it is written). Any other overlap of an output
   * with an argument is rejected. */
  MAMBA_PARAM_IN_PLACE = 1,
  /* Flags between thread blocks: int64, of a size that no symbol changes, only
   * on a GPU and for persistent kernels. All are zero, or hold what launches
   * with the same flags have left, which have ended by then. The runtime chooses
   * between the two, so a kernel counts its launches in them. Where no kernel
   * that runs reads flags (see mamba_kernel) they hold anything. */
  MAMBA_PARAM_FLAGS = 2
};

/* Values of mamba_dim.symbol that are no symbols. */
enum {
  MAMBA_SYMBOL_NONE = -1,
  /* The number of multiprocessors of the device. Only in temporaries, only on
   * a GPU. */
  MAMBA_SYMBOL_UNITS = -2
};

/* One size. symbol MAMBA_SYMBOL_NONE: `extent`. MAMBA_SYMBOL_UNITS: the number
 * of multiprocessors times `extent`. Otherwise ceil(value of symbol / extent),
 * which is how a number of chunks or thread blocks is written. */
typedef struct mamba_dim {
  int64_t extent;
  int32_t symbol;
} mamba_dim;

/* Initialisers of a mamba_dim. */
#define MAMBA_DIM_STATIC(size) {(size), MAMBA_SYMBOL_NONE}
#define MAMBA_DIM_UNITS(times) {(times), MAMBA_SYMBOL_UNITS}
#define MAMBA_DIM_SYMBOL(index) {1, (index)}
#define MAMBA_DIM_CEIL_DIV(index, divisor) {(divisor), (index)}

/* One tensor. Dimensions of inputs and outputs divide by nothing (extent 1
 * where symbolic); temporaries may use MAMBA_DIM_CEIL_DIV and MAMBA_DIM_UNITS.
 */
typedef struct mamba_param {
  const char *name;
  int32_t kind;      /* MAMBA_PARAM_... */
  int32_t dtype;     /* MAMBA_DTYPE_... */
  int32_t rank;      /* 0 .. MAMBA_MAX_RANK */
  int32_t alignment; /* of the data pointer in bytes, a power of two; 0 means
                        the element size */
  int32_t flags;     /* IN_PLACE in outputs, FLAGS in temporaries, or 0 */
  mamba_dim dims[MAMBA_MAX_RANK];
} mamba_param;

/* One size known only at launch, read from dimension `dim` of `param`, which
 * must be an input. That dimension may be static. Every other dimension that
 * names the symbol must agree. */
typedef struct mamba_symbol {
  const char *name; /* "batch", "length" */
  int32_t param;
  int32_t dim;
} mamba_symbol;

/* How the tensor memory accelerator (compute capability 9.0 and newer) reads or
 * writes boxes of a tensor with 16-bit elements. The innermost dimension comes
 * first: a [b, t, h, c] tensor has dimensions {c, h, t, b}. Boxes lie in shared
 * memory with 128-byte swizzle; what is outside of the tensor is read as zero
 * and not written. */
typedef struct mamba_tensor_map {
  int32_t param; /* index into plan.params, aligned to 16 bytes or more */
  /* Elements in each dimension, 1 to 256, and 0 beyond the param's rank. The
   * innermost are a multiple of 8, and at most 64: 128 bytes. */
  int32_t box[MAMBA_MAX_TENSOR_MAP_RANK];
} mamba_tensor_map;

/* What a kernel is predicted to take, in picoseconds; see mamba_kernel. */
typedef struct mamba_cost {
  int64_t launch;  /* to start and to end */
  int64_t chunk;   /* for a thread block to walk one chunk */
  int64_t summary; /* more for each chunk of a split sequence */
  int64_t join;    /* more for each segment of a sequence but one */
  int64_t state;   /* for a thread block to read and write the carried states of
                      one sequence, while all multiprocessors do */
} mamba_cost;

/* One kernel launch. On a GPU the arguments are one pointer for each entry of
 * `params`, one int64_t for each entry of `symbols`, then the tensor maps by
 * value (CUtensorMap, 128 bytes each). On the CPU the entry is a
 * mamba_cpu_kernel, `symbols` are exactly batch and length, and the grid is the
 * number of work items.
 *
 * A kernel with `gang` > 0 is persistent: at most one thread block runs on a
 * multiprocessor, and the blocks share out the work. `symbols` are exactly
 * batch and length. With
 *
 *   units    = multiprocessors of the device      groups = units / gang
 *   sets     = product of the grid factors        chunks = ceil(length / chunk)
 *   segments = segment_chunks == 0 ? 1
 *            : max(1, min(groups / sets, chunks / segment_chunks))
 *
 * (divisions round down) the grid is gang * sets * segments if segments > 1,
 * else gang * min(groups, sets). A device with fewer than `gang`
 * multiprocessors does not run it. The kernel finds groups = grid / gang and,
 * unless segment_chunks == 0, segments = max(1, groups / sets). Without
 * segments (segment_chunks == 0) the gangs share out ranges of all chunks,
 * otherwise segments, or whole sequences in turn. A block may wait for blocks
 * of smaller index only, because those have started before it. It relies on
 * what flags hold only where sequences are cut: if segments > 1, or if there
 * are ranges and the gangs of the grid do not divide the sets.
 *
 * A kernel with `alternative` takes the place of the kernel before it: of such
 * a series one runs, the one of least predicted time, the first of equal ones.
 * That time is, for the thread block that walks most chunks,
 *
 *   launch + walked * chunk + begun * state
 *          + (segments > 1 ? walked * summary + (segments - 1) * join : 0)
 *   walked = ceil(begun * chunks), begun = sets / gangs of a persistent
 *            kernel, rounded up if segment_chunks > 0 and segments == 1;
 *            with begun = max(1, begun) in the time,
 *   walked = begun * ceil(length / chunk), begun = ceil(grid / multiprocessors)
 *            of others
 *
 * with the numbers of `cost`. Kernels that do not fit on the device are left
 * out. Only on a GPU. */
typedef struct mamba_kernel {
  const char *name;
  int32_t num_params;
  int32_t params[MAMBA_MAX_KERNEL_PARAMS]; /* indices into plan.params */
  int32_t num_symbols;
  int32_t symbols[MAMBA_MAX_SYMBOLS]; /* indices into plan.symbols */
  int32_t num_grid_factors;
  mamba_dim grid[MAMBA_MAX_GRID_FACTORS]; /* grid.x is their product, unless
                                             the kernel is persistent */
  int32_t block_size;                     /* threads, block.x; 0 on the CPU */
  int32_t dynamic_shared_bytes;
  int32_t num_tensor_maps;
  mamba_tensor_map tensor_maps[MAMBA_MAX_TENSOR_MAPS];
  int32_t gang;           /* thread blocks that work on one set together; 0:
                             the kernel is not persistent, the next is 0 */
  int32_t segment_chunks; /* a sequence is split into segments of at least so
                             many chunks; 0: into ranges */
  int32_t chunk;          /* tokens; 0: the kernel is neither persistent nor in
                             a series of alternatives */
  int32_t alternative;    /* 1: instead of the kernel before it, or 0 */
  mamba_cost cost;        /* all zero if not in a series of alternatives */
} mamba_kernel;

/* A compiled function. Kernels run in order, on one stream; of a series of
 * alternatives one runs. */
typedef struct mamba_plan {
  int32_t version;          /* MAMBA_PLAN_VERSION */
  const char *name;         /* of the function, for messages */
  const char *target;       /* "cpu", "sm_80", "sm_90a", for messages */
  int32_t min_capability;   /* 10 * major + minor, 0 on the CPU */
  int32_t exact_capability; /* not 0: runs on min_capability only (sm_90a) */
  int32_t num_params;
  const mamba_param *params;
  int32_t num_symbols;
  const mamba_symbol *symbols;
  int32_t num_kernels;
  const mamba_kernel *kernels;
} mamba_plan;

/* A CPU kernel: works on items begin <= w < end of the grid, w = b * H + h.
 * `pointers` holds the data of the kernel's params in their order. Calls on
 * disjoint ranges may run at the same time. */
typedef void (*mamba_cpu_kernel)(void **pointers, int64_t batch, int64_t length,
                                 int64_t begin, int64_t end);

/* Calls body(closure, begin, end) on disjoint ranges that cover 0 .. count and
 * returns when all have finished. `user` is what the caller of the launch
 * passed along. */
typedef void (*mamba_parallel_body)(void *closure, int64_t begin, int64_t end);
typedef void (*mamba_parallel_for)(void *user, int64_t count,
                                   mamba_parallel_body body, void *closure);

#ifdef __cplusplus
}
#endif

#endif /* MAMBA_RUNTIME_ABI_LAUNCHPLAN_H */

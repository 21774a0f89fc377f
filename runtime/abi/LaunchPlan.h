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
 *        2, {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_STATIC(24)}, 128, 65536}};
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
#define MAMBA_PLAN_VERSION 1

/* Limits of a plan, most of them sizes of the arrays below. */
#define MAMBA_MAX_PARAMS 64
#define MAMBA_MAX_RANK 6
#define MAMBA_MAX_SYMBOLS 4
#define MAMBA_MAX_KERNEL_PARAMS 32
#define MAMBA_MAX_GRID_FACTORS 4

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
  MAMBA_PARAM_IN_PLACE = 1
};

/* One size. symbol < 0: `extent`. Otherwise ceil(value of symbol / extent),
 * which is how a number of chunks or thread blocks is written. */
typedef struct mamba_dim {
  int64_t extent;
  int32_t symbol;
} mamba_dim;

/* Initialisers of a mamba_dim. */
#define MAMBA_DIM_STATIC(size) {(size), -1}
#define MAMBA_DIM_SYMBOL(index) {1, (index)}
#define MAMBA_DIM_CEIL_DIV(index, divisor) {(divisor), (index)}

/* One tensor. Dimensions of inputs and outputs divide by nothing (extent 1
 * where symbolic); temporaries may use MAMBA_DIM_CEIL_DIV. */
typedef struct mamba_param {
  const char *name;
  int32_t kind;      /* MAMBA_PARAM_... */
  int32_t dtype;     /* MAMBA_DTYPE_... */
  int32_t rank;      /* 0 .. MAMBA_MAX_RANK */
  int32_t alignment; /* of the data pointer in bytes, a power of two; 0 means
                        the element size */
  int32_t flags;     /* MAMBA_PARAM_IN_PLACE or 0 */
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

/* One kernel launch. On a GPU the arguments are one pointer for each entry of
 * `params`, then one int64_t for each entry of `symbols`. On the CPU the entry
 * is a mamba_cpu_kernel, `symbols` are exactly batch and length, and the grid
 * is the number of work items. */
typedef struct mamba_kernel {
  const char *name;
  int32_t num_params;
  int32_t params[MAMBA_MAX_KERNEL_PARAMS]; /* indices into plan.params */
  int32_t num_symbols;
  int32_t symbols[MAMBA_MAX_SYMBOLS]; /* indices into plan.symbols */
  int32_t num_grid_factors;
  mamba_dim grid[MAMBA_MAX_GRID_FACTORS]; /* grid.x is their product */
  int32_t block_size;                     /* threads, block.x; 0 on the CPU */
  int32_t dynamic_shared_bytes;
} mamba_kernel;

/* A compiled function. Kernels run in order, on one stream. */
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

/* SPDX-FileCopyrightText: The mamba-compiler authors
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */

/* C interface of the compiler: compiles a function from MLIR text into a launch
 * plan and code, which the runtime (runtime/mamba.h) launches.
 *
 *   char *message;
 *   mamba_compiled *f = mamba_compile(text, "mamba2", "sm_90a", &message);
 *   if (!f) { report(message); mamba_compiler_free_message(message); }
 *   const mamba_plan *plan = mamba_compiled_plan(f);
 *   const char *ptx = mamba_compiled_ptx(f);
 *
 * Calls for different functions may run at the same time. Nothing prints. */

#ifndef MAMBA_CODEGEN_COMPILER_MAMBA_COMPILER_H
#define MAMBA_CODEGEN_COMPILER_MAMBA_COMPILER_H

#include "runtime/abi/LaunchPlan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled function; owns its plan and code. */
typedef struct mamba_compiled mamba_compiled;

/* Compiles the function `entry` (NULL: the only one) of the module `text`, a
 * null-terminated string, for `target`: "cpu" (this machine's; the code is
 * loaded into the process) or a GPU ("sm_80", "sm_90a", …). Returns NULL on
 * failure and stores the diagnostics in *message, to be freed with
 * mamba_compiler_free_message; on success *message is NULL. With the
 * environment variable MAMBA_CACHE_DIR, what is compiled for a GPU is kept in
 * the directory that it names and read from there by the same build of the
 * compiler. */
mamba_compiled *mamba_compile(const char *text, const char *entry,
                              const char *target, char **message);

/* The plan; valid as long as the function. */
const mamba_plan *mamba_compiled_plan(const mamba_compiled *function);

/* PTX text for the driver; NULL for the CPU. */
const char *mamba_compiled_ptx(const mamba_compiled *function);

/* Entry of the plan's kernel `index` (0 … num_kernels − 1) on the CPU; NULL for
 * a GPU and for an index outside. */
mamba_cpu_kernel mamba_compiled_cpu_kernel(const mamba_compiled *function,
                                           int32_t index);

/* A mamba_parallel_for on the function's threads; `user` is the function. */
void mamba_compiled_parallel_for(void *user, int64_t count,
                                 mamba_parallel_body body, void *closure);

/* Frees the function, its plan and its code. NULL is fine. */
void mamba_compiled_free(mamba_compiled *function);

/* Frees a message. NULL is fine. */
void mamba_compiler_free_message(char *message);

#ifdef __cplusplus
}
#endif

#endif /* MAMBA_CODEGEN_COMPILER_MAMBA_COMPILER_H */

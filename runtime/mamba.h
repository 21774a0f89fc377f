/* SPDX-FileCopyrightText: The mamba-compiler authors
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */

/* The runtime's exported interface: loads what mamba-compiler emitted, checks
 * arguments against the launch plan and launches on the caller's stream.
 *
 * Rules that hold for every function here:
 *  - The result is NULL on success, otherwise a status that the caller frees
 *    with mamba_status_free. Output parameters are written on success only.
 *  - Nothing prints, exits or throws. Release functions accept NULL.
 *  - Handles may be released in any order and used from any thread; one timer
 *    is used by one thread at a time.
 *  - The CUDA driver is found at run time (libcuda.so.1, or the file named by
 *    MAMBA_LIBCUDA_PATH). Without it only mamba_..._cpu works.
 *  - Streams are CUstream (cudaStream_t) values passed as void *; NULL is the
 *    legacy default stream. Devices are used through their primary context. */

#ifndef MAMBA_RUNTIME_MAMBA_H
#define MAMBA_RUNTIME_MAMBA_H

#include "runtime/abi/DLTensor.h"
#include "runtime/abi/LaunchPlan.h"

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MAMBA_API __attribute__((visibility("default")))
#else
#define MAMBA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* 10000 * major + 100 * minor + patch. */
#define MAMBA_VERSION 100
MAMBA_API uint32_t mamba_version(void);

/*===-- Status ------------------------------------------------------------===*/

typedef enum mamba_status_code {
  MAMBA_OK = 0,
  MAMBA_INVALID_ARGUMENT = 1, /* the caller passed something wrong */
  MAMBA_UNAVAILABLE = 2,      /* no driver, no device, a library is missing */
  MAMBA_UNSUPPORTED = 3,      /* the driver or device is too old or too small */
  MAMBA_COMPILE_FAILED = 4,   /* the JIT or NVRTC rejected the code */
  MAMBA_OUT_OF_MEMORY = 5,    /* device memory */
  MAMBA_DEVICE_ERROR = 6,     /* the driver reported an error */
  MAMBA_IO_ERROR = 7          /* a file could not be read or written */
} mamba_status_code;

typedef struct mamba_status mamba_status;

/* MAMBA_OK for NULL. */
MAMBA_API mamba_status_code mamba_status_get_code(const mamba_status *status);

/* What went wrong, which value, which limit, preceded by what was being done:
 * "launching 'mamba2': argument 2 'b': ...". Lives as long as the status;
 * "ok" for NULL. */
MAMBA_API const char *mamba_status_message(const mamba_status *status);

/* "invalid argument", ... */
MAMBA_API const char *mamba_status_code_name(mamba_status_code code);

MAMBA_API void mamba_status_free(mamba_status *status);

/*===-- Devices -----------------------------------------------------------===*/

typedef struct mamba_device mamba_device;

typedef struct mamba_device_info {
  char name[256];
  int32_t ordinal;
  int32_t capability; /* 10 * major + minor: 80, 90, ... */
  int32_t multiprocessors;
  int32_t max_threads_per_block;
  int32_t max_shared_bytes_per_block; /* with opt-in */
  int32_t driver_version;             /* 1000 * major + 10 * minor */
  int32_t clock_khz;                  /* of the multiprocessors, at most */
  int32_t memory_clock_khz;
  int32_t memory_bus_bits;
  int64_t memory_bytes;
} mamba_device_info;

/* How many CUDA devices there are. MAMBA_UNAVAILABLE without a driver,
 * MAMBA_UNSUPPORTED with one older than CUDA 12.0. */
MAMBA_API mamba_status *mamba_device_count(int32_t *count);

/* Retains the primary context of device `ordinal`. */
MAMBA_API mamba_status *mamba_device_open(int32_t ordinal,
                                          mamba_device **device);
MAMBA_API mamba_status *mamba_device_get_info(const mamba_device *device,
                                              mamba_device_info *info);
MAMBA_API void mamba_device_release(mamba_device *device);

/*===-- Modules -----------------------------------------------------------===*/

typedef struct mamba_module mamba_module;

typedef struct mamba_module_options {
  /* Where compiled PTX is kept across processes. NULL: the directory named by
   * MAMBA_CACHE_DIR; if that is unset or "", nothing is written. */
  const char *cache_directory;
} mamba_module_options;

/* Loads PTX text, a cubin or a fatbin, which is copied. PTX is compiled by the
 * driver; what it says is part of the message of a MAMBA_COMPILE_FAILED. The
 * same image loaded twice on a device is one module. `options` may be NULL. */
MAMBA_API mamba_status *mamba_module_load(mamba_device *device,
                                          const void *image, size_t image_bytes,
                                          const mamba_module_options *options,
                                          mamba_module **module);
MAMBA_API void mamba_module_release(mamba_module *module);

/*===-- Functions ---------------------------------------------------------===*/

typedef struct mamba_function mamba_function;

/* Binds a plan to the kernels of a module. The plan is verified and copied.
 * MAMBA_UNSUPPORTED if the device is not one the plan runs on. Some functions
 * keep a little device memory (tens of KiB), which is cleared here. */
MAMBA_API mamba_status *mamba_function_create(mamba_module *module,
                                              const mamba_plan *plan,
                                              mamba_function **function);

/* Binds a plan to CPU kernels, one for each of the plan's kernels. */
MAMBA_API mamba_status *
mamba_function_create_cpu(const mamba_plan *plan,
                          const mamba_cpu_kernel *kernels,
                          mamba_function **function);

/* When launches have finished, and graphs with launches will not run again. */
MAMBA_API void mamba_function_release(mamba_function *function);

/* For all functions below: `arguments` are the plan's inputs and outputs in
 * plan order, temporaries left out. */

/* Everything that a launch checks, without the launch: number of arguments,
 * null pointers, rank, dtype, device, compact strides, static sizes, agreement
 * of the symbols, sizes > 0 and below 2^63 bytes, alignment, overlap of
 * outputs, grid limits. */
MAMBA_API mamba_status *mamba_function_check(const mamba_function *function,
                                             const DLTensor *const *arguments,
                                             int32_t num_arguments);

/* How many bytes of workspace a launch with these arguments needs (0 if the
 * plan has no temporaries). The workspace must be 256-byte aligned. */
MAMBA_API mamba_status *
mamba_function_workspace_bytes(const mamba_function *function,
                               const DLTensor *const *arguments,
                               int32_t num_arguments, size_t *bytes);

/* The kernel that a launch with these arguments runs as step `step` (0, 1, ...;
 * a series of alternatives is one step), for logs and profiles; NULL behind the
 * last step. The name lives as long as the function. */
MAMBA_API mamba_status *mamba_function_kernel_name(
    const mamba_function *function, const DLTensor *const *arguments,
    int32_t num_arguments, int32_t step, const char **name);

/* Validates, then launches on `stream`: no allocation, no synchronisation, and
 * so usable while the stream is being captured into a graph. `workspace` is
 * device memory used by this launch only until it has finished: launches of a
 * function with the same workspace must not overlap in time. Use few: those
 * behind the first 16 of a function may cost a memset for each launch. */
MAMBA_API mamba_status *
mamba_function_launch(const mamba_function *function,
                      const DLTensor *const *arguments, int32_t num_arguments,
                      void *workspace, size_t workspace_bytes, void *stream);

/* Validates, then runs on the CPU and returns when finished. `parallel_for`
 * may be NULL: the calling thread does all the work. */
MAMBA_API mamba_status *mamba_function_launch_cpu(
    const mamba_function *function, const DLTensor *const *arguments,
    int32_t num_arguments, void *workspace, size_t workspace_bytes,
    mamba_parallel_for parallel_for, void *user);

/*===-- Timing ------------------------------------------------------------===*/

typedef struct mamba_timer mamba_timer;

/* Measures the device time between two points of a stream. */
MAMBA_API mamba_status *mamba_timer_create(mamba_device *device,
                                           mamba_timer **timer);
MAMBA_API mamba_status *mamba_timer_start(mamba_timer *timer, void *stream);
MAMBA_API mamba_status *mamba_timer_stop(mamba_timer *timer, void *stream);

/* Waits for the stop point. */
MAMBA_API mamba_status *mamba_timer_elapsed_ms(mamba_timer *timer,
                                               double *milliseconds);
MAMBA_API void mamba_timer_release(mamba_timer *timer);

#ifdef __cplusplus
}
#endif

#endif /* MAMBA_RUNTIME_MAMBA_H */

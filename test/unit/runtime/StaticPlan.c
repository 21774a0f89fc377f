/* SPDX-FileCopyrightText: The mamba-compiler authors
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */

/* What an ahead-of-time compiler writes: a kernel and its plan as static
 * initialisers. Doubles each element: y[b][t][c] = 2 x[b][t][c], 3 channels. */

#include "runtime/mamba.h"

enum { channels = 3 };

static void twice(void **pointers, int64_t batch, int64_t length, int64_t begin,
                  int64_t end) {
  const float *x = (const float *)pointers[0];
  float *y = (float *)pointers[1];
  (void)batch;
  for (int64_t item = begin; item < end; ++item)
    for (int64_t i = 0; i < length * channels; ++i)
      y[item * length * channels + i] = 2 * x[item * length * channels + i];
}

static const mamba_param params[] = {
    {"x",
     MAMBA_PARAM_INPUT,
     MAMBA_DTYPE_F32,
     3,
     0,
     0,
     {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_SYMBOL(1), MAMBA_DIM_STATIC(channels)}},
    {"y",
     MAMBA_PARAM_OUTPUT,
     MAMBA_DTYPE_F32,
     3,
     0,
     MAMBA_PARAM_IN_PLACE,
     {MAMBA_DIM_SYMBOL(0), MAMBA_DIM_SYMBOL(1), MAMBA_DIM_STATIC(channels)}}};

static const mamba_symbol symbols[] = {{"batch", 0, 0}, {"length", 0, 1}};

static const mamba_kernel kernels[] = {{"twice",
                                        2,
                                        {0, 1},
                                        2,
                                        {0, 1},
                                        1,
                                        {MAMBA_DIM_SYMBOL(0)},
                                        0,
                                        0,
                                        0,
                                        {{0, {0}}},
                                        0,
                                        0,
                                        0,
                                        0,
                                        {0, 0, 0, 0, 0}}};

const mamba_plan staticPlan = {MAMBA_PLAN_VERSION,
                               "twice",
                               "cpu",
                               0,
                               0,
                               2,
                               params,
                               2,
                               symbols,
                               1,
                               kernels};

const mamba_cpu_kernel staticKernels[] = {twice};

/* SPDX-FileCopyrightText: The mamba-compiler authors
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */

/* Runs what mamba-compile made of mixer.mlir: no compiler in this program. */

#include <mixer.h>

#include <stdio.h>

static DLTensor describe(float *data, int32_t rank, int64_t *shape) {
  DLTensor tensor = {data, {kDLCPU, 0}, rank, {kDLFloat, 32, 1}, shape, 0, 0};
  return tensor;
}

static int fail(mamba_status *status) {
  printf("error: %s\n", mamba_status_message(status));
  mamba_status_free(status);
  return 1;
}

int main(void) {
  float x[] = {3, 5}, la[] = {-0.69314718f, -0.69314718f}, b[] = {2, 7};
  float c[] = {1, 10}, s0[] = {8}, y[2], s[1];
  int64_t token[] = {1, 2, 1, 1}, state[] = {1, 1, 1, 1};
  DLTensor tensors[] = {describe(x, 4, token),  describe(la, 3, token),
                        describe(b, 4, token),  describe(c, 4, token),
                        describe(s0, 4, state), describe(y, 4, token),
                        describe(s, 4, state)};
  const DLTensor *arguments[7];
  mamba_function *function;
  mamba_status *status = mixer_create(&function);
  if (status)
    return fail(status);
  for (int i = 0; i < 7; ++i)
    arguments[i] = &tensors[i];
  status = mamba_function_launch_cpu(function, arguments, 7, 0, 0, 0, 0);
  if (status)
    return fail(status);
  printf("y = %.4f %.4f, S = %.4f\n", y[0], y[1], s[0]);
  state[1] = 2; /* A wrong shape is found before the launch. */
  status = mamba_function_launch_cpu(function, arguments, 7, 0, 0, 0, 0);
  mamba_function_release(function);
  return status ? fail(status) - 1 : 2;
}

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The arguments of one call of mamba-bench's mixer, and what it has to compute:
// the recurrence token by token in float64, on all cores, for calls that the
// interpreter would take hours for.

#ifndef MAMBA_TEST_UNIT_TOOLS_MIXERCALL_H
#define MAMBA_TEST_UNIT_TOOLS_MIXERCALL_H

#include "tools/runner/Signature.h"

namespace mamba::test {

struct MixerCall {
  std::vector<std::string> names; ///< Of the inputs.
  std::vector<tools::HostTensor> inputs, outputs;

  /// An input; null if the mixer has none of this name.
  const tools::HostTensor *find(llvm::StringRef name) const;
  const tools::HostTensor &getY() const { return outputs[0]; }
  const tools::HostTensor &getState() const { return outputs[1]; }
};

/// How some inputs are drawn: {"dt", "constant 20"}.
using Inits = std::vector<std::pair<std::string, std::string>>;

/// Draws the inputs of a call; of large ones a million values, repeated.
MixerCall drawCall(const tools::Signature &signature, int64_t batch,
                   int64_t time, uint64_t seed, const Inits &inits = {});

/// ‖out − exact‖₂ / ‖exact‖₂; ‖out‖₂ where ‖exact‖ = 0.
struct MixerErrors {
  double y, state;
};

/// Compares the outputs of a call with the recurrence.
MixerErrors compareWithRecurrence(const MixerCall &call);

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_TOOLS_MIXERCALL_H

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The recurrence that device tests compare with, against the interpreter.

#include "test/unit/tools/MixerCall.h"
#include "tools/mamba-bench/Mixer.h"
#include "tools/runner/Executable.h"
#include "gtest/gtest.h"

using namespace mamba;
using namespace mamba::test;
using namespace mamba::tools;

namespace {

/// A call whose outputs are the interpreter's.
MixerCall evaluate(const BenchShape &shape, const MixerVariant &variant) {
  auto mixer = llvm::cantFail(Mixer::create(shape, variant));
  MixerCall call =
      drawCall(mixer->getSignature(), shape.batch, shape.time, /*seed=*/3);
  auto results =
      llvm::cantFail(evaluateReference(mixer->getFunction(), call.inputs));
  for (auto [output, result] : llvm::zip_equal(call.outputs, results))
    output = HostTensor::round(*lookupElementType("f64"), result);
  return call;
}

TEST(MixerCall, RecurrenceAgreesWithTheInterpreter) {
  for (const auto &[shape, variant] :
       {std::pair(BenchShape{"", 2, 70, 4, 16, 24, 2}, MixerVariant{}),
        std::pair(BenchShape{"", 1, 9, 3, 20, 8, 3},
                  MixerVariant{/*gate=*/true, /*softplus=*/true,
                               /*init=*/true})}) {
    MixerErrors errors = compareWithRecurrence(evaluate(shape, variant));
    EXPECT_LT(errors.y, 1e-12) << shape.formatSizes();
    EXPECT_LT(errors.state, 1e-12) << shape.formatSizes();
  }
}

TEST(MixerCall, NoticesErrors) {
  MixerCall call = evaluate({"", 1, 20, 2, 16, 16, 1}, {});
  const ElementType &type = call.getY().getType();
  type.store(call.outputs[0].data(), 1e3);
  MixerErrors errors = compareWithRecurrence(call);
  EXPECT_GT(errors.y, 0.1);
  EXPECT_LT(errors.state, 1e-12);
  call.outputs[1].poison();
  // A NaN is not small.
  EXPECT_FALSE(compareWithRecurrence(call).state < 1);
}

TEST(MixerCall, DrawsAsItIsTold) {
  auto mixer = llvm::cantFail(Mixer::create({"", 1, 20, 2, 16, 16, 1}, {}));
  MixerCall call = drawCall(mixer->getSignature(), 1, 20, 1,
                            {{"dt", "constant 20"}, {"A", "constant -1"}});
  const HostTensor &dt = *call.find("dt");
  EXPECT_EQ(dt.getType().load(dt.data() + 4 * 39), 20);
  EXPECT_EQ(call.find("z"), nullptr);
  // Larger than what is drawn: the values repeat.
  call = drawCall(mixer->getSignature(), 1, 1048583 / 16 + 9, 1);
  const HostTensor &keys = *call.find("B");
  EXPECT_EQ(std::memcmp(keys.data(), keys.data() + 2 * 1048583, 100), 0);
  EXPECT_NE(std::memcmp(keys.data(), keys.data() + 1048583 - 1, 100), 0);
}

} // namespace

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Kernels of mamba-bench's mixer on a Hopper GPU: repeats, tails, extreme
// values, large tensors; skipped without one.

#include "test/unit/tools/MixerOnDevice.h"

#include <cmath>
#include <cstring>

using namespace mamba;
using namespace mamba::test;
using namespace mamba::tools;

namespace {

bool hasRoles(const ScheduledMixer &schedule) {
  return llvm::StringRef(schedule.schedule).contains("consumers");
}

//===----------------------------------------------------------------------===//
// Repeats
//===----------------------------------------------------------------------===//

/// One size of a kernel: its arguments and what the first launch gave.
struct Repeated {
  MixerCall call;
  DeviceArguments arguments;
};

/// Headdim and state size.
using Sizes = std::tuple<int, int>;

class SlowMixerRepeatsOnDevice : public MixerOnDevice,
                                 public testing::WithParamInterface<Sizes> {
protected:
  /// Launches on every size in turns; every launch gives what the first gave.
  void repeat(DeviceLauncher &launcher, std::vector<Repeated> &sizes,
              int count) {
    for (int i = 0; i < count; ++i) {
      Repeated &size = sizes[i % sizes.size()];
      std::vector<HostTensor> again = size.call.outputs;
      for (size_t k = size.call.inputs.size(); k < size.arguments.size(); ++k)
        ASSERT_TRUE(size.arguments[k].fill(0xff).isOk());
      llvm::Error error = launcher.launch(size.arguments);
      ASSERT_FALSE(bool(error)) << toString(std::move(error));
      error = size.arguments.download(again);
      ASSERT_FALSE(bool(error)) << toString(std::move(error));
      for (auto [now, first] : llvm::zip_equal(again, size.call.outputs))
        ASSERT_EQ(std::memcmp(now.data(), first.data(), first.getNumBytes()), 0)
            << "launch " << i << " of batch " << first.getShape()[0];
    }
  }
};

TEST_P(SlowMixerRepeatsOnDevice, AreEqual) {
  auto [headdim, states] = GetParam();
  BenchShape shape = {"", 1, 1, 8, headdim, states, 1};
  prepare(shape, {}, getDefaultAxes(*lookupTarget("sm_90a"), shape));
  for (const ScheduledMixer &schedule : schedules) {
    if (!hasRoles(schedule))
      continue;
    SCOPED_TRACE(schedule.schedule);
    auto launcher = makeLauncher(schedule);
    ASSERT_TRUE(launcher);
    std::vector<Repeated> sizes;
    for (auto [batch, time] : repeatedSizes) {
      MixerCall call = drawCall(mixer->getSignature(), batch, time, 1);
      check(*launcher, call);
      auto arguments = DeviceArguments::upload(device, call);
      ASSERT_TRUE(bool(arguments)) << toString(arguments.takeError());
      sizes.push_back({std::move(call), std::move(*arguments)});
    }
    repeat(*launcher, sizes, 1000);
    if (HasFatalFailure())
      return;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, SlowMixerRepeatsOnDevice,
                         testing::Combine(testing::Values(40, 64, 128),
                                          testing::Values(64, 128, 256)));

//===----------------------------------------------------------------------===//
// Tails
//===----------------------------------------------------------------------===//

class MixerTailsOnDevice : public MixerOnDevice,
                           public testing::WithParamInterface<Sizes> {};

TEST_P(MixerTailsOnDevice, AgreeWithTheRecurrence) {
  auto [headdim, states] = GetParam();
  // Every number of groups comes with every headdim and state size.
  int64_t groups = int64_t(1) << ((headdim / 8 + states / 24) % 3);
  prepare({"", 1, 1, 4, headdim, states, groups}, {}, {consumers});
  for (const ScheduledMixer &schedule : schedules) {
    SCOPED_TRACE(schedule.schedule);
    auto launcher = makeLauncher(schedule);
    ASSERT_TRUE(launcher);
    for (int64_t time : {1, 7, 63, 64, 65, 200, 1000}) {
      SCOPED_TRACE(time);
      MixerCall call = drawCall(mixer->getSignature(), 1, time, time);
      check(*launcher, call);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, MixerTailsOnDevice,
                         testing::Combine(testing::Values(40, 80, 96),
                                          testing::Values(24, 96, 192, 256)));

TEST_F(MixerOnDevice, OneHead) {
  prepare({"", 1, 1, 1, 64, 128, 1}, {}, {consumers});
  for (const ScheduledMixer &schedule : schedules) {
    SCOPED_TRACE(schedule.schedule);
    auto launcher = makeLauncher(schedule);
    ASSERT_TRUE(launcher);
    MixerCall call = drawCall(mixer->getSignature(), 1, 300, 1);
    check(*launcher, call);
  }
}

TEST_F(MixerOnDevice, ThousandsOfSequences) {
  prepare({"", 1, 1, 2, 64, 64, 1}, {}, {consumers});
  for (const ScheduledMixer &schedule : schedules) {
    SCOPED_TRACE(schedule.schedule);
    auto launcher = makeLauncher(schedule);
    ASSERT_TRUE(launcher);
    for (auto [batch, time] : {std::pair(5000, 1), std::pair(3000, 70)}) {
      MixerCall call = drawCall(mixer->getSignature(), batch, time, 1);
      check(*launcher, call);
    }
  }
}

//===----------------------------------------------------------------------===//
// Extreme values
//===----------------------------------------------------------------------===//

TEST_F(MixerOnDevice, ExtremeValues) {
  // Nothing happens; everything is forgotten at once, within a chunk, now and
  // then; nothing is forgotten.
  const Inits cases[] = {{{"dt", "constant 0"}},
                         {{"dt", "constant 20"}},
                         {{"A", "uniform -2000 -1000"}},
                         {{"dt", "uniform 0 20"}},
                         {{"A", "constant 0"}}};
  for (bool init : {false, true}) {
    prepare({"", 1, 1, 4, 64, 128, 1}, {false, false, init}, {consumers});
    for (const ScheduledMixer &schedule : schedules) {
      SCOPED_TRACE(schedule.schedule);
      auto launcher = makeLauncher(schedule);
      ASSERT_TRUE(launcher);
      for (const Inits &inits : cases) {
        SCOPED_TRACE(inits[0].first + " " + inits[0].second);
        for (int64_t time : {130, 1000}) {
          MixerCall call =
              drawCall(mixer->getSignature(), 2, time, time, inits);
          check(*launcher, call);
        }
      }
    }
  }
}

TEST_F(MixerOnDevice, ExtremeSoftplus) {
  prepare({"", 1, 1, 4, 64, 128, 1}, {true, true, true}, {consumers});
  for (const ScheduledMixer &schedule : schedules) {
    SCOPED_TRACE(schedule.schedule);
    auto launcher = makeLauncher(schedule);
    ASSERT_TRUE(launcher);
    for (const char *init : {"constant -200", "constant 24", "normal 0 30"}) {
      SCOPED_TRACE(init);
      MixerCall call =
          drawCall(mixer->getSignature(), 2, 300, 1, {{"dt", init}});
      check(*launcher, call);
    }
  }
}

//===----------------------------------------------------------------------===//
// Large sizes
//===----------------------------------------------------------------------===//

TEST_F(MixerOnDevice, SlowMillionTokens) {
  prepare({"", 1, 1, 2, 64, 128, 1}, {}, {consumers});
  MixerCall call = drawCall(mixer->getSignature(), 1, int64_t(1) << 20, 1);
  for (const ScheduledMixer &schedule : schedules) {
    SCOPED_TRACE(schedule.schedule);
    auto launcher = makeLauncher(schedule);
    ASSERT_TRUE(launcher);
    check(*launcher, call);
  }
}

/// x and y have more than 2³¹ elements. The last sequences, launched alone,
/// give the same bits.
class SlowLargeMixerOnDevice : public MixerOnDevice {
protected:
  static constexpr int64_t batch = 104, time = 4096, kept = 4;

  /// Arguments of the whole batch, as `sample` has them again and again.
  void allocate(const MixerCall &sample) {
    std::vector<TensorSpec> specs = mixer->getSignature().inputs;
    llvm::append_range(specs, mixer->getSignature().outputs);
    CallSizes sizes;
    llvm::cantFail(sizes.set("batch", batch));
    llvm::cantFail(sizes.set("time", time));
    std::vector<llvm::SmallVector<int64_t, 4>> shapes;
    size_t bytes = 0;
    for (const TensorSpec &spec : specs) {
      shapes.push_back(llvm::cantFail(sizes.getShape(spec)));
      bytes += ssd::countElements(shapes.back()) * spec.type->bytes;
    }
    auto allocated = DeviceArguments::allocate(device, specs, shapes);
    if (!allocated) {
      std::string message = toString(allocated.takeError());
      GTEST_SKIP() << "the GPU has no room for " << (bytes >> 30)
                   << " GiB: " << message;
    }
    arguments.emplace(std::move(*allocated));
    rt::cu::ContextScope scope(*device);
    for (auto [i, input] : llvm::enumerate(sample.inputs))
      for (size_t at = 0; at < (*arguments)[i].size();
           at += input.getNumBytes())
        ASSERT_EQ(device->driver().memcpyToDevice(
                      address(i) + at, input.data(),
                      std::min<size_t>(input.getNumBytes(),
                                       (*arguments)[i].size() - at)),
                  0);
  }

  rt::cu::DevicePointer address(size_t i) {
    return reinterpret_cast<rt::cu::DevicePointer>((*arguments)[i].data());
  }

  std::optional<DeviceArguments> arguments;
};

TEST_F(SlowLargeMixerOnDevice, LastSequencesAreTheSameAlone) {
  prepare({"", 1, 1, 80, 64, 128, 1}, {}, {});
  MixerCall sample = drawCall(mixer->getSignature(), kept, time, 1);
  allocate(sample);
  if (IsSkipped() || HasFatalFailure())
    return;
  ASSERT_GT((*arguments)[0].size() / 2, size_t(1) << 31);
  size_t numInputs = sample.inputs.size();
  // Forced, so that batches of all sizes take the same kernel.
  for (const char *parts : {"consumers=0", "consumers=2"}) {
    SCOPED_TRACE(parts);
    prepare({"", 1, 1, 80, 64, 128, 1}, {}, {}, parts);
    auto launcher = makeLauncher(schedules.front());
    ASSERT_TRUE(launcher);
    check(*launcher, sample);
    for (size_t i = numInputs; i < arguments->size(); ++i)
      ASSERT_TRUE((*arguments)[i].fill(0xff).isOk());
    llvm::Error error = launcher->launch(*arguments);
    ASSERT_FALSE(bool(error)) << toString(std::move(error));
    rt::cu::ContextScope scope(*device);
    for (auto [i, alone] : llvm::enumerate(sample.outputs)) {
      HostTensor last(alone.getType(), alone.getShape());
      size_t bytes = alone.getNumBytes();
      size_t at = (*arguments)[numInputs + i].size() - bytes;
      ASSERT_EQ(device->driver().memcpyToHost(
                    last.data(), address(numInputs + i) + at, bytes),
                0);
      EXPECT_EQ(std::memcmp(last.data(), alone.data(), bytes), 0)
          << mixer->getSignature().outputs[i].name;
    }
  }
}

} // namespace

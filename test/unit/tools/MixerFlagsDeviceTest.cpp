// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Launches of one function that find the flags of others: in graphs, on several
// workspaces at the same time; skipped without a Hopper GPU.

#include "test/unit/tools/MixerOnDevice.h"
#include "tools/mamba-bench/CudaGraph.h"

#include <cstring>

using namespace mamba;
using namespace mamba::test;
using namespace mamba::tools;

namespace {

class MixerFlagsOnDevice : public MixerOnDevice {
protected:
  /// What launches on one workspace need; `call` has what they must give.
  struct Place {
    MixerCall call;
    DeviceArguments arguments;
    rt::cu::DeviceBuffer workspace;
    std::unique_ptr<rt::cu::OwnedStream> stream;
  };

  void add(DeviceLauncher &launcher, int64_t batch, int64_t time, int seed) {
    MixerCall call = drawCall(mixer->getSignature(), batch, time, seed);
    check(launcher, call);
    auto arguments = DeviceArguments::upload(device, call);
    ASSERT_TRUE(bool(arguments)) << toString(arguments.takeError());
    auto workspace = launcher.allocateWorkspace(*arguments);
    ASSERT_TRUE(bool(workspace)) << toString(workspace.takeError());
    // Flags in it must be cleared.
    ASSERT_TRUE(workspace->fill(0xff).isOk());
    auto stream = rt::cu::OwnedStream::create(device);
    ASSERT_TRUE(stream.isOk());
    places.push_back({std::move(call), std::move(*arguments),
                      std::move(*workspace), std::move(*stream)});
  }

  static rt::Status launch(DeviceLauncher &launcher, Place &place) {
    return launcher.launch(place.arguments, place.workspace,
                           place.stream->get());
  }

  void poison(Place &place) {
    for (size_t i = place.call.inputs.size(); i < place.arguments.size(); ++i)
      ASSERT_TRUE(place.arguments[i].fill(0xff).isOk());
  }

  void expectSame(Place &place) {
    std::vector<HostTensor> now = place.call.outputs;
    llvm::Error error = place.arguments.download(now);
    ASSERT_FALSE(bool(error)) << toString(std::move(error));
    for (auto [output, first] : llvm::zip_equal(now, place.call.outputs))
      ASSERT_EQ(std::memcmp(output.data(), first.data(), first.getNumBytes()),
                0)
          << "batch " << first.getShape()[0];
  }

  std::vector<Place> places;
};

// The graph launches twice; a launch by itself stands between its repeats.
TEST_F(MixerFlagsOnDevice, RepeatsOfAGraph) {
  prepare({"", 1, 1, 8, 64, 128, 1}, {}, {consumers});
  rt::cu::ContextScope scope(*device);
  for (const ScheduledMixer &schedule : schedules) {
    SCOPED_TRACE(schedule.schedule);
    auto launcher = makeLauncher(schedule);
    ASSERT_TRUE(launcher);
    places.clear();
    std::vector<CudaGraph> graphs;
    for (auto [batch, time] : repeatedSizes) {
      ASSERT_NO_FATAL_FAILURE(add(*launcher, batch, time, 1));
      Place &place = places.back();
      auto twice = [&] {
        rt::Status status = launch(*launcher, place);
        return status.isOk() ? launch(*launcher, place) : std::move(status);
      };
      auto graph = CudaGraph::capture(*device, place.stream->get(), twice);
      ASSERT_TRUE(graph.isOk()) << graph.status().message();
      graphs.push_back(std::move(*graph));
    }
    for (int i = 0; i < 100; ++i)
      for (auto [place, graph] : llvm::zip_equal(places, graphs)) {
        ASSERT_NO_FATAL_FAILURE(poison(place));
        ASSERT_TRUE(graph.launch().isOk());
        ASSERT_NO_FATAL_FAILURE(expectSame(place));
        ASSERT_NO_FATAL_FAILURE(poison(place));
        ASSERT_TRUE(launch(*launcher, place).isOk());
        ASSERT_NO_FATAL_FAILURE(expectSame(place));
      }
  }
}

// More workspaces than have flags of their own, each with its stream.
TEST_F(MixerFlagsOnDevice, OverlappingLaunches) {
  prepare({"", 1, 1, 8, 64, 128, 1}, {}, {consumers});
  for (const ScheduledMixer &schedule : schedules) {
    SCOPED_TRACE(schedule.schedule);
    auto launcher = makeLauncher(schedule);
    ASSERT_TRUE(launcher);
    places.clear();
    for (int i = 0; i < 18; ++i) {
      auto [batch, time] = repeatedSizes[i % 4];
      ASSERT_NO_FATAL_FAILURE(add(*launcher, batch, time, i));
    }
    for (Place &place : places)
      ASSERT_NO_FATAL_FAILURE(poison(place));
    for (int i = 0; i < 200; ++i)
      for (Place &place : places)
        ASSERT_TRUE(launch(*launcher, place).isOk());
    for (Place &place : places)
      ASSERT_NO_FATAL_FAILURE(expectSame(place));
  }
}

} // namespace

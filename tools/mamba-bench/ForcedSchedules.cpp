// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/ForcedSchedules.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mamba::tools {

llvm::Expected<std::vector<ScheduleAxis>> parseAxes(StringRef text) {
  std::vector<ScheduleAxis> axes;
  SmallVector<StringRef> words;
  text.split(words, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef word : words) {
    auto [name, list] = word.split('=');
    SmallVector<StringRef> values;
    list.split(values, ',');
    if (name.empty() || llvm::is_contained(values, ""))
      return llvm::createStringError("'" + word +
                                     "' is not of the form name=value,...");
    ScheduleAxis &axis = axes.emplace_back();
    for (StringRef value : values)
      axis.push_back((name + "=" + value).str());
  }
  return axes;
}

std::vector<ScheduleAxis> getDefaultAxes(const Target &target,
                                         const BenchShape &shape) {
  // Only the chunked form has a chunk to choose.
  std::vector<ScheduleAxis> axes = {{"form=recurrent", "form=quadratic"}};
  for (int64_t chunk : {32, 64, 128, 256})
    axes[0].push_back("form=chunked chunk=" + std::to_string(chunk));
  if (!target.isGpu())
    return axes;
  axes.push_back({"consumers=0 weights=keys"});
  // Kernels with teams or consumers: with ranges and, where there are few
  // sequences, with segments of them.
  constexpr int64_t chunk = 64, mostSegments = 16;
  int64_t chunks = llvm::divideCeil(shape.time, chunk);
  bool isFew = shape.batch * shape.heads < target.units;
  for (const char *kernel :
       {"consumers=0 weights=values", "consumers=1", "consumers=2"}) {
    axes.back().push_back(llvm::formatv("{0} segment=0", kernel));
    for (int64_t parts = 2; isFew && parts <= std::min(mostSegments, chunks);
         parts *= 2)
      axes.back().push_back(llvm::formatv("{0} segment={1}", kernel,
                                          llvm::divideCeil(chunks, parts)));
  }
  axes.push_back({"stages=1", "stages=2", "stages=3"});
  ScheduleAxis &channels = axes.emplace_back();
  for (int64_t slices : {1, 2, 4})
    if (shape.headdim % slices == 0)
      channels.push_back("channels=" + std::to_string(shape.headdim / slices));
  return axes;
}

namespace {

class Lister {
public:
  Lister(Mixer &mixer, const Target &target) : mixer(mixer), target(target) {}

  llvm::Error visit(const std::string &parts, ArrayRef<ScheduleAxis> axes);

  ForcedSchedules schedules;

private:
  Mixer &mixer;
  const Target &target;
  llvm::StringSet<> programs;
};

} // namespace

llvm::Error Lister::visit(const std::string &parts,
                          ArrayRef<ScheduleAxis> axes) {
  auto scheduled = mixer.schedule(target, parts);
  if (!scheduled)
    return scheduled.takeError();
  if (!scheduled->rejection.empty()) {
    int64_t combinations = 1;
    for (const ScheduleAxis &axis : axes)
      combinations *= axis.size();
    schedules.rejections.push_back({parts, scheduled->rejection, combinations});
    return llvm::Error::success();
  }
  if (programs.insert(scheduled->text).second)
    schedules.legal.push_back(std::move(*scheduled));
  if (axes.empty())
    return llvm::Error::success();
  for (const std::string &value : axes.front())
    if (llvm::Error error = visit(parts.empty() ? value : parts + " " + value,
                                  axes.drop_front()))
      return error;
  return llvm::Error::success();
}

llvm::Expected<ForcedSchedules> listSchedules(Mixer &mixer,
                                              const Target &target,
                                              StringRef parts,
                                              ArrayRef<ScheduleAxis> axes) {
  Lister lister(mixer, target);
  if (llvm::Error error = lister.visit(parts.str(), axes))
    return error;
  if (lister.schedules.legal.empty())
    return llvm::createStringError(lister.schedules.rejections.front().reason);
  return std::move(lister.schedules);
}

} // namespace mamba::tools

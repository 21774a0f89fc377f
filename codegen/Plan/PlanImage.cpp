// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/Plan/PlanImage.h"

#include <cstring>

namespace mamba::codegen {

/// The struct of the plan, its three lists, and then the names of all, each
/// with its null character.
std::string writePlanImage(const mamba_plan &plan) {
  std::string image, names;
  auto addName = [&](const char *name) {
    names.append(name, strlen(name) + 1);
  };
  auto addList = [&](const auto *list, int32_t count) {
    image.append(reinterpret_cast<const char *>(list), count * sizeof(*list));
    for (int32_t i = 0; i < count; ++i)
      addName(list[i].name);
  };
  addName(plan.name);
  addName(plan.target);
  image.append(reinterpret_cast<const char *>(&plan), sizeof(plan));
  addList(plan.params, plan.num_params);
  addList(plan.symbols, plan.num_symbols);
  addList(plan.kernels, plan.num_kernels);
  return image + names;
}

class PlanImageReader {
public:
  explicit PlanImageReader(llvm::StringRef image) : rest(image) {}

  std::unique_ptr<OwnedPlan> read() {
    mamba_plan &plan = owned->plan;
    std::vector<mamba_plan> header;
    if (!takeList(header, 1) || header[0].version != MAMBA_PLAN_VERSION)
      return nullptr;
    plan = header[0];
    bool complete = takeList(owned->params, plan.num_params) &&
                    takeList(owned->symbols, plan.num_symbols) &&
                    takeList(owned->kernels, plan.num_kernels) &&
                    takeName(plan.name) && takeName(plan.target) &&
                    takeNames(owned->params) && takeNames(owned->symbols) &&
                    takeNames(owned->kernels) && rest.empty();
    if (!complete)
      return nullptr;
    plan.params = owned->params.data();
    plan.symbols = owned->symbols.data();
    plan.kernels = owned->kernels.data();
    return std::move(owned);
  }

private:
  template <typename T>
  bool takeList(std::vector<T> &list, int32_t count) {
    if (count < 0 || rest.size() / sizeof(T) < size_t(count))
      return false;
    list.resize(count);
    memcpy(static_cast<void *>(list.data()), rest.data(), count * sizeof(T));
    rest = rest.drop_front(count * sizeof(T));
    return true;
  }

  bool takeName(const char *&name) {
    size_t length = rest.find('\0');
    if (length == llvm::StringRef::npos)
      return false;
    name = owned->keep(rest.take_front(length));
    rest = rest.drop_front(length + 1);
    return true;
  }

  template <typename T>
  bool takeNames(std::vector<T> &list) {
    return llvm::all_of(list, [&](T &entry) { return takeName(entry.name); });
  }

  llvm::StringRef rest;
  std::unique_ptr<OwnedPlan> owned = std::make_unique<OwnedPlan>();
};

std::unique_ptr<OwnedPlan> readPlanImage(llvm::StringRef image) {
  return PlanImageReader(image).read();
}

} // namespace mamba::codegen

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/ArgumentSets.h"

#include "tools/runner/Inputs.h"

#include <cmath>

using namespace mlir;

namespace mamba::tools {

/// Certainly more than a GPU's L2 cache.
static constexpr int64_t cacheBytes = int64_t(256) << 20;
static constexpr int64_t minSets = 2, maxSets = 16;

/// Different values of an input: a prime number, so that their repetitions
/// fall differently on every row.
static constexpr int64_t patternElements = 1048583;

llvm::Error ArgumentSets::addSpecs(ArrayRef<TensorSpec> added,
                                   const CallSizes &sizes) {
  for (const TensorSpec &spec : added) {
    auto shape = sizes.getShape(spec);
    if (!shape)
      return shape.takeError();
    specs.push_back(spec);
    shapes.push_back(std::move(*shape));
    byteSizes.push_back(ssd::countElements(shapes.back()) * spec.type->bytes);
    bytesPerCall += byteSizes.back();
  }
  return llvm::Error::success();
}

/// Fills `bytes` at `data` with repetitions of `pattern` from its `start` on.
static llvm::Error fill(BenchDevice &device, char *data, int64_t bytes,
                        ArrayRef<char> pattern, int64_t start) {
  for (int64_t done = 0; done < bytes; start = 0) {
    int64_t count = std::min(bytes - done, int64_t(pattern.size()) - start);
    if (llvm::Error error =
            device.upload(data + done, pattern.data() + start, count))
      return error;
    done += count;
  }
  return llvm::Error::success();
}

/// NaN in every type, so that an element that no launch writes is seen.
static std::vector<char> makePoison(int64_t bytes) {
  return std::vector<char>(std::min(bytes, patternElements), '\xff');
}

llvm::Error ArgumentSets::addTensor(BenchDevice &device, unsigned position,
                                    ArrayRef<char> pattern, int64_t step) {
  int64_t bytes = byteSizes[position];
  for (auto [set, list] : llvm::enumerate(lists)) {
    auto buffer = device.allocate(bytes);
    if (!buffer)
      return buffer.takeError();
    if (llvm::Error error = fill(device, buffer->get(), bytes, pattern,
                                 set * step % int64_t(pattern.size())))
      return error;
    DLTensor tensor = {};
    tensor.data = buffer->get();
    tensor.device = device.getDLDevice();
    tensor.ndim = shapes[position].size();
    tensor.dtype = specs[position].type->dlpack;
    tensor.shape = shapes[position].data();
    tensors.push_back(tensor);
    list.push_back(&tensors.back());
    memory.push_back(std::move(*buffer));
  }
  return llvm::Error::success();
}

llvm::Expected<ArgumentSets> ArgumentSets::create(BenchDevice &device,
                                                  const Signature &signature,
                                                  const CallSizes &sizes,
                                                  uint64_t seed) {
  ArgumentSets sets;
  if (llvm::Error error = sets.addSpecs(signature.inputs, sizes))
    return error;
  sets.numInputs = sets.specs.size();
  if (llvm::Error error = sets.addSpecs(signature.outputs, sizes))
    return error;
  int64_t count = llvm::divideCeil(cacheBytes, sets.bytesPerCall);
  sets.lists.resize(std::clamp(count, minSets, maxSets));
  for (auto [i, spec] : llvm::enumerate(sets.specs)) {
    if (i >= sets.numInputs) {
      if (llvm::Error error = sets.addTensor(
              device, i, makePoison(sets.byteSizes[i]), /*step=*/0))
        return error;
      continue;
    }
    int64_t elements =
        std::min(ssd::countElements(sets.shapes[i]), patternElements);
    auto values = drawValues(spec, {elements}, seed);
    if (!values)
      return values.takeError();
    HostTensor pattern = HostTensor::round(*spec.type, *values);
    int64_t step = elements / maxSets * spec.type->bytes;
    if (llvm::Error error = sets.addTensor(
            device, i, {pattern.data(), size_t(pattern.getNumBytes())}, step))
      return error;
  }
  return sets;
}

llvm::Error ArgumentSets::checkOutputs(BenchDevice &device) const {
  constexpr int64_t pieceBytes = int64_t(16) << 20;
  std::vector<char> piece(pieceBytes);
  for (unsigned i = numInputs; i < specs.size(); ++i) {
    const ElementType &type = *specs[i].type;
    const char *data = static_cast<const char *>(lists[0][i]->data);
    for (int64_t done = 0; done < byteSizes[i]; done += pieceBytes) {
      int64_t count = std::min(byteSizes[i] - done, pieceBytes);
      if (llvm::Error error = device.download(piece.data(), data + done, count))
        return error;
      for (int64_t at = 0; at < count; at += type.bytes)
        if (!std::isfinite(type.load(&piece[at])))
          return llvm::createStringError(
              "element " + Twine((done + at) / type.bytes) + " of output '" +
              specs[i].name + "' is not finite after the launches");
    }
  }
  return llvm::Error::success();
}

llvm::Error ArgumentSets::poisonOutputs(BenchDevice &device) const {
  for (unsigned i = numInputs; i < specs.size(); ++i)
    if (llvm::Error error =
            fill(device, static_cast<char *>(lists[0][i]->data), byteSizes[i],
                 makePoison(byteSizes[i]), /*start=*/0))
      return error;
  return llvm::Error::success();
}

llvm::Expected<std::vector<HostTensor>>
ArgumentSets::downloadOutputs(BenchDevice &device) const {
  std::vector<HostTensor> outputs;
  for (unsigned i = numInputs; i < specs.size(); ++i) {
    HostTensor &output = outputs.emplace_back(*specs[i].type, shapes[i]);
    const char *data = static_cast<const char *>(lists[0][i]->data);
    if (llvm::Error error = device.download(output.data(), data, byteSizes[i]))
      return error;
  }
  return outputs;
}

} // namespace mamba::tools

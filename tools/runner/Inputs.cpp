// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/runner/Inputs.h"

#include "tools/support/Npy.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <random>

using namespace llvm;

namespace mamba::tools {

static Error makeError(const Twine &message) {
  return createStringError(message);
}

namespace {

/// A way to draw numbers: its name, and how many parameters it takes.
struct Distribution {
  const char *name;
  unsigned numParameters;
  double (*draw)(std::mt19937_64 &, const double *parameters);
};

const Distribution distributions[] = {
    {"normal", 0,
     [](std::mt19937_64 &generator, const double *) {
       return std::normal_distribution<double>()(generator);
     }},
    {"normal", 2,
     [](std::mt19937_64 &generator, const double *p) {
       return std::normal_distribution<double>(p[0], p[1])(generator);
     }},
    {"uniform", 2,
     [](std::mt19937_64 &generator, const double *p) {
       return std::uniform_real_distribution<double>(p[0], p[1])(generator);
     }},
    {"constant", 1, [](std::mt19937_64 &, const double *p) { return p[0]; }},
};

} // namespace

static Expected<ssd::ReferenceTensor> drawAs(StringRef text,
                                             const TensorSpec &spec,
                                             ArrayRef<int64_t> shape,
                                             uint64_t seed) {
  SmallVector<StringRef> words;
  SplitString(text, words);
  SmallVector<double> parameters;
  for (StringRef word : ArrayRef(words).drop_front())
    if (word.getAsDouble(parameters.emplace_back()))
      return makeError("'" + spec.name + "' is to be drawn as \"" + text +
                       "\", where '" + word + "' is not a number");
  for (const Distribution &distribution : distributions) {
    if (words.front() != distribution.name ||
        parameters.size() != distribution.numParameters)
      continue;
    std::mt19937_64 generator(seed ^ xxHash64(spec.name));
    ssd::ReferenceTensor tensor(shape);
    for (double &value : tensor.getValues())
      value = distribution.draw(generator, parameters.data());
    return tensor;
  }
  return makeError("'" + spec.name + "' is to be drawn as \"" + text +
                   "\", but there is \"normal\", \"normal MEAN SDEV\", "
                   "\"uniform LOW HIGH\" and \"constant VALUE\"");
}

Expected<ssd::ReferenceTensor>
drawValues(const TensorSpec &spec, ArrayRef<int64_t> shape, uint64_t seed) {
  if (!StringRef(spec.init).trim().empty())
    return drawAs(spec.init, spec, shape, seed);
  return drawAs(spec.isLogDecay ? "uniform -0.2 -0.001" : "normal", spec, shape,
                seed);
}

Expected<ssd::ReferenceTensor> readArray(const std::string &path) {
  rt::Result<NpyArray> array = readNpy(path);
  if (!array.isOk())
    return makeError(std::string(array.status().message()));
  return ssd::ReferenceTensor(array->shape, array->toDoubles());
}

Error writeArray(const std::string &path, const HostTensor &tensor) {
  StringRef name = tensor.getType().name;
  NpyType type = name == "f16"   ? NpyType::F2
                 : name == "f64" ? NpyType::F8
                                 : NpyType::F4;
  ssd::ReferenceTensor values = tensor.toReference();
  rt::Status status = writeNpy(
      path, NpyArray::fromDoubles(
                type, {values.getShape().begin(), values.getShape().end()},
                {values.getValues().begin(), values.getValues().end()}));
  if (!status.isOk())
    return makeError(std::string(status.message()));
  return Error::success();
}

/// Compiled code does not look at values: what is used as a log decay as it is
/// must be one.
static Error checkLogDecay(const TensorSpec &spec,
                           const ssd::ReferenceTensor &values) {
  Error error = Error::success();
  ssd::forEachIndex(values.getShape(), [&](ArrayRef<int64_t> index) {
    double value = values.at(index);
    if (error || (value <= 0 && std::isfinite(value)))
      return;
    std::string text;
    raw_string_ostream stream(text);
    stream << "log decay '" << spec.name << "' is " << format("%g", value)
           << " at [";
    interleaveComma(index, stream);
    stream << "], but must be finite and <= 0";
    error = makeError(text);
  });
  return error;
}

Expected<std::vector<HostTensor>> makeInputs(ArrayRef<TensorSpec> specs,
                                             const FileMap &files,
                                             CallSizes &sizes, uint64_t seed) {
  std::map<unsigned, ssd::ReferenceTensor> arrays;
  for (const auto &[position, path] : files) {
    auto array = readArray(path);
    if (!array)
      return array.takeError();
    if (Error error = sizes.addArray(specs[position], array->getShape()))
      return error;
    arrays.emplace(position, std::move(*array));
  }
  std::vector<HostTensor> inputs;
  for (auto [position, spec] : enumerate(specs)) {
    if (!arrays.count(position)) {
      auto shape = sizes.getShape(spec);
      if (!shape)
        return shape.takeError();
      auto values = drawValues(spec, *shape, seed);
      if (!values)
        return values.takeError();
      arrays.emplace(position, std::move(*values));
    }
    inputs.push_back(HostTensor::round(*spec.type, arrays.at(position)));
    arrays.erase(position);
    if (spec.isLogDecay)
      if (Error error = checkLogDecay(spec, inputs.back().toReference()))
        return error;
  }
  return inputs;
}

} // namespace mamba::tools

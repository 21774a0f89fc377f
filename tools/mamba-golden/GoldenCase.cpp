// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-golden/GoldenCase.h"

#include "tools/runner/Inputs.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace mamba::tools {
namespace {

Error makeError(const Twine &message) { return createStringError(message); }

/// How an array is laid out in a case.
enum class Layout {
  Plain,    ///< As compiled functions take it.
  State,    ///< [b, h, n, p], taken as B×H×P×N.
  PerToken, ///< [b, t, h, 1], taken as B×T×H.
};

struct ArrayRow {
  const char *name;
  Layout layout;
  bool isOperand;       ///< Has the input type; the others are f32.
  bool hasTime;         ///< Dimensions 0 and 1 are batch and time.
  bool hasBatch = true; ///< Dimension 0 is the batch.
};

const ArrayRow arrayRows[] = {
    {"x", Layout::Plain, true, true},
    {"B", Layout::Plain, true, true},
    {"C", Layout::Plain, true, true},
    {"z", Layout::Plain, true, true},
    {"y", Layout::Plain, true, true},
    {"dt", Layout::Plain, false, true},
    {"la", Layout::PerToken, false, true},
    {"S0", Layout::State, false, false},
    {"S", Layout::State, false, false},
    {"A", Layout::Plain, false, false, false},
    {"D", Layout::Plain, false, false, false},
    {"dt_bias", Layout::Plain, false, false, false},
    {"log_gamma", Layout::Plain, false, false, false},
};

const ArrayRow *lookupArray(StringRef name) {
  for (const ArrayRow &row : arrayRows)
    if (name == row.name)
      return &row;
  return nullptr;
}

/// A class of cases: the function it is run with.
struct ClassRow {
  const char *op;
  const char *decay; ///< Value of the option decay; null: none.
  const char *templateFile;
  std::vector<const char *> inputs;
  std::vector<const char *> options;
};

const ClassRow classRows[] = {
    {"linear",
     "none",
     "linear_attention.mlir",
     {"x", "B", "C", "S0"},
     {"decay"}},
    {"linear",
     "constant per head",
     "retention.mlir",
     {"x", "B", "C", "S0", "log_gamma"},
     {"decay"}},
    {"mixer", nullptr, "mixer.mlir", {"x", "B", "C", "la", "S0"}, {"heads"}},
    {"mamba2",
     nullptr,
     "mamba2.mlir",
     {"x", "dt", "A", "B", "C", "D", "z", "dt_bias", "S0"},
     {"dt_limit", "strong_decay", "D_per_channel"}},
};

Expected<const ClassRow *> findClass(const json::Object &description) {
  StringRef op = description.getString("op").value_or("");
  const json::Object *options = description.getObject("options");
  std::optional<StringRef> decay =
      options ? options->getString("decay") : std::nullopt;
  bool isKnownOp = false;
  for (const ClassRow &row : classRows) {
    if (op != row.op)
      continue;
    isKnownOp = true;
    if (row.decay && decay != StringRef(row.decay))
      continue;
    StringSet<> known;
    for (const char *option : row.options)
      known.insert(option);
    if (options)
      for (const auto &[name, value] : *options)
        if (!known.contains(StringRef(name)))
          return makeError("option '" + StringRef(name) + "' of class '" + op +
                           "' is not supported");
    return &row;
  }
  if (isKnownOp)
    return makeError("class '" + op + "' with decay \"" + decay.value_or("") +
                     "\" is not supported; there is "
                     "\"none\" and \"constant per head\"");
  return makeError("class '" + op +
                   "' is not supported; there is linear, "
                   "mixer and mamba2");
}

/// Exchanges the last two dimensions.
ssd::ReferenceTensor transposeState(const ssd::ReferenceTensor &state) {
  SmallVector<int64_t, 4> shape(state.getShape());
  std::swap(shape[2], shape[3]);
  ssd::ReferenceTensor result(shape);
  ssd::forEachIndex(shape, [&](ArrayRef<int64_t> index) {
    result.at(index) = state.at({index[0], index[1], index[3], index[2]});
  });
  return result;
}

Expected<ssd::ReferenceTensor> readCaseArray(StringRef folder, StringRef prefix,
                                             StringRef name) {
  SmallString<128> path(folder);
  sys::path::append(path, prefix + name + ".npy");
  auto array = readArray(path.str().str());
  if (!array)
    return array;
  Layout layout = lookupArray(name)->layout;
  if (layout == Layout::Plain)
    return array;
  if (array->getRank() != 4 ||
      (layout == Layout::PerToken && array->getDimSize(3) != 1))
    return makeError(
        path + ": has shape " + formatShape(array->getShape()) + ", expected " +
        (layout == Layout::State ? "[b, h, n, p]" : "[b, t, h, 1]"));
  if (layout == Layout::State)
    return transposeState(*array);
  return array->reshaped(array->getShape().drop_back());
}

Expected<json::Object> readDescription(StringRef folder) {
  SmallString<128> path(folder);
  sys::path::append(path, "case.json");
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return makeError(path + ": " + buffer.getError().message());
  auto value = json::parse((*buffer)->getBuffer());
  if (!value)
    return makeError(path + ": " + toString(value.takeError()));
  if (json::Object *object = value->getAsObject())
    return std::move(*object);
  return makeError(path + ": is not a JSON object");
}

/// A JSON number as an MLIR float constant.
std::string formatFloat(double value) {
  std::string text;
  raw_string_ostream(text) << format("%.17e", value);
  return text;
}

Error readLimits(const json::Object &description, GoldenCase &golden) {
  const json::Object *options = description.getObject("options");
  const json::Array *limits = options ? options->getArray("dt_limit") : nullptr;
  if (!limits)
    return Error::success();
  std::optional<double> low, high;
  if (limits->size() == 2) {
    low = (*limits)[0].getAsNumber();
    high = (*limits)[1].getAsNumber();
  }
  if (!low || !high)
    return makeError("option dt_limit is not a list of two numbers");
  golden.dtLow = formatFloat(*low);
  golden.dtHigh = formatFloat(*high);
  return Error::success();
}

} // namespace

Expected<GoldenCase> readGoldenCase(const std::string &folder) {
  auto description = readDescription(folder);
  if (!description)
    return description.takeError();
  auto row = findClass(*description);
  if (!row)
    return row.takeError();
  GoldenCase golden;
  golden.name = sys::path::filename(StringRef(folder).rtrim('/')).str();
  golden.templateFile = (*row)->templateFile;
  if (Error error = readLimits(*description, golden))
    return error;
  for (const char *name : (*row)->inputs) {
    auto array = readCaseArray(folder, "in_", name);
    if (!array)
      return array.takeError();
    golden.inputs.emplace(name, std::move(*array));
  }
  for (const char *name : {"y", "S"}) {
    auto array = readCaseArray(folder, "out_", name);
    if (!array)
      return array.takeError();
    golden.outputs.emplace(name, std::move(*array));
  }
  return golden;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string formatType(const ArrayRow &row, ArrayRef<int64_t> shape,
                              const ElementType &type) {
  std::string text = "tensor<";
  for (auto [dim, size] : enumerate(shape)) {
    bool isDynamic = (dim == 0 && row.hasBatch) || (dim == 1 && row.hasTime);
    text += (isDynamic ? "?" : std::to_string(size)) + "x";
  }
  return text + (row.isOperand ? type.name : "f32") + ">";
}

static StringMap<std::string> makeReplacements(const GoldenCase &golden,
                                               const ElementType &type) {
  StringMap<std::string> replacements;
  for (const auto *arrays : {&golden.inputs, &golden.outputs})
    for (const auto &[name, array] : *arrays)
      replacements[name] =
          formatType(*lookupArray(name), array.getShape(), type);
  const ssd::ReferenceTensor &state = golden.outputs.at("S");
  replacements["H"] = std::to_string(state.getDimSize(1));
  replacements["P"] = std::to_string(state.getDimSize(2));
  replacements["N"] = std::to_string(state.getDimSize(3));
  replacements["G"] = std::to_string(golden.inputs.at("B").getDimSize(2));
  replacements["float"] = type.name;
  replacements["dt_low"] = golden.dtLow;
  replacements["dt_high"] = golden.dtHigh;
  if (auto skip = golden.inputs.find("D"); skip != golden.inputs.end())
    replacements["D.dims"] = skip->second.getRank() == 1 ? "h" : "h, p";
  return replacements;
}

Expected<std::string> instantiate(const GoldenCase &golden, StringRef text,
                                  const ElementType &type) {
  StringMap<std::string> replacements = makeReplacements(golden, type);
  StringRef dropped =
      StringRef(type.name) == "f32" ? "// 16-bit only" : "// f32 only";
  std::string result;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    text = rest;
    if (line.ends_with(dropped))
      continue;
    while (!line.empty()) {
      size_t begin = line.find("${");
      result += line.substr(0, begin);
      if (begin == StringRef::npos)
        break;
      auto [name, tail] = line.substr(begin + 2).split('}');
      // The heading comment explains ${…} itself.
      auto found = replacements.find(name);
      if (found == replacements.end())
        return makeError(golden.templateFile + ": nothing is called ${" + name +
                         "}");
      result += found->second;
      line = tail;
    }
    result += '\n';
  }
  return result;
}

} // namespace mamba::tools

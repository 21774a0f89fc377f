// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-compile/HeaderPrinter.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace mamba::tools {

std::string makeIdentifier(StringRef text) {
  std::string result = text.str();
  for (char &character : result)
    if (!isAlnum(character))
      character = '_';
  return isDigit(result.front()) ? "_" + result : result;
}

namespace {

class HeaderPrinter {
public:
  HeaderPrinter(raw_ostream &stream, const mamba_plan &plan, StringRef name)
      : stream(stream), plan(plan), name(name) {}

  void printPlan();
  void printCpuFunction();
  void printGpuFunction(StringRef image);

private:
  void printString(const char *text) {
    stream << '"';
    printEscapedString(text, stream);
    stream << '"';
  }
  void printDims(ArrayRef<mamba_dim> dims) {
    interleaveComma(dims, stream, [&](const mamba_dim &dim) {
      stream << "{" << dim.extent << ", " << dim.symbol << "}";
    });
  }
  void printParam(const mamba_param &param);
  void printKernel(const mamba_kernel &kernel);

  raw_ostream &stream;
  const mamba_plan &plan;
  StringRef name;
};

void HeaderPrinter::printParam(const mamba_param &param) {
  stream << "    {";
  printString(param.name);
  stream << ", " << param.kind << ", " << param.dtype << ", " << param.rank
         << ", " << param.alignment << ", " << param.flags << ", {";
  printDims(ArrayRef(param.dims, std::max(param.rank, 1)));
  stream << "}},\n";
}

void HeaderPrinter::printKernel(const mamba_kernel &kernel) {
  auto printList = [&](ArrayRef<int32_t> numbers) {
    stream << ", " << numbers.size() << ", {";
    interleaveComma(numbers, stream);
    stream << (numbers.empty() ? "0}" : "}");
  };
  stream << "    {";
  printString(kernel.name);
  printList(ArrayRef(kernel.params, kernel.num_params));
  printList(ArrayRef(kernel.symbols, kernel.num_symbols));
  stream << ", " << kernel.num_grid_factors << ", {";
  printDims(ArrayRef(kernel.grid, std::max(kernel.num_grid_factors, 1)));
  stream << "}, " << kernel.block_size << ", " << kernel.dynamic_shared_bytes
         << ", " << kernel.num_tensor_maps << ", {";
  ArrayRef maps(kernel.tensor_maps, std::max(kernel.num_tensor_maps, 1));
  interleaveComma(maps, stream, [&](const mamba_tensor_map &map) {
    stream << "{" << map.param << ", {";
    interleaveComma(ArrayRef(map.box), stream);
    stream << "}}";
  });
  stream << "}, " << kernel.gang << ", " << kernel.segment_chunks << ", "
         << kernel.chunk << ", " << kernel.alternative << ", {"
         << kernel.cost.launch << ", " << kernel.cost.chunk << ", "
         << kernel.cost.summary << ", " << kernel.cost.join << ", "
         << kernel.cost.state << "}},\n";
}

void HeaderPrinter::printPlan() {
  stream << "/* Arguments, in this order:\n";
  static constexpr const char *kinds[] = {"", "input", "output", "temporary"};
  for (const mamba_param &param : ArrayRef(plan.params, plan.num_params))
    if (param.kind != MAMBA_PARAM_TEMPORARY)
      stream << " *   " << kinds[param.kind] << " " << param.name << "\n";
  stream << " */\nstatic const mamba_param " << name << "_params[] = {\n";
  for (const mamba_param &param : ArrayRef(plan.params, plan.num_params))
    printParam(param);
  stream << "};\n\n";
  // C has no empty arrays.
  stream << "static const mamba_symbol " << name << "_symbols[] = {\n";
  for (const mamba_symbol &symbol : ArrayRef(plan.symbols, plan.num_symbols)) {
    stream << "    {";
    printString(symbol.name);
    stream << ", " << symbol.param << ", " << symbol.dim << "},\n";
  }
  stream << (plan.num_symbols == 0 ? "    {0, 0, 0},\n};\n\n" : "};\n\n");
  stream << "static const mamba_kernel " << name << "_kernels[] = {\n";
  for (const mamba_kernel &kernel : ArrayRef(plan.kernels, plan.num_kernels))
    printKernel(kernel);
  stream << "};\n\nstatic const mamba_plan " << name << "_plan = {"
         << plan.version << ", ";
  printString(plan.name);
  stream << ", ";
  printString(plan.target);
  stream << ", " << plan.min_capability << ", " << plan.exact_capability << ", "
         << plan.num_params << ", " << name << "_params, " << plan.num_symbols
         << ", " << name << "_symbols, " << plan.num_kernels << ", " << name
         << "_kernels};\n\n";
}

void HeaderPrinter::printCpuFunction() {
  ArrayRef<mamba_kernel> kernels(plan.kernels, plan.num_kernels);
  stream << "/* In the object file. */\n";
  for (const mamba_kernel &kernel : kernels)
    stream << "void " << kernel.name
           << "(void **pointers, int64_t batch, int64_t length, int64_t begin, "
              "int64_t end);\n";
  stream << "\n/* Makes the function; launch it with mamba_function_launch_cpu "
            "and release it\n * with mamba_function_release. */\n"
         << "static inline mamba_status *" << name
         << "_create(mamba_function **function) {\n"
         << "  static const mamba_cpu_kernel entries[] = {";
  interleaveComma(kernels, stream,
                  [&](const mamba_kernel &kernel) { stream << kernel.name; });
  stream << "};\n  return mamba_function_create_cpu(&" << name
         << "_plan, entries, function);\n}\n\n";
}

void HeaderPrinter::printGpuFunction(StringRef image) {
  stream << "static const unsigned char " << name << "_image[] = {";
  for (auto [i, character] : enumerate(image))
    stream << (i % 20 == 0 ? "\n    " : "")
           << static_cast<unsigned>(static_cast<unsigned char>(character))
           << ",";
  // PTX is text that ends with a null character.
  stream << "0};\n\n"
         << "/* Loads the code and makes the function; launch it with "
            "mamba_function_launch\n * and release both. */\n"
         << "static inline mamba_status *" << name
         << "_create(mamba_device *device, mamba_module **module,\n"
         << "    mamba_function **function) {\n"
         << "  mamba_status *status = mamba_module_load(device, " << name
         << "_image,\n      sizeof(" << name << "_image) - 1, 0, module);\n"
         << "  if (status)\n    return status;\n"
         << "  return mamba_function_create(*module, &" << name
         << "_plan, function);\n}\n\n";
}

} // namespace

void printHeader(raw_ostream &stream, const mamba_plan &plan, StringRef name,
                 StringRef source, StringRef image) {
  std::string guard = StringRef(name).upper() + "_H";
  stream << "/* Made by mamba-compile from " << source << ": @" << plan.name
         << " for " << plan.target << ". */\n\n#ifndef " << guard
         << "\n#define " << guard << "\n\n#include \"runtime/mamba.h\"\n\n"
         << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  HeaderPrinter printer(stream, plan, name);
  printer.printPlan();
  if (image.empty())
    printer.printCpuFunction();
  else
    printer.printGpuFunction(image);
  stream << "#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
}

} // namespace mamba::tools

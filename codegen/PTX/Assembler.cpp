// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/PTX/Assembler.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

namespace mamba::codegen {
namespace {

/// The number before `unit` in a line such as "16 bytes spill stores".
int numberBefore(llvm::StringRef line, llvm::StringRef unit) {
  size_t position = line.find(unit);
  if (position == llvm::StringRef::npos)
    return 0;
  llvm::StringRef text = line.take_front(position).rtrim();
  text = text.substr(text.find_last_not_of("0123456789") + 1);
  int number = 0;
  return text.getAsInteger(10, number) ? 0 : number;
}

/// A file that is removed when the object goes.
struct TemporaryFile {
  llvm::SmallString<128> path;
  ~TemporaryFile() {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }
  llvm::Error create(llvm::StringRef suffix, llvm::StringRef content) {
    int descriptor = -1;
    if (std::error_code error = llvm::sys::fs::createTemporaryFile(
            "mamba", suffix, descriptor, path))
      return llvm::createStringError(error, "cannot create a temporary file");
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << content;
    stream.close();
    if (std::error_code error = stream.error()) {
      stream.clear_error();
      return llvm::createStringError(error, "cannot write %s", path.c_str());
    }
    return llvm::Error::success();
  }
};

} // namespace

std::optional<std::string> findAssembler() {
  llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName("ptxas");
  if (!path)
    return std::nullopt;
  return *path;
}

AssemblyReport parseAssemblerOutput(llvm::StringRef output) {
  AssemblyReport report;
  llvm::SmallVector<llvm::StringRef> lines;
  output.split(lines, '\n', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines) {
    constexpr llvm::StringLiteral entry = "Compiling entry function '";
    size_t position = line.find(entry);
    if (position != llvm::StringRef::npos) {
      llvm::StringRef name = line.drop_front(position + entry.size());
      report.kernels.push_back(
          {.name = name.take_until([](char c) { return c == '\''; }).str()});
      continue;
    }
    bool advice = line.contains("warning") || line.contains("(C75");
    if (advice)
      report.warnings.push_back(line.str());
    if (report.kernels.empty())
      continue;
    AssembledKernel &kernel = report.kernels.back();
    if (line.contains("spill stores")) {
      kernel.stackBytes = numberBefore(line, "bytes stack frame");
      kernel.spillStoreBytes = numberBefore(line, "bytes spill stores");
      kernel.spillLoadBytes = numberBefore(line, "bytes spill loads");
    }
    if (line.contains("Used"))
      kernel.registers = numberBefore(line, "registers");
  }
  return report;
}

llvm::Expected<AssemblyReport> assemble(llvm::StringRef assembler,
                                        llvm::StringRef ptx,
                                        llvm::StringRef target,
                                        llvm::StringRef cubinPath) {
  TemporaryFile input, output, cubin;
  if (llvm::Error error = input.create("ptx", ptx))
    return std::move(error);
  if (llvm::Error error = output.create("log", ""))
    return std::move(error);
  if (llvm::Error error = cubin.create("cubin", ""))
    return std::move(error);
  std::string architecture = "-arch=" + target.str();
  llvm::StringRef result = cubinPath.empty() ? cubin.path.str() : cubinPath;
  llvm::StringRef arguments[] = {assembler,  "-v", "-O3", architecture,
                                 input.path, "-o", result};
  std::optional<llvm::StringRef> redirects[] = {
      llvm::StringRef(""), output.path.str(), output.path.str()};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(
      assembler, arguments, /*Env=*/std::nullopt, redirects,
      /*SecondsToWait=*/300, /*MemoryLimit=*/0, &message);
  auto log = llvm::MemoryBuffer::getFile(output.path);
  llvm::StringRef text = log ? (*log)->getBuffer() : llvm::StringRef();
  if (status != 0)
    return llvm::createStringError(
        std::errc::invalid_argument, "ptxas failed for %s: %s%s",
        target.str().c_str(), message.c_str(), text.str().c_str());
  return parseAssemblerOutput(text);
}

} // namespace mamba::codegen

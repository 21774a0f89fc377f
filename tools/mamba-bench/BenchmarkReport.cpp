// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/BenchmarkReport.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Threading.h"

#include <cstdlib>
#include <ctime>
#include <unistd.h>

using namespace llvm;

namespace mamba::tools {

/// The time and its zone as ISO 8601.
static std::string formatDate() {
  std::time_t now = std::time(nullptr);
  std::tm local = {};
  localtime_r(&now, &local);
  char text[64] = "";
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &local);
  std::string date = text;
  // +0100 becomes +01:00.
  return date.insert(date.size() - 2, ":");
}

static std::string getHostName() {
  char name[256] = "";
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

/// The first line of a small file; empty if it cannot be read.
static std::string readLine(const Twine &path) {
  auto file = MemoryBuffer::getFile(path, /*IsText=*/true,
                                    /*RequiresNullTerminator=*/false,
                                    /*IsVolatile=*/true);
  return file ? (*file)->getBuffer().split('\n').first.str() : "";
}

static int64_t readNumber(const Twine &path) {
  int64_t number = 0;
  StringRef(readLine(path)).consumeInteger(10, number);
  return number;
}

/// Caches of the first core, as Linux lists them.
static json::Array listCaches() {
  json::Array caches;
  for (unsigned i = 0;; ++i) {
    std::string directory =
        formatv("/sys/devices/system/cpu/cpu0/cache/index{0}/", i);
    std::string type = readLine(directory + "type");
    if (type.empty())
      return caches;
    int64_t sharing = 0;
    std::string map = readLine(directory + "shared_cpu_map");
    for (char digit : map)
      sharing += popcount(hexDigitValue(digit) & 15u);
    caches.push_back(
        json::Object{{"type", type},
                     {"level", readNumber(directory + "level")},
                     {"size", readNumber(directory + "size") << 10},
                     {"num_sharing", sharing}});
  }
}

json::Object toJson(const BenchmarkContext &context) {
  json::Array load;
  double averages[3];
  int count = getloadavg(averages, 3);
  for (int i = 0; i < count; ++i)
    load.push_back(averages[i]);
  StringRef cpuFrequency = "/sys/devices/system/cpu/cpu0/cpufreq/";
  json::Object object{
      {"date", formatDate()},
      {"host_name", getHostName()},
      {"executable", context.executable},
      {"num_cpus", int64_t(hardware_concurrency().compute_thread_count())},
      {"mhz_per_cpu", readNumber(cpuFrequency + "cpuinfo_max_freq") / 1000},
      {"cpu_scaling_enabled",
       readLine(cpuFrequency + "scaling_governor") != "" &&
           readLine(cpuFrequency + "scaling_governor") != "performance"},
      {"caches", listCaches()},
      {"load_avg", std::move(load)},
#ifdef NDEBUG
      {"library_build_type", "release"},
#else
      {"library_build_type", "debug"},
#endif
      {"target", context.target},
      {"device", context.device},
      {"copy_bytes_per_second", context.rates.bytesPerSecond},
      {"rates_source", context.rates.source}};
  if (context.rates.flopsPerSecond > 0)
    object["matmul_flops_per_second"] = context.rates.flopsPerSecond;
  return object;
}

json::Object toJson(const BenchmarkRow &row, unsigned index) {
  json::Object object{{"name", row.name},
                      {"family_index", int64_t(index)},
                      {"per_family_instance_index", 0},
                      {"run_name", row.name},
                      {"run_type", "iteration"},
                      {"repetitions", 1},
                      {"repetition_index", 0},
                      {"threads", 1},
                      {"label", row.label},
                      {"kernel", row.kernel}};
  if (!row.error.empty()) {
    object["error_occurred"] = true;
    object["error_message"] = row.error;
  }
  object["iterations"] = int64_t(row.iterations);
  object["real_time"] = row.realSeconds * 1e3;
  object["cpu_time"] = row.cpuSeconds * 1e3;
  object["time_unit"] = "ms";
  for (const auto &[name, value] : row.counters)
    object[name] = value;
  return object;
}

void print(raw_ostream &stream, const BenchmarkContext &context) {
  stream << formatDate() << "\nRunning " << context.executable << "\nRun on "
         << context.device << "\nCopies "
         << format("%.4g GB/s", context.rates.bytesPerSecond * 1e-9);
  if (context.rates.flopsPerSecond > 0)
    stream << format(", products %.4g TFLOP/s",
                     context.rates.flopsPerSecond * 1e-12);
  stream << " (" << context.rates.source << ")\n";
}

void printHeader(raw_ostream &stream, size_t width) {
  std::string line(width + 45 + std::strlen(" UserCounters..."), '-');
  stream << line << "\n"
         << left_justify("Benchmark", width)
         << format(" %14s %14s %14s", "Time", "CPU", "Iterations")
         << " UserCounters...\n"
         << line << "\n";
}

void print(raw_ostream &stream, const BenchmarkRow &row, size_t width) {
  stream << left_justify(row.name, width);
  if (!row.error.empty()) {
    stream << " ERROR OCCURRED: '" << row.error << "'\n";
    return;
  }
  stream << format(" %11.4g ms %11.4g ms %14u", row.realSeconds * 1e3,
                   row.cpuSeconds * 1e3, row.iterations);
  for (const auto &[name, value] : row.counters)
    stream << " " << name << format("=%.4g", value);
  stream << " " << row.label << " " << row.kernel << "\n";
}

} // namespace mamba::tools

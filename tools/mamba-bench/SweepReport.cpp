// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/mamba-bench/Sweep.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"

using namespace llvm;

namespace mamba::tools {
namespace {

/// The rows of a sweep, their schedules divided into what all of them share and
/// what tells them apart.
class Table {
public:
  explicit Table(const SweepResult &result);

  void print(raw_ostream &stream) const;

private:
  struct Line {
    const BenchmarkRow *row;
    std::string schedule;
  };

  void printLine(raw_ostream &stream, const Line &line) const;

  const SweepResult &result;
  std::string shared;
  std::vector<Line> lines; ///< As the rows.
  size_t width = 8;
};

} // namespace

/// Adds "chunk 64" to a list.
static void append(std::string &list, StringRef part) {
  auto [name, value] = part.split(':');
  list += ((list.empty() ? "" : ", ") + name + " " + value).str();
}

Table::Table(const SweepResult &result) : result(result) {
  StringMap<unsigned> counts;
  std::vector<SmallVector<StringRef>> schedules;
  for (const BenchmarkRow &row : result.rows) {
    StringRef schedule = row.name;
    schedule.consume_front(result.name + "/");
    schedule.split(schedules.emplace_back(), '/');
    for (StringRef part : schedules.back())
      ++counts[part];
  }
  for (auto [row, schedule] : zip(result.rows, schedules)) {
    Line &line = lines.emplace_back();
    line.row = &row;
    for (StringRef part : schedule) {
      bool isShared = counts[part] == schedules.size();
      if (!isShared)
        append(line.schedule, part);
      else if (lines.size() == 1)
        append(shared, part);
    }
    width = std::max(width, line.schedule.size());
  }
}

static double getCounter(const BenchmarkRow &row, StringRef name) {
  for (const auto &[counter, value] : row.counters)
    if (counter == name)
      return value;
  return 0;
}

void Table::printLine(raw_ostream &stream, const Line &line) const {
  const BenchmarkRow &row = *line.row;
  stream << "  " << left_justify(line.schedule, width);
  if (!row.error.empty()) {
    stream << " failed: " << row.error << "\n";
    return;
  }
  stream << format(" %10.4g %10.3f", row.realSeconds * 1e3,
                   getCounter(row, "x_chosen"));
  if (double graph = getCounter(row, "graph_ms"))
    stream << format(" %10.4g", graph);
  else
    stream << format(" %10s", "-");
  stream << format(" %10.2f %10.1e", getCounter(row, "x_floor"),
                   getCounter(row, "difference"))
         << (&row == &result.rows.front() ? " chosen: " + row.kernel : "")
         << "\n";
}

void Table::print(raw_ostream &stream) const {
  stream << result.name << " " << result.label << ": " << shared << "\n  "
         << left_justify("schedule", width)
         << format(" %10s %10s %10s %10s %10s\n", "ms", "x chosen",
                   "in a graph", "x floor", "difference");
  std::vector<const Line *> order;
  order.reserve(lines.size());
  for (const Line &line : lines)
    order.push_back(&line);
  sort(order, [](const Line *a, const Line *b) {
    auto key = [](const Line *line) {
      return std::tuple(!line->row->error.empty(), line->row->realSeconds,
                        line);
    };
    return key(a) < key(b);
  });
  for (const Line *line : order)
    printLine(stream, *line);
  const BenchmarkRow &chosen = result.rows.front();
  const BenchmarkRow &best = *order.front()->row;
  if (!chosen.error.empty())
    return;
  double excess = 100 * (chosen.realSeconds / best.realSeconds - 1);
  stream << "  chosen: " << lines.front().schedule
         << format(" is within %.1f %% of the best\n", excess);
}

/// How often each reason rejected what was forced, or, `verbose`, what.
static void printRejections(raw_ostream &stream, const SweepResult &result,
                            bool verbose) {
  int64_t count = 0;
  MapVector<StringRef, int64_t> reasons;
  for (const ScheduleRejection &rejection : result.rejections) {
    count += rejection.combinations;
    reasons[rejection.reason] += rejection.combinations;
  }
  stream << "  rejected: " << count << " combinations for " << reasons.size()
         << " reasons\n";
  if (!verbose)
    return;
  for (const ScheduleRejection &rejection : result.rejections)
    stream << "    " << rejection.combinations << " with '" << rejection.parts
           << "': " << rejection.reason << "\n";
}

void print(raw_ostream &stream, const SweepResult &result, bool verbose) {
  if (result.error.empty())
    Table(result).print(stream);
  else
    stream << result.name << " " << result.label << " failed: " << result.error
           << "\n";
  if (!result.rejections.empty())
    printRejections(stream, result, verbose);
}

json::Array toJson(const SweepResult &result) {
  json::Array rejections;
  for (const ScheduleRejection &rejection : result.rejections)
    rejections.push_back(
        json::Object{{"name", result.name},
                     {"forced", rejection.parts},
                     {"reason", rejection.reason},
                     {"combinations", rejection.combinations}});
  return rejections;
}

} // namespace mamba::tools

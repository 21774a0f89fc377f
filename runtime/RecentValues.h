// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MAMBA_RUNTIME_RECENTVALUES_H
#define MAMBA_RUNTIME_RECENTVALUES_H

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>

namespace mamba::rt {

/// What was computed for the keys inserted last, for launches that come in the
/// same order again and again. From any thread; does not allocate.
template <typename Key, typename Value, size_t Capacity>
class RecentValues {
public:
  static constexpr size_t capacity = Capacity;

  /// Calls `use` with the value of `key`, which nobody changes meanwhile.
  /// False if none is kept.
  template <typename Use>
  bool find(const Key &key, Use use) {
    std::lock_guard<std::mutex> lock(mutex);
    // Begin where the last search ended.
    for (size_t i = 0; i < count; ++i) {
      size_t at = latest + i < count ? latest + i : latest + i - count;
      if (!(entries[at].key == key))
        continue;
      latest = at;
      use(entries[at].value);
      return true;
    }
    return false;
  }

  /// Keeps for `key` what `fill` writes to a value, in the place of the oldest
  /// one.
  template <typename Fill>
  void insert(const Key &key, Fill fill) {
    std::lock_guard<std::mutex> lock(mutex);
    // Another thread may have inserted the same key: a wasted entry, no error.
    latest = oldest;
    oldest = (oldest + 1) % capacity;
    count = std::min(count + 1, capacity);
    entries[latest].key = key;
    fill(entries[latest].value);
  }

private:
  struct Entry {
    Key key;
    Value value;
  };

  std::mutex mutex;
  std::array<Entry, capacity> entries;
  size_t count = 0;
  size_t oldest = 0; ///< The next one to replace.
  size_t latest = 0; ///< Where the last search ended.
};

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_RECENTVALUES_H

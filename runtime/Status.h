// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Status values of the runtime: a code and a message that grows by what was
// being done on the way up. The runtime is built without exceptions.

#ifndef MAMBA_RUNTIME_STATUS_H
#define MAMBA_RUNTIME_STATUS_H

#include "runtime/mamba.h"

#include <cassert>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

/// The C status. Its text is "context: context: what, which value, limit".
struct mamba_status {
  mamba_status_code code;
  std::string message;
};

namespace mamba::rt {

/// Joins values into one text, as operator<< prints them.
template <typename... Parts>
std::string text(const Parts &...parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

/// Success, or an error code with a message.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(mamba_status_code code, std::string message)
      : payload(new mamba_status{code, std::move(message)}) {
    assert(code != MAMBA_OK && "an error needs an error code");
  }

  bool isOk() const { return !payload; }
  mamba_status_code code() const { return payload ? payload->code : MAMBA_OK; }
  std::string_view message() const {
    return payload ? std::string_view(payload->message) : "ok";
  }

  /// Puts "context: " before the message of an error.
  Status withContext(std::string_view context) && {
    if (payload)
      payload->message = text(context, ": ", payload->message);
    return std::move(*this);
  }

  /// Hands the error to a C caller, who frees it.
  mamba_status *release() && { return payload.release(); }

private:
  std::unique_ptr<mamba_status> payload;
};

/// An error whose message is the parts joined.
template <typename... Parts>
Status error(mamba_status_code code, const Parts &...parts) {
  return Status(code, text(parts...));
}

/// A value, or the error that prevented it.
template <typename T>
class [[nodiscard]] Result {
public:
  Result(T value) : held(std::move(value)) {}
  Result(Status status) : failure(std::move(status)) {
    assert(!failure.isOk() && "a result without a value needs an error");
  }

  bool isOk() const { return held.has_value(); }
  T &value() {
    assert(held && "no value");
    return *held;
  }
  const T &value() const {
    assert(held && "no value");
    return *held;
  }
  T *operator->() { return &value(); }
  T &operator*() & { return value(); }
  T &&operator*() && { return std::move(value()); }

  /// The error; success if there is a value.
  const Status &status() const { return failure; }
  Status takeStatus() { return std::move(failure); }

private:
  std::optional<T> held;
  Status failure;
};

} // namespace mamba::rt

#endif // MAMBA_RUNTIME_STATUS_H

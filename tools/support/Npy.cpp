// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/support/Npy.h"

#include "runtime/ReadFile.h"
#include "tools/support/Float16.h"

#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>

using namespace mamba::tools;
using mamba::rt::Result;
using mamba::rt::Status;
using mamba::rt::text;

static_assert(std::endian::native == std::endian::little,
              "elements are copied as they are in the file");

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr size_t maxRank = 32;

struct TypeName {
  NpyType type;
  std::string_view name;
  int64_t bytes;
};

constexpr TypeName typeNames[] = {{NpyType::F2, "f2", 2},
                                  {NpyType::F4, "f4", 4},
                                  {NpyType::F8, "f8", 8},
                                  {NpyType::I4, "i4", 4},
                                  {NpyType::I8, "i8", 8}};

const TypeName &nameOf(NpyType type) {
  return typeNames[static_cast<size_t>(type)];
}

template <typename... Parts>
Status invalid(const Parts &...parts) {
  return mamba::rt::error(MAMBA_INVALID_ARGUMENT, parts...);
}

/// What an .npy header says.
struct Header {
  std::string_view descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};

/// Reads the Python dictionary of a header: the three keys, once each, in any
/// order.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  Result<Header> parse() {
    Header header;
    Status status = parseDictionary(header);
    if (!status.isOk())
      return std::move(status).withContext("damaged header");
    return header;
  }

private:
  Status parseDictionary(Header &header);
  Status parseEntry(std::string_view key, Header &header);
  Status parseShape(std::vector<int64_t> &shape);

  void skipSpace() {
    size_t space = rest.find_first_not_of(" \t\n\r");
    rest.remove_prefix(space == rest.npos ? rest.size() : space);
  }

  /// Takes `token` if it comes next.
  bool take(std::string_view token) {
    skipSpace();
    if (!rest.starts_with(token))
      return false;
    rest.remove_prefix(token.size());
    return true;
  }

  Status expect(std::string_view token) {
    if (take(token))
      return {};
    return invalid("expected ", token, " before '", rest.substr(0, 16), "'");
  }

  Status parseString(std::string_view &value);
  Status parseSize(int64_t &value);

  std::string_view rest;
};

Status HeaderParser::parseString(std::string_view &value) {
  skipSpace();
  if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
    return invalid("expected a string before '", rest.substr(0, 16), "'");
  size_t end = rest.find(rest[0], 1);
  if (end == rest.npos)
    return invalid("a string does not end");
  value = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  return {};
}

Status HeaderParser::parseSize(int64_t &value) {
  skipSpace();
  size_t digits = 0;
  value = 0;
  for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9';
       ++digits)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, rest[digits] - '0', &value))
      return invalid("a size of the shape exceeds ", INT64_MAX);
  if (digits == 0)
    return invalid("expected a size before '", rest.substr(0, 16), "'");
  rest.remove_prefix(digits);
  return {};
}

Status HeaderParser::parseShape(std::vector<int64_t> &shape) {
  Status status = expect("(");
  while (status.isOk() && !take(")")) {
    if (shape.size() == maxRank)
      return invalid("the shape has more than ", maxRank, " sizes");
    status = parseSize(shape.emplace_back());
    if (status.isOk() && !take(",")) {
      status = expect(")");
      break;
    }
  }
  return status;
}

Status HeaderParser::parseEntry(std::string_view key, Header &header) {
  if (key == "descr") {
    skipSpace();
    if (rest.starts_with("["))
      return invalid("structured types are not supported");
    return parseString(header.descr);
  }
  if (key == "shape")
    return parseShape(header.shape);
  if (key != "fortran_order")
    return invalid("unknown key '", key, "'");
  header.fortranOrder = take("True");
  return header.fortranOrder ? Status() : expect("False");
}

Status HeaderParser::parseDictionary(Header &header) {
  std::vector<std::string_view> keys;
  Status status = expect("{");
  while (status.isOk() && !take("}")) {
    std::string_view &key = keys.emplace_back();
    status = parseString(key);
    for (size_t i = 0; status.isOk() && i + 1 < keys.size(); ++i)
      if (keys[i] == key)
        status = invalid("key '", key, "' occurs twice");
    if (status.isOk())
      status = expect(":");
    if (status.isOk())
      status = parseEntry(key, header);
    if (status.isOk() && !take(",")) {
      status = expect("}");
      break;
    }
  }
  if (status.isOk() && keys.size() != 3)
    status = invalid("expected the keys descr, fortran_order and shape");
  skipSpace();
  if (status.isOk() && !rest.empty())
    status = invalid("'", rest.substr(0, 16), "' follows the dictionary");
  return status;
}

/// The element type that `descr` names, e.g. "<f4".
Result<NpyType> parseType(std::string_view descr) {
  if (descr.starts_with(">"))
    return invalid("big-endian type '", descr, "' is not supported; save as '<",
                   descr.substr(1), "'");
  std::string_view name = descr;
  if (name.starts_with("<") || name.starts_with("="))
    name.remove_prefix(1);
  for (const TypeName &known : typeNames)
    if (known.name == name)
      return known.type;
  return invalid("type '", descr,
                 "' is not supported, only f2, f4, f8, i4 and i8");
}

/// Splits a file into header text and data.
Status splitFile(std::string_view bytes, std::string_view &header,
                 std::string_view &data) {
  if (!bytes.starts_with(magic))
    return invalid("is not an .npy file");
  if (bytes.size() < magic.size() + 2)
    return invalid("ends inside the header");
  int version = static_cast<unsigned char>(bytes[magic.size()]);
  if (version < 1 || version > 3)
    return invalid("format version ", version,
                   " is not supported, only 1 to 3");
  size_t lengthBytes = version == 1 ? 2 : 4;
  size_t headerAt = magic.size() + 2 + lengthBytes;
  if (bytes.size() < headerAt)
    return invalid("ends inside the header");
  size_t length = 0;
  for (size_t i = 0; i < lengthBytes; ++i)
    length |= size_t(static_cast<unsigned char>(bytes[magic.size() + 2 + i]))
              << (8 * i);
  if (length > bytes.size() - headerAt)
    return invalid("ends inside the header");
  header = bytes.substr(headerAt, length);
  data = bytes.substr(headerAt + length);
  return {};
}

template <typename Element>
std::vector<double> convertAll(const std::string &data) {
  std::vector<double> values(data.size() / sizeof(Element));
  for (size_t i = 0; i < values.size(); ++i) {
    Element element;
    std::memcpy(&element, data.data() + i * sizeof(Element), sizeof(Element));
    values[i] = static_cast<double>(element);
  }
  return values;
}

template <typename Element>
void appendElement(std::string &data, Element element) {
  data.append(reinterpret_cast<const char *>(&element), sizeof(Element));
}

} // namespace

int64_t mamba::tools::npyTypeBytes(NpyType type) { return nameOf(type).bytes; }

int64_t NpyArray::elementCount() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

std::vector<double> NpyArray::toDoubles() const {
  switch (type) {
  case NpyType::F4:
    return convertAll<float>(data);
  case NpyType::F8:
    return convertAll<double>(data);
  case NpyType::I4:
    return convertAll<int32_t>(data);
  case NpyType::I8:
    return convertAll<int64_t>(data);
  case NpyType::F2:
    break;
  }
  std::vector<double> values = convertAll<uint16_t>(data);
  for (double &value : values)
    value = Half::toDouble(static_cast<uint16_t>(value));
  return values;
}

NpyArray NpyArray::fromDoubles(NpyType type, std::vector<int64_t> shape,
                               const std::vector<double> &values) {
  NpyArray array = {type, std::move(shape), {}};
  assert(array.elementCount() == static_cast<int64_t>(values.size()) &&
         "one value an element");
  for (double value : values) {
    switch (type) {
    case NpyType::F2:
      appendElement(array.data, Half::fromDouble(value));
      break;
    case NpyType::F4:
      appendElement(array.data, static_cast<float>(value));
      break;
    case NpyType::F8:
      appendElement(array.data, value);
      break;
    case NpyType::I4:
      appendElement(array.data, static_cast<int32_t>(value));
      break;
    case NpyType::I8:
      appendElement(array.data, static_cast<int64_t>(value));
      break;
    }
  }
  return array;
}

Result<NpyArray> mamba::tools::parseNpy(std::string_view bytes) {
  std::string_view headerText;
  std::string_view data;
  Status status = splitFile(bytes, headerText, data);
  if (!status.isOk())
    return status;
  Result<Header> header = HeaderParser(headerText).parse();
  if (!header.isOk())
    return header.takeStatus();
  Result<NpyType> type = parseType(header->descr);
  if (!type.isOk())
    return type.takeStatus();
  // Arrays of at most one dimension are the same in both orders.
  if (header->fortranOrder && header->shape.size() > 1)
    return invalid("Fortran order is not supported; save in C order");
  int64_t expected = npyTypeBytes(*type);
  for (int64_t size : header->shape)
    if (__builtin_mul_overflow(expected, size, &expected))
      return invalid("the shape needs more than ", INT64_MAX, " bytes");
  if (static_cast<uint64_t>(expected) != data.size())
    return invalid("holds ", data.size(), " bytes of data, the shape needs ",
                   expected);
  return NpyArray{*type, std::move(header->shape), std::string(data)};
}

std::string mamba::tools::formatNpy(const NpyArray &array) {
  std::string header = text("{'descr': '<", nameOf(array.type).name,
                            "', 'fortran_order': False, 'shape': (");
  for (int64_t size : array.shape)
    header += text(size, ",");
  header += "), }";
  // Spaces and a newline let the data start at a multiple of 64 bytes.
  size_t start = magic.size() + 4;
  size_t end = (start + header.size() + 1 + 63) / 64 * 64;
  header.resize(end - start - 1, ' ');
  header += '\n';
  std::string bytes(magic);
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + array.data;
}

Result<NpyArray> mamba::tools::readNpy(const std::string &path) {
  Result<std::string> bytes = mamba::rt::readFile(path);
  if (!bytes.isOk())
    return bytes.takeStatus();
  Result<NpyArray> array = parseNpy(*bytes);
  if (!array.isOk())
    return array.takeStatus().withContext(text("'", path, "'"));
  return array;
}

Status mamba::tools::writeNpy(const std::string &path, const NpyArray &array) {
  std::ofstream file(path, std::ios::binary);
  file << formatNpy(array);
  file.close();
  if (file)
    return {};
  return mamba::rt::error(MAMBA_IO_ERROR, "cannot write '", path,
                          "': ", std::strerror(errno));
}

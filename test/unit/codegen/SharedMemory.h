// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shared memory of the running block.
//
// It stands at a multiple of 2³² of the host's addresses, so that the lower
// half of a pointer is an address of a GPU's shared memory, as descriptors of
// matrices hold it.

#ifndef MAMBA_TEST_UNIT_CODEGEN_SHAREDMEMORY_H
#define MAMBA_TEST_UNIT_CODEGEN_SHAREDMEMORY_H

#include <cstddef>
#include <cstdint>

namespace mamba::test {

/// What `tile_shared` names.
unsigned char *sharedMemory();
/// Fills it with NaNs.
void resetSharedMemory();

/// The memory at a shared address, whose upper half is not looked at. Fails if
/// it is misaligned or `bytes` do not fit. `what` is for the message.
unsigned char *sharedAt(uint64_t address, size_t bytes, size_t alignment,
                        const char *what);
/// The address of memory, as a GPU has it.
uint32_t sharedAddress(const void *memory);

//===----------------------------------------------------------------------===//
// Generic and asynchronous accesses
//===----------------------------------------------------------------------===//

/// The current thread has stored 16 bytes with an ordinary instruction: the
/// asynchronous ones must not read them before its fence.
void noteStore(const unsigned char *memory);
/// The fence of the current thread.
void fenceStores();
/// Fails if bytes that an asynchronous instruction reads are not fenced.
void checkFenced(const unsigned char *memory, size_t bytes, const char *what);

} // namespace mamba::test

#endif // MAMBA_TEST_UNIT_CODEGEN_SHAREDMEMORY_H

// SPDX-FileCopyrightText: The mamba-compiler authors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Linked into every program of the asan preset. LLVM's bump allocator poisons
// memory in its inline code, which our objects instrument and the installed
// libraries do not: memory poisoned by one and reused by the other would be
// reported. The system's allocator stays checked.
const char *__asan_default_options(void) { return "allow_user_poisoning=0"; }

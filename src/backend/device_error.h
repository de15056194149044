#pragma once

namespace vitrine {

// Throws Error{kDevice}: a call of the CUDA libraries, at file:line, came back with an error. Out of line, since nvcc cannot compile fmt's
// checks of formats.
[[noreturn]] void device_error(const char* name, const char* explanation, const char* file, int line);
// Throws Error{kDevice}: there is no kernel for this.
[[noreturn]] void no_kernel(const char* what);

}  // namespace vitrine

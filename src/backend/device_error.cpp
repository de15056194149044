#include "backend/device_error.h"

#include <string_view>

#include "base/error.h"

namespace vitrine {

void device_error(const char* name, const char* explanation, const char* file, int line) {
  const std::string_view path(file);
  fail(ErrorKind::kDevice, "{}:{}: {}: {}", path.substr(path.rfind('/') + 1), line, name, explanation);
}

void no_kernel(const char* what) { fail(ErrorKind::kDevice, "CUDA has no kernel for {}\nhelp: run.device: cpu has one", what); }

}  // namespace vitrine

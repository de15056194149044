#pragma once
#include <string>

#include "base/safetensors.h"

namespace vitrine {

// The array as a .npy file, version 1.0: magic and version, a Python dictionary padded to a multiple of 64 bytes, the numbers as they lie
// in memory (NumPy, numpy.lib.format). numpy.load reads it; the name of the tensor is not kept.
std::string encode_npy(const NamedTensor& array);

}  // namespace vitrine

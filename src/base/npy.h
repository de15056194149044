#pragma once
#include <span>
#include <string>

#include "base/safetensors.h"

namespace vitrine {

// The array as a .npy file, version 1.0: magic and version, a Python dictionary padded to a multiple of 64 bytes, the numbers as they lie
// in memory (NumPy, numpy.lib.format). numpy.load reads it; the name of the tensor is not kept.
std::string encode_npy(const NamedTensor& array);
// Several, by name, as a .npz: a ZIP archive of NAME.npy, stored as they are (PKWARE APPNOTE 6.3.10, §4.3). Below 4 GiB in all.
std::string encode_npz(std::span<const NamedTensor> arrays);

}  // namespace vitrine

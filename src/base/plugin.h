#pragma once
#include <cstddef>
#include <string>

#include "base/device.h"

namespace vitrine {

// What computes beside the processor lies in libraries of its own, so that a run on the processor never loads what CUDA needs. They are looked for
// in $VITRINE_PLUGIN_DIR if it is set, otherwise beside the program and in ../lib/vitrine of its folder.
//
// A library exports one symbol, extern "C" const Plugin* vitrine_plugin():
struct Plugin {
  const char* version;       // the interface between them is C++, so both must come from one build
  std::string (*missing)();  // what stands in the way of computing on this machine, and a line of help; empty: nothing
  size_t (*free_bytes)();    // of the device's memory; 0: it has none of its own
  // A new Backend of the precision whose numbers have so many bytes, as void*: this header knows neither. Null: not in this precision.
  void* (*make_backend)(size_t bytes, const DeviceSettings& settings);
};

// Loaded once and never unloaded. Error{kDevice} says what is missing, and what to do: the library, what it needs, or the device itself.
const Plugin& open_plugin(const DeviceSettings& settings);

// For `vitrine doctor`: the same without throwing. Empty where it can compute.
std::string missing_for(const DeviceSettings& settings);

}  // namespace vitrine

#pragma once

namespace vitrine {

// SIGINT and SIGTERM while this object lives: the first one is noted, so that the step can be finished and saved; a second one ends
// the program at once with status 128 + signal. The old handlers come back afterwards.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  int received() const;  // 0: none
};

}  // namespace vitrine

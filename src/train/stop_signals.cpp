#include "train/stop_signals.h"

#include <unistd.h>

#include <csignal>

namespace vitrine {
namespace {

volatile std::sig_atomic_t received_signal = 0;
struct sigaction old_int, old_term;

void note(int signal) {
  if (received_signal != 0) _exit(128 + signal);
  received_signal = signal;
}

}  // namespace

StopSignals::StopSignals() {
  received_signal = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_int);
  sigaction(SIGTERM, &action, &old_term);
}

StopSignals::~StopSignals() {
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
}

int StopSignals::received() const { return received_signal; }

}  // namespace vitrine

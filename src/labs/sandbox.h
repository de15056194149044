#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "labs/view.h"

namespace vitrine::labs {

struct Limits {
  double seconds = 10;                // of the clock, for one call
  int64_t cpu_seconds = 60;           // of the whole process
  int64_t memory = int64_t{1} << 30;  // bytes of address space
  int64_t output = int64_t{1} << 20;  // bytes that it prints
};

// Matrices in one piece of memory, as a submission gets them.
struct Question {
  int64_t function = 0;
  std::vector<View> views;  // data: null
  std::vector<int64_t> at;  // where in the memory each begins
  std::vector<double> numbers, memory;
};
struct Answer {
  std::vector<double> memory;
  int64_t allocations = 0, nanoseconds = 0;
};

// A submission in a process of its own (runner.cpp), with limits on time, memory and output, no other open file, an empty environment, and
// a filter that lets no system call through but for memory, time, what is open, and the end. It gets questions, and never an expected value.
class Sandbox {
 public:
  Sandbox(std::string program, std::string folder, Limits limits);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  // Empty where an answer came; else what happened instead, which ends a sentence that begins with "your code …". The next call starts anew.
  std::string ask(const Question& question, Answer& answer);
  bool shut_in() const { return shut_in_; }  // false where the kernel has no such filter
  std::string printed();                     // ends it: the first lines of what it wrote

 private:
  void start();
  std::string end();  // what became of it
  bool write_all(const void* bytes, size_t count, double until);
  bool read_all(void* bytes, size_t count, double until);

  std::string program_, folder_;
  Limits limits_;
  pid_t process_ = -1;
  int channel_ = -1;
  bool shut_in_ = true, late_ = false;
};

}  // namespace vitrine::labs

#include "labs/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

#include "base/error.h"

namespace vitrine::labs {
namespace {

constexpr int kChannel = 3;  // as runner.cpp has it

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void limit(int what, int64_t most) {
  const rlimit both{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
  setrlimit(static_cast<__rlimit_resource>(what), &both);
}

// In the new process, with nothing but calls that are safe behind a fork.
[[noreturn]] void become(const char* program, const char* folder, int channel, int prints, const Limits& limits) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);
  const int kept[] = {fcntl(channel, F_DUPFD, 10), fcntl(prints, F_DUPFD, 10), open("/dev/null", O_RDONLY)};
  const int places[] = {kChannel, STDOUT_FILENO, STDIN_FILENO};
  for (int i = 0; i < 3; ++i) dup2(kept[i], places[i]);
  dup2(STDOUT_FILENO, STDERR_FILENO);
  for (int i = kChannel + 1; i < 1024; ++i) close(i);
  limit(RLIMIT_CPU, limits.cpu_seconds);
  limit(RLIMIT_AS, limits.memory);
  limit(RLIMIT_FSIZE, limits.output);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NPROC, 0);  // for all but root, where the kernel has no filter
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM}) ::signal(signal, SIG_DFL);
  char* const arguments[] = {const_cast<char*>(program), nullptr};
  char* const environment[] = {nullptr};
  if (chdir(folder) == 0) execve(program, arguments, environment);
  _exit(127);
}

}  // namespace

Sandbox::Sandbox(std::string program, std::string folder, Limits limits)
    : program_(std::move(program)), folder_(std::move(folder)), limits_(limits) {}

Sandbox::~Sandbox() { end(); }

void Sandbox::start() {
  int channel[2];
  const int prints = open((folder_ + "/printed").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (prints < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0)
    fail(ErrorKind::kInternal, "cannot start a submission: {}", std::strerror(errno));
  process_ = fork();
  if (process_ < 0) fail(ErrorKind::kInternal, "cannot start a submission: {}", std::strerror(errno));
  if (process_ == 0) become(program_.c_str(), folder_.c_str(), channel[1], prints, limits_);
  setpgid(process_, process_);
  close(channel[1]), close(prints);
  channel_ = channel[0];
  late_ = false;
}

// What the process says of its end is not believed: only what the system says of it.
std::string Sandbox::end() {
  if (process_ < 0) return "";
  close(channel_);
  int status = 0;
  const double patience = now() + (late_ ? 0 : 2);  // one that has gone wrong by itself may need a moment
  while (waitpid(process_, &status, WNOHANG) == 0) {
    if (now() > patience) {
      kill(-process_, SIGKILL);
      while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {}
      break;
    }
    usleep(500);
  }
  kill(-process_, SIGKILL);  // and whatever it has started
  process_ = channel_ = -1;
  if (late_) return fmt::format("did not come back within {:g} s, as a loop that does not end", limits_.seconds);
  if (WIFEXITED(status)) return fmt::format("ended its process (exit({})) where it should return", WEXITSTATUS(status));
  switch (WTERMSIG(status)) {
    case SIGSEGV:
      return "crashed: it read or wrote memory that is not its own (segmentation fault); an index is outside of its matrix";
    case SIGFPE: return "crashed: a whole number was divided by 0";
    case SIGABRT: return "ended itself by abort(): an exception that nobody caught, memory that ran out, or a destroyed heap";
    case SIGSYS:
      return "asked the system for something that a lab does not need, a file, a process or the network, and was ended";
    case SIGXCPU:
    case SIGKILL: return "used more time or memory than it may have, and was ended";
    case SIGXFSZ: return fmt::format("printed more than {} bytes, and was ended", limits_.output);
    default: return fmt::format("crashed: {}", strsignal(WTERMSIG(status)));
  }
}

bool Sandbox::write_all(const void* bytes, size_t count, double until) {
  for (const char* at = static_cast<const char*>(bytes); count > 0;) {
    pollfd ready{channel_, POLLOUT, 0};
    const double left = until - now();
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left * 1000) + 1) == 0) return late_ = true, false;
    const ssize_t n = send(channel_, at, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return false;
    at += n, count -= static_cast<size_t>(n);
  }
  return true;
}

bool Sandbox::read_all(void* bytes, size_t count, double until) {
  for (char* at = static_cast<char*>(bytes); count > 0;) {
    pollfd ready{channel_, POLLIN, 0};
    const double left = until - now();
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left * 1000) + 1) == 0) return late_ = true, false;
    const ssize_t n = recv(channel_, at, count, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return false;
    at += n, count -= static_cast<size_t>(n);
  }
  return true;
}

std::string Sandbox::ask(const Question& q, Answer& answer) {
  if (process_ < 0) start();
  const double until = now() + limits_.seconds;
  const int64_t head[4] = {q.function, std::ssize(q.views), std::ssize(q.numbers), std::ssize(q.memory)};
  std::vector<int64_t> shapes;
  for (size_t i = 0; i < q.views.size(); ++i)
    shapes.insert(shapes.end(), {q.views[i].rows, q.views[i].cols, q.views[i].stride, q.at[i]});
  int64_t first[4] = {};
  answer.memory.resize(q.memory.size());
  const bool came = write_all(head, sizeof head, until) && write_all(shapes.data(), shapes.size() * 8, until) &&
                    write_all(q.numbers.data(), q.numbers.size() * 8, until) &&
                    write_all(q.memory.data(), q.memory.size() * 8, until) && read_all(first, sizeof first, until) &&
                    read_all(answer.memory.data(), answer.memory.size() * 8, until);
  if (!came) return end();
  if (first[0] != q.function) {
    end();
    return "wrote into the channel through which it is asked";
  }
  shut_in_ = first[1] == 1;
  answer.allocations = first[2], answer.nanoseconds = first[3];
  return "";
}

std::string Sandbox::printed() {
  end();
  std::ifstream in(folder_ + "/printed");
  std::string out, line;
  for (int n = 0; n < 10 && std::getline(in, line); ++n) {
    std::string plain = line.substr(0, 200);
    std::replace_if(
        plain.begin(), plain.end(), [](unsigned char c) { return c < 32 || c == 127; }, '?');  // no control of the terminal
    out += plain + "\n";
  }
  return out;
}

}  // namespace vitrine::labs

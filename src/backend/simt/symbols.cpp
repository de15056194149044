#include "backend/simt/symbols.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "backend/simt/checker.h"

extern "C" const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));  // by the linker: where the file begins in memory

namespace vitrine::simt {
namespace {

using File = std::vector<char>;

std::string own_path() {
  Dl_info info{};
  return dladdr(&__ehdr_start, &info) != 0 && std::strchr(info.dli_fname, '/') ? info.dli_fname : "/proc/self/exe";
}

template <class T>
const T* at(const File& file, uint64_t offset) {
  return reinterpret_cast<const T*>(file.data() + offset);
}

// f(symbol, name) for each symbol of .symtab.
template <class F>
void for_each_symbol(F f) {
  std::ifstream in(own_path(), std::ios::binary);
  const File file{std::istreambuf_iterator<char>(in), {}};
  if (file.size() < sizeof(Elf64_Ehdr) || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) return;
  const Elf64_Ehdr& header = *at<Elf64_Ehdr>(file, 0);
  const Elf64_Shdr* sections = at<Elf64_Shdr>(file, header.e_shoff);
  for (int s = 0; s < header.e_shnum; ++s) {
    if (sections[s].sh_type != SHT_SYMTAB) continue;
    const char* names = at<char>(file, sections[sections[s].sh_link].sh_offset);
    const Elf64_Sym* symbols = at<Elf64_Sym>(file, sections[s].sh_offset);
    for (uint64_t i = 0; i < sections[s].sh_size / sizeof(Elf64_Sym); ++i) f(symbols[i], names + symbols[i].st_name);
  }
}

uintptr_t base() { return reinterpret_cast<uintptr_t>(&__ehdr_start); }

std::string demangle(const char* name) {
  const std::unique_ptr<char, decltype(&std::free)> text{abi::__cxa_demangle(name, nullptr, nullptr, nullptr), &std::free};
  return text ? text.get() : name;
}

// "void vitrine::f32::(anonymous namespace)::row_sum<float, 4>(float*)" → "row_sum<float, 4>"; "row_sum<4>(float*)::part" → "part"
std::string last_name(std::string text) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  for (size_t i; (i = text.find(kAnonymous)) != std::string::npos;) text.erase(i, kAnonymous.size());
  size_t begin = 0, end = text.size();
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (depth == 0 && (c == ' ' || c == ':')) begin = i + 1, end = text.size();
    if (depth == 0 && c == '(') end = i;
    if (c == '<' || c == '(') ++depth;
    if (c == '>' || c == ')') --depth;
  }
  return text.substr(begin, end - begin);
}

Module read_module() {
  Module m;
  m.base = base();
  const auto* segments = reinterpret_cast<const Elf64_Phdr*>(base() + __ehdr_start.e_phoff);
  for (int i = 0; i < __ehdr_start.e_phnum; ++i) {
    if (segments[i].p_type != PT_LOAD) continue;
    const uintptr_t begin = m.base + segments[i].p_vaddr, end = begin + segments[i].p_memsz;
    if (segments[i].p_flags & PF_W)
      m.variables_begin = std::min(m.variables_begin, begin), m.variables_end = std::max(m.variables_end, end);
    else
      m.constants.push_back({begin, end});
  }
  for_each_symbol([&](const Elf64_Sym& s, const char* name) {
    if (ELF64_ST_TYPE(s.st_info) != STT_OBJECT || s.st_size == 0 || s.st_value % VITRINE_SIMT_SHARED_ALIGNMENT != 0) return;
    const uintptr_t begin = m.base + s.st_value;
    if (begin >= m.variables_begin && begin < m.variables_end)
      m.shared.push_back({begin, begin + s.st_size, last_name(demangle(name))});
  });
  std::sort(m.shared.begin(), m.shared.end(), [](const Variable& a, const Variable& b) { return a.at < b.at; });
  return m;
}

}  // namespace

const Module& own_module() {
  static const Module m = read_module();
  return m;
}

std::string file_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::string kernel_name(const void* kernel) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(kernel);
  std::string found = fmt::format("at {:#x}", at - base());
  for_each_symbol([&](const Elf64_Sym& s, const char* name) {
    if (ELF64_ST_TYPE(s.st_info) == STT_FUNC && base() + s.st_value == at) found = last_name(demangle(name));
  });
  return found;
}

std::string source_line(uintptr_t place) {
  const std::string path = own_path();
  if (path.find('\'') != std::string::npos) return fmt::format("{:#x}", place - 1 - base());
  const std::string command = fmt::format("addr2line -i -e '{}' {:#x} 2>/dev/null", path, place - 1 - base());
  std::string lines;
  if (const std::unique_ptr<FILE, decltype(&pclose)> pipe{popen(command.c_str(), "r"), &pclose}; pipe) {
    char line[4096];
    while (std::fgets(line, sizeof line, pipe.get())) {
      const std::string_view text(line);
      const std::string name = file_name(text.substr(0, text.find_first_of(" \n")));  // "… (discriminator 3)"
      if (name.starts_with("?") || name.starts_with("kernel_language.h")) continue;
      lines += (lines.empty() ? "" : ", in ") + name;
    }
  }
  return lines.empty() ? fmt::format("{:#x}", place - 1 - base()) : lines;
}

}  // namespace vitrine::simt

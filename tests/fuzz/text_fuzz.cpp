#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "data/file_form.h"
#include "data/line_stream.h"
#include "data/text_file.h"
#include "data/utf8.h"
#include "fuzz/fuzz.h"

using namespace vitrine;

// Bytes of the disk: as a text, as a stream of lines, and as an unknown file that is looked at. Text and stream agree.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::Input input(data, size);
  const Encoding encoding = input.choice & 1 ? Encoding::kLatin1 : Encoding::kUtf8;
  const int descriptor = memfd_create("fuzz", 0);
  if (write(descriptor, input.bytes.data(), input.bytes.size()) < 0) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);

  std::string text, streamed;
  const bool whole = fuzz::accepts([&] {
    const TextFile file(path, encoding);
    text = file.text();
    fuzz::require(file.line_of(text.size()) == 1 + std::count(text.begin(), text.end(), '\n'), "lines are counted");
  });
  const bool stream = fuzz::accepts([&] {
    LineStream lines(path, encoding);
    for (const auto* block = &lines.next(); !block->empty(); block = &lines.next())
      for (const std::string_view line : *block) (streamed += line) += '\n';
  });
  fuzz::require(whole == stream, "a text and its lines are both read or both refused");
  if (whole && !text.empty() && !text.ends_with('\n')) text += '\n';
  if (whole) fuzz::require(text == streamed, "a text is its lines");
  fuzz::accepts([&] { look_at_file(path, 50); });
  close(descriptor);
  return 0;
}

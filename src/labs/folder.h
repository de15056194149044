#pragma once
#include <string>

#include "labs/lab.h"

namespace vitrine::labs {

// A folder in which a lab is done: NAME.cpp to complete, handout.md, lab.h and what it includes, CMakeLists.txt, README.md, and lab.txt, which
// says which lab it is. Error{kConfig} where the folder is there and not empty, Error{kData} where it cannot be written. `program` is the
// path of vitrine, for the target `check`.
void write_lab_folder(const Lab& lab, const std::string& folder, const std::string& program);

// NAME.cpp as it is handed out: signatures and contracts, without bodies.
std::string skeleton_of(const Lab& lab);

struct Submission {
  const Lab* lab = nullptr;
  std::string text;  // of NAME.cpp
};

// Error{kData}: it is no lab's folder, NAME.cpp is missing, or the lab's functions were others when it was written.
Submission read_submission(const std::string& folder);

}  // namespace vitrine::labs

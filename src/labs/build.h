#pragma once
#include <string>

#include "labs/lab.h"

namespace vitrine::labs {

// A folder of its own in the folder for temporary files, gone with this object.
class WorkFolder {
 public:
  WorkFolder();
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Build {
  std::string program;  // empty where it could not be built
  std::string message;  // why, for the one who wrote it
};

// Makes the program that runs a submission: its text, which is the file NAME.cpp, and runner.cpp, by $CXX or c++. A submission may include
// headers of the system and lab.h, nothing else, and call nothing of the engine. Error{kDevice} where there is no compiler.
class Workbench {
 public:
  explicit Workbench(const Lab& lab);
  const Lab& lab() const { return lab_; }
  Build build(const std::string& text, const std::string& folder) const;  // any number at once, each in a folder of its own

 private:
  const Lab& lab_;
  WorkFolder common_;  // headers, and what calls the functions, compiled once
};

// lab.h of this lab: views of matrices, and the functions to be written.
std::string lab_header(const Lab& lab);

}  // namespace vitrine::labs

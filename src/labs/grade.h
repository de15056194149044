#pragma once
#include <map>
#include <string>

namespace vitrine::labs {

struct Grading {
  std::string folder;                    // one folder of a lab in it for each submission
  std::string out;                       // grades.csv, and results/NAME.json of each as Gradescope takes it
  std::map<std::string, double> points;  // of levels, as a rubric gives them
  uint64_t seed = 1;
  int jobs = 1;
};

// What a level is worth where no rubric says otherwise; and what a rubric says, a file of YAML with one map, points: {values: 3, odd sizes: 2, …}.
// Levels that it does not name are worth nothing. Error{kConfig} names line and column.
std::map<std::string, double> default_points();
std::map<std::string, double> read_rubric(const std::string& path);

struct Graded {
  int64_t submissions = 0, again = 0;  // all; of them checked now, because there was no result of the same text, rubric and seed
};

// Checks every submission and writes one row and one file for each. A submission that cannot be read has no points and the reason; nothing that
// it does stops the others. Stopped anywhere, it goes on where it was. Error{kData} where the folder holds none.
Graded grade_folder(const Grading& grading);

}  // namespace vitrine::labs

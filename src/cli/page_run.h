#pragma once
#include <string>
#include <vector>

#include "cli/chart.h"
#include "cli/recorder.h"
#include "inspect/page.h"

namespace vitrine {

// What the page shows of a run besides its sentences: model, curves, floors.
PageRun describe_run(const std::string& path, const Config& config);
// Its sentences and steps as they were recorded.
void show_recording(PageRun& page, const Recording& recording);
// Sentences read by every checkpoint that the run still has. `reader` must outlive the page.
void show_checkpoints(PageRun& page, const std::string& path, SentenceReader& reader);

// What stands out of its heads (inspect/linter.h), on the first sequences of the test split, or else validation.
void show_findings(PageRun& page, const Session& session, const SafeTensors& parameters);
// The loss with its floors, and what one head makes of a sentence's link, by training step.
std::vector<Chart> training_charts(const PageRun& page, size_t sentence, int64_t layer, int64_t head);
// Of figures: millimetres from 20 to 2000 ("84mm", "84"), or Error{kConfig}; and how what they show was computed.
double millimetres(const std::string& width);
std::string provenance(const PageRun& page);  // "Seed 1, float32, configuration xxh3:…, vitrine 0.1.0."
// All weights as numbers: steps I32 [S], sentence_<k> F32 [S,L,H,n,n]. A path that ends in .npz (numpy.load), or in .safetensors: it
// has the tokens, too, as JSON in its metadata (tokens_<k>).
std::string encode_maps(const PageRun& page, const std::string& path);

// page.html of a run that has just recorded. False, and a warning: it cannot be written.
bool write_recorded_page(const RunDirectory& run, const Session& session);

constexpr double kDefaultPageMegabytes = 20;

}  // namespace vitrine

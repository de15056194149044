#include "train/run_directory.h"

// `consilium engine`: the process engine by itself, spoken to by Zeebe's clients. Nothing of the platform runs.
#pragma once

#include <string>

#include "base/secret.h"
#include "base/time.h"

namespace consilium::app {

struct EngineFlags {
  std::string listen = "127.0.0.1:26500";
  std::string data = "data";
  Secret token;
  std::string metrics_listen;  // of metrics and health over HTTP; empty: none
  std::string certificate;     // with `key`: TLS
  std::string key;
  Duration history;  // for how long what has ended is known; 0: for ever
};

// Until it is told to stop.
int run_engine(const EngineFlags& flags);

}  // namespace consilium::app

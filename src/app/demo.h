// `consilium demo`: plays the main job through the public API alone, as a client, a consultant and an administrator, and reads
// each step back through another person's session.
#pragma once

#include <string>

#include "base/secret.h"
#include "base/time.h"

namespace consilium::app {

struct DemoOptions {
  // Of a server that runs with `--demo`; empty: one of our own on free ports and a temporary folder.
  std::string url;
  // Of that server's demo people (its `demo.password`). Ours gets a random one.
  Secret password;
  // What the client asks; empty: random words, which the bot cannot answer.
  std::string text;
  // The presence that the consultant chooses. With another than `online` nobody takes the request, and the demo fails there.
  std::string consultant_status = "online";
  Duration timeout = seconds(30);  // of each step
  bool json = false;               // one JSON object a line on standard output instead of text
};

// The exit code of the command line: kExitDone; kExitFailed when a step failed, which is named; kExitUnreachable when nobody
// answers at `url`.
int demo(const DemoOptions& options);

}  // namespace consilium::app

// What an operator may tune, with the defaults that the product promises.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace consilium::chat {

struct Settings {
  // A consultant whose task is over reads on for this long, unless the subscription names another end.
  Duration read_after_release = hours(24);

  // At most so many posts of one person within any such window.
  int posts_in_window = 5;  // 1…100: their times stand in each member's row
  Duration post_window = seconds(1);

  // A socket keeps its person present for so long after the last sign of life, and after it was closed.
  Duration lease = seconds(30);
  // A person's typing in one channel is told at most this often.
  Duration typing_interval = seconds(1);

  // From the first press of a button on.
  Duration choice_change = minutes(10);
  // How long the buttons of a page that was not reloaded work.
  Duration token_life = days(7);

  // What each person's event log keeps.
  Duration event_retention = days(7);
  std::int64_t events_per_person = 10'000;

  Duration sweep_interval = seconds(1);      // leases and memberships that ended
  Duration trim_interval = minutes(10);      // event logs
  Duration feed_poll_interval = seconds(1);  // for what other processes wrote
};

}  // namespace consilium::chat

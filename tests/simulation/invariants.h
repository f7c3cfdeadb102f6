// What must hold whatever happens: looked up in one snapshot of the whole database (DOMAIN §17), by SQL and not by the
// platform's own code.
#pragma once

#include "page.h"

namespace consilium::simulation {

// `kQuiet`: nothing has happened for a while and the pages are connected. `kAtTheEnd`: all timers have fired, people are gone.
enum class Moment { kDuring, kQuiet, kAtTheEnd };

// Blames the cluster for each one that does not hold.
void check_invariants(Cluster& cluster, const Pages& pages, Moment moment);
// How often each transition, element and predefined post was met.
void count_coverage(Cluster& cluster);
// The first column of the first row; -1: the power went.
std::int64_t number_in(Cluster& cluster, std::string sql);
std::int64_t open_tasks(Cluster& cluster);
std::int64_t running_instances(Cluster& cluster);

}  // namespace consilium::simulation

// The tables that the bus and the inbox need in the schema of every service that publishes, consumes or takes jobs.
#pragma once

#include <string>
#include <string_view>

namespace consilium::bus {

// Statements for a migration of `service`: `_outbox` (its events), `_consumer` (positions of its groups), `_parked` (its
// events that wait to be tried again, and dead letters), `_inbox` (answers to commands that may be repeated).
std::string bus_tables_sql(std::string_view service);

}  // namespace consilium::bus

#include "app/incident_report.h"

#include <ranges>

namespace consilium::app {

// Not their messages: those may quote what people wrote.
void IncidentReport::tell(const runtime::Context& context, std::span<const process::Incident> open) {
  for (const process::Incident& incident : open | std::views::reverse) {
    if (incident.key <= told_up_to_) continue;
    told_up_to_ = incident.key;
    logger_.error(context, "A process stands still until somebody helps",
                  {{"incident", incident.key},
                   {"processInstance", incident.instance_key},
                   {"process", incident.process_id},
                   {"element", incident.element_id},
                   {"type", incident.error_type}});
  }
}

}  // namespace consilium::app

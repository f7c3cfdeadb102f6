// The rules that a process must keep beyond its syntax: every reference leads somewhere, every gateway can choose.
#pragma once

#include "bpmn/model/findings.h"
#include "bpmn/model/process.h"

namespace consilium::bpmn::model {

void check_process(const Process& process, Findings& findings);

}  // namespace consilium::bpmn::model

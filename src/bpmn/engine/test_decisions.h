// DMN XML for tests: a table `dish` that needs the expression `guests`, neither with inputs that are declared.
#pragma once

#include <string>
#include <string_view>

namespace consilium::bpmn::engine {

// `winter` is what the table gives in winter; for `clash` two of its rules hold.
inline std::string test_decisions(std::string_view winter = "Stew", std::string_view id = "dinner") {
  return "<definitions xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/' id='" + std::string(id) +
         "' name='Dinner' namespace='n'>"
         "<decision id='guests' name='Guests'><literalExpression><text>adults + children</text></literalExpression></decision>"
         "<decision id='dish' name='Dish'><informationRequirement id='r1'><requiredDecision href='#guests'/></informationRequirement>"
         "<decisionTable id='table' hitPolicy='UNIQUE'>"
         "<input id='in1' label='Season'><inputExpression typeRef='string'><text>season</text></inputExpression></input>"
         "<input id='in2'><inputExpression typeRef='number'><text>guests</text></inputExpression></input>"
         "<output id='out1' label='Dish' name='dish' typeRef='string'/><output id='out2' name='pots' typeRef='number'/>"
         "<rule id='rule1'><inputEntry><text>\"winter\"</text></inputEntry><inputEntry><text>-</text></inputEntry>"
         "<outputEntry><text>\"" +
         std::string(winter) +
         "\"</text></outputEntry><outputEntry><text>guests / 2</text></outputEntry></rule>"
         "<rule id='rule2'><inputEntry><text>\"summer\", \"clash\"</text></inputEntry><inputEntry><text>&lt; 5</text></inputEntry>"
         "<outputEntry><text>\"Salad\"</text></outputEntry><outputEntry><text>1</text></outputEntry></rule>"
         "<rule id='rule3'><inputEntry><text>\"clash\"</text></inputEntry><inputEntry><text>-</text></inputEntry>"
         "<outputEntry><text>\"Soup\"</text></outputEntry><outputEntry><text>1</text></outputEntry></rule>"
         "</decisionTable></decision></definitions>";
}

}  // namespace consilium::bpmn::engine

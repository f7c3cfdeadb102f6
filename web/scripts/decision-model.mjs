// A file of decisions for tests of the pages: a table that asks another decision, which is a context with a list.
export function decisionModel(discount = '10') {
  const rule = (id, tests, result, note) => `<rule id="${id}">${tests.map((test) => `<inputEntry><text>${test}</text></inputEntry>`).join('')}<outputEntry><text>${result}</text></outputEntry><annotationEntry><text>${note}</text></annotationEntry></rule>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<definitions id="prices" name="Prices" namespace="test" xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/">
  <inputData id="years" name="years"><variable name="years"/></inputData>
  <decision id="rates" name="Rates">
    <context>
      <contextEntry><variable name="base"/><literalExpression><text>100</text></literalExpression></contextEntry>
      <contextEntry><variable name="kinds"/><list><literalExpression><text>"private"</text></literalExpression><literalExpression><text>"insured"</text></literalExpression></list></contextEntry>
    </context>
  </decision>
  <decision id="discount" name="Discount">
    <informationRequirement id="asks-years"><requiredInput href="#years"/></informationRequirement>
    <informationRequirement id="asks-rates"><requiredDecision href="#rates"/></informationRequirement>
    <decisionTable id="table" hitPolicy="FIRST">
      <input id="in-years" label="Years with us"><inputExpression typeRef="number"><text>years</text></inputExpression></input>
      <input id="in-kind" label="Kind"><inputExpression typeRef="string"><text>kind</text></inputExpression><inputValues><text>"private","insured"</text></inputValues></input>
      <output id="out" label="Discount in percent" name="percent" typeRef="number"/>
      <annotation name="Why"/>
      ${rule('old', ['&gt;= 5', '"private"'], discount, 'They have been here long, and pay themselves what an insurance does not')}
      ${rule('new', ['&lt; 5', '-'], '0', '')}
      ${rule('rest', ['-', '-'], 'rates.base / 20', 'All others')}
    </decisionTable>
  </decision>
</definitions>
`;
}

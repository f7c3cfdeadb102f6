import io.camunda.zeebe.exporter.api.Exporter;
import io.camunda.zeebe.exporter.api.context.Context;
import io.camunda.zeebe.exporter.api.context.Controller;
import io.camunda.zeebe.protocol.record.Record;
import io.camunda.zeebe.protocol.record.RecordType;
import io.camunda.zeebe.protocol.record.ValueType;
import io.camunda.zeebe.protocol.record.value.ErrorRecordValue;
import io.camunda.zeebe.protocol.record.value.IncidentRecordValue;
import io.camunda.zeebe.protocol.record.value.JobRecordValue;
import io.camunda.zeebe.protocol.record.value.ProcessInstanceRecordValue;
import io.camunda.zeebe.protocol.record.value.VariableRecordValue;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;

/**
 * Writes what happens to elements, variables, incidents and jobs, one fact a line of tab-separated fields; the file is named by
 * the argument `path`. The same lines as tests/peers/engine_paths.cpp writes of our engine. With the argument `log` every record, commands
 * and rejections too, goes to that file, to see why something came in its order.
 */
public final class TraceExporter implements Exporter {
  private static final Set<ValueType> TOLD =
      EnumSet.of(ValueType.PROCESS_INSTANCE, ValueType.VARIABLE, ValueType.INCIDENT, ValueType.JOB, ValueType.ERROR);

  private Controller controller;
  private BufferedWriter file;
  private BufferedWriter log;
  private Path path;
  private String logPath;

  @Override
  public void configure(final Context context) {
    path = Path.of((String) context.getConfiguration().getArguments().get("path"));
    logPath = (String) context.getConfiguration().getArguments().get("log");
    if (logPath != null) return;
    context.setFilter(
        new Context.RecordFilter() {
          @Override
          public boolean acceptType(final RecordType type) {
            return type == RecordType.EVENT;
          }

          @Override
          public boolean acceptValue(final ValueType type) {
            return TOLD.contains(type);
          }
        });
  }

  @Override
  public void open(final Controller controller) {
    this.controller = controller;
    try {
      file = Files.newBufferedWriter(path, StandardCharsets.UTF_8);
      if (logPath != null) log = Files.newBufferedWriter(Path.of(logPath), StandardCharsets.UTF_8);
    } catch (final IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  @Override
  public void close() {
    try {
      file.close();
      if (log != null) log.close();
    } catch (final IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  @Override
  public void export(final Record<?> record) {
    final String intent = record.getIntent().name();
    if (log != null) {
      writeTo(log, record.getRecordType().name(), record.getValueType(), intent, record.getKey(), record.getValue().toJson());
      if (record.getRecordType() != RecordType.EVENT || !TOLD.contains(record.getValueType())) {
        controller.updateLastExportedRecordPosition(record.getPosition());
        return;
      }
    }
    if (record.getValue() instanceof final ProcessInstanceRecordValue value) {
      write(
          "element", value.getProcessInstanceKey(), record.getKey(), value.getFlowScopeKey(), value.getElementId(),
          value.getBpmnElementType().name(), intent, value.getParentElementInstanceKey());
    } else if (record.getValue() instanceof final VariableRecordValue value) {
      // A migration tells of each variable, without its value.
      if (!intent.equals("MIGRATED")) write("variable", value.getProcessInstanceKey(), value.getScopeKey(), value.getName(), value.getValue());
    } else if (record.getValue() instanceof final IncidentRecordValue value) {
      write(
          "incident", value.getProcessInstanceKey(), record.getKey(), value.getElementInstanceKey(),
          value.getErrorType().name(), intent, value.getJobKey(), value.getErrorMessage());
    } else if (record.getValue() instanceof final JobRecordValue value) {
      write(
          "job", value.getProcessInstanceKey(), record.getKey(), value.getElementInstanceKey(), value.getType(), intent,
          value.getRetries());
    } else if (record.getValue() instanceof final ErrorRecordValue value) {
      write("banned", value.getProcessInstanceKey(), value.getExceptionMessage());
    }
    controller.updateLastExportedRecordPosition(record.getPosition());
  }

  private void write(final String kind, final Object... fields) {
    writeTo(file, kind, fields);
  }

  private static void writeTo(final BufferedWriter file, final String kind, final Object... fields) {
    final StringBuilder line = new StringBuilder(kind);
    for (final Object field : fields) {
      line.append('\t').append(String.valueOf(field).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n"));
    }
    try {
      file.append(line).append('\n');
      file.flush();
    } catch (final IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}

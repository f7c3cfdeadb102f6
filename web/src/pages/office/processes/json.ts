export type JsonObject = Record<string, unknown>;

// undefined: it is no JSON.
export function readJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

// null: it is no JSON object.
export function readObject(text: string): JsonObject | null {
  const read = readJson(text);
  return read && typeof read.value === 'object' && read.value !== null && !Array.isArray(read.value) ? (read.value as JsonObject) : null;
}

// An id that this device gives to what it makes; 128 random bits, in the alphabet that `clientId` allows.
// `crypto.randomUUID` exists in secure contexts only, and a clinic's page may be plain HTTP behind its own wall.
export function makeClientId(random: (bytes: Uint8Array) => Uint8Array = (bytes) => crypto.getRandomValues(bytes)): string {
  return [...random(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

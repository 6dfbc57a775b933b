// The name that a TLS client says it wants to talk to, read from the first bytes of a connection.

/** Null where the hello is not all there yet; its `name` is null where it names nobody, or is no hello. */
export const serverName = (data: Buffer): { readonly name: string | null } | null => {
  if (data.length < 5) return null;
  if (!isTls(data)) return { name: null };
  const recordEnd = 5 + data.readUInt16BE(3);
  if (recordEnd > helloBytesMax) return { name: null };
  if (data.length < recordEnd) return null;
  try {
    return { name: nameIn(data.subarray(0, recordEnd)) };
  } catch {
    // Shorter than it says: whatever it is, it is no hello.
    return { name: null };
  }
};

export const isTls = (data: Buffer): boolean => data[0] === 0x16;

/** Hellos with the larger key shares of today have about 2 KB. */
const helloBytesMax = 16 * 1_024;

const nameIn = (record: Buffer): string | null => {
  // Header of the record 5, of the message 4, version 2, random 32; then three lists of which each says its length.
  let at = 43;
  at += 1 + record.readUInt8(at);
  at += 2 + record.readUInt16BE(at);
  at += 1 + record.readUInt8(at);
  const end = at + 2 + record.readUInt16BE(at);
  at += 2;
  while (at + 4 <= end) {
    const [kind, length] = [record.readUInt16BE(at), record.readUInt16BE(at + 2)];
    if (kind === 0) return record.toString('latin1', at + 9, at + 9 + record.readUInt16BE(at + 7)).toLowerCase();
    at += 4 + length;
  }
  return null;
};

"use strict";

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; ++bit) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return value;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Little-endian bytes of [bytes, value] pairs. */
function fields(...pairs) {
  const view = new DataView(new ArrayBuffer(pairs.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of pairs) {
    size === 2 ? view.setUint16(at, value, true) : view.setUint32(at, value, true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

/** A zip archive of [{ name, bytes }], stored as they are, names in UTF-8 (APPNOTE.TXT 6.3, 4.3.7 to 4.3.16). */
function zipOf(files, now = new Date()) {
  const time = (now.getHours() << 11) | (now.getMinutes() << 5) | (now.getSeconds() >> 1);
  const date = (Math.max(0, now.getFullYear() - 1980) << 9) | ((now.getMonth() + 1) << 5) | now.getDate();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const title = new TextEncoder().encode(name);
    const about = [[2, 20], [2, 0x0800], [2, 0], [2, time], [2, date], [4, crc32(bytes)], [4, bytes.length],
      [4, bytes.length], [2, title.length], [2, 0]];
    const local = fields([4, 0x04034b50], ...about);
    parts.push(local, title, bytes);
    directory.push(fields([4, 0x02014b50], [2, 20], ...about, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), title);
    offset += local.length + title.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = files.length;
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** The bytes of a WAV file of 16 bits, one channel. */
function wavOf(samples, rate) {
  const ascii = (text) => new TextEncoder().encode(text);
  const size = 2 * samples.length;
  const bytes = new Uint8Array(44 + size);
  const head = [ascii("RIFF"), fields([4, 36 + size]), ascii("WAVEfmt "),
    fields([4, 16], [2, 1], [2, 1], [4, rate], [4, 2 * rate], [2, 2], [2, 16]), ascii("data"), fields([4, size])];
  let at = 0;
  for (const part of head) {
    bytes.set(part, at);
    at += part.length;
  }
  const view = new DataView(bytes.buffer);
  samples.forEach((sample, i) => view.setInt16(44 + 2 * i, sample, true));
  return bytes;
}

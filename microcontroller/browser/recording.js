/** int16 of samples from -1 to 1; what is louder is clipped. */
function toInt16(values) {
  return Int16Array.from(values, (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768))));
}

/** The samples of a WAV file of 16 bits, one channel and this rate, as they are; null for any other file. */
function pcm16(buffer, rate) {
  const view = new DataView(buffer);
  const tag = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE") {
    return null;
  }
  let fits = false;
  for (let at = 12; at + 8 <= buffer.byteLength; ) {
    const name = tag(at);
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (name === "fmt " && body + 16 <= buffer.byteLength) {
      const [format, channels, bits] = [0, 2, 14].map((offset) => view.getUint16(body + offset, true));
      fits = format === 1 && channels === 1 && bits === 16 && view.getUint32(body + 4, true) === rate;
    } else if (name === "data") {
      const end = Math.min(body + length, buffer.byteLength);
      return fits ? new Int16Array(buffer.slice(body, end - ((end - body) % 2))) : null;
    }
    at = body + length + (length % 2);
  }
  return null;
}

/** int16 at this rate of any recording that the browser can decode, its channels averaged. */
async function samplesOf(buffer, rate) {
  const exact = pcm16(buffer, rate);
  if (exact) {
    return exact;
  }
  const audio = await new OfflineAudioContext(1, 1, rate).decodeAudioData(buffer);
  const mean = new Float32Array(audio.length);
  for (let channel = 0; channel < audio.numberOfChannels; ++channel) {
    audio.getChannelData(channel).forEach((value, i) => (mean[i] += value / audio.numberOfChannels));
  }
  return toInt16(mean);
}

// The microphone, as blocks of samples. The next block goes out when the last was answered: what came meanwhile
// is in it, so that nothing is left out and nothing waits in a queue.
window.passt = window.passt || {};

passt.microphone = ({ send, changed, refuse }) => {
  const LEAST_S = 0.2; // of a block: five answers in a second are enough
  const LOOK_MS = 50;
  const MOST_S = 5; // of a block: what is older was overtaken
  const PATIENCE_MS = 10_000; // for an answer
  const REASONS = {
    NotAllowedError: "The microphone was refused. Allow it for this page (by the sign beside its address), then press Listen.",
    NotFoundError: "There is no microphone here. Plug one in, then press Listen.",
    NotReadableError: "The microphone is in use by another program. Close that, then press Listen.",
  };
  const UNSAFE = "This browser gives a page no microphone unless it comes over https or from this machine (localhost). Open it there, or drop a recording into the other part.";
  // The sound itself is wanted, not what a telephone call would leave of it.
  const WANTED = { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } };
  const TAP = `registerProcessor("passt-tap", class extends AudioWorkletProcessor {
    constructor() { super(); this.block = new Float32Array(1024); this.filled = 0; }
    process([input]) {
      if (!input.length) return true;
      for (let at = 0; at < input[0].length; at += 1) {
        let sum = 0;
        for (const channel of input) sum += channel[at];
        this.block[this.filled] = sum / input.length;
        this.filled += 1;
        if (this.filled === this.block.length) { this.port.postMessage(this.block.slice()); this.filled = 0; }
      }
      return true;
    }
  });`;
  let open = null; // { stream, context, timer } while it listens
  let starting = false;
  let pieces = [];
  let asked = 0; // when the block that is not answered yet went out; 0: there is none
  let begins = true;

  function close() {
    if (!open) return;
    clearInterval(open.timer);
    for (const track of open.stream.getTracks()) track.stop();
    open.context.close();
    open = null;
    pieces = [];
    changed(false);
  }

  async function start() {
    if (open || starting) return;
    if (!navigator.mediaDevices?.getUserMedia) { refuse(UNSAFE); return; }
    starting = true;
    let stream = null;
    try {
      stream = await navigator.mediaDevices.getUserMedia(WANTED);
      await listen(stream);
      refuse("");
    } catch (error) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      refuse(REASONS[error.name] ?? `The microphone cannot be used (${error.message}).`);
    } finally {
      starting = false;
    }
  }

  async function listen(stream) {
    const context = new AudioContext();
    try {
      await tapped(context, stream);
    } catch (error) {
      context.close();
      throw error;
    }
    begins = true;
    asked = 0;
    pieces = [];
    open = { stream, context, timer: setInterval(hand, LOOK_MS) };
    changed(true);
  }

  async function tapped(context, stream) {
    const module = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
    await context.audioWorklet.addModule(module).finally(() => URL.revokeObjectURL(module));
    const tap = new AudioWorkletNode(context, "passt-tap", { numberOfOutputs: 0 });
    context.createMediaStreamSource(stream).connect(tap);
    tap.port.onmessage = ({ data }) => pieces.push(data);
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => { close(); refuse("The microphone was unplugged, or taken back. Press Listen to go on."); });
    }
    await context.resume();
  }

  function hand() {
    const rate = open.context.sampleRate;
    while (pieces.length * 1024 > MOST_S * rate) pieces.shift();
    if (asked && performance.now() - asked < PATIENCE_MS) return;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (length < LEAST_S * rate) return;
    const samples = new Int16Array(length);
    let at = 0;
    for (const piece of pieces) for (const sample of piece) samples[at++] = Math.max(-32768, Math.min(32767, Math.round(32768 * sample)));
    pieces = [];
    asked = performance.now();
    send({ rate, begins, samples: encoded(new Uint8Array(samples.buffer)) });
    begins = false;
  }

  function encoded(bytes) {
    let text = "";
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
  }

  return {
    toggle: () => { if (open) close(); else start(); },
    answered: () => { asked = 0; },
    close,
    get on() { return Boolean(open); },
  };
};

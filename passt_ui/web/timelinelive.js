// What the microphone hears: a row for each class with its last minute, its value now, and the level above.
window.passt = window.passt || {};

// A microphone that is refused is told in place: whoever asks the browser for it, the answer passes here.
passt.refusals = (() => {
  const told = new Set();
  const REASONS = {
    NotAllowedError: "The microphone was refused. Allow it for this page (the sign beside its address), then press Record again.",
    NotFoundError: "There is no microphone here. Plug one in, then press Record again.",
    NotReadableError: "The microphone is in use by another program. Close that, then press Record again.",
  };
  const say = (text) => { for (const one of told) one(text); };
  const devices = navigator.mediaDevices;
  if (devices?.getUserMedia) {
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wanted) => {
      try {
        const stream = await ask(wanted);
        say("");
        return stream;
      } catch (error) {
        say(REASONS[error.name] ?? `The microphone cannot be used (${error.message}).`);
        throw error;
      }
    };
  }
  return {
    // Browsers hand a microphone only to pages that came over https, or from this machine.
    impossible: devices?.getUserMedia ? "" : "This browser gives a page no microphone unless it comes over https or from this machine (localhost). Open it there, or drop a recording in the other part.",
    tell: (listener) => told.add(listener),
  };
})();

passt.live = (element, props, watch) => {
  const root = element.querySelector(".passt-live");
  const list = element.querySelector("ol");
  const notice = element.querySelector(".passt-notice");
  const empty = element.querySelector(".passt-empty");
  const scale = element.querySelector(".passt-scale");
  const meter = element.querySelector("[role=meter]");
  const level = element.querySelector(".value");
  const rate = element.querySelector(".rate");
  const LOWEST_DB = -60;
  const RATE_MS = 5000;
  const LATE_MS = 2500;
  let value = null;
  let came = []; // when the last answers came, in ms

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const percent = (decibels) => 100 * Math.min(1, Math.max(0, 1 - decibels / LOWEST_DB));

  function row() {
    const item = document.createElement("li");
    item.innerHTML = '<span class="name"></span><canvas></canvas><span class="track"><i></i></span><span class="value"></span>';
    return item;
  }

  // The minute of one class, a pixel column for each pixel of the screen; time runs out of it at the left.
  function paint(canvas, values, times, table) {
    const width = Math.max(1, Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)));
    if (canvas.width !== width) canvas.width = width;
    canvas.height = 1;
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(width, 1);
    const x = (time) => Math.round(width * (1 - (value.at - time) / value.kept));
    for (let at = 0; at < times.length; at += 1) {
      const from = Math.max(0, at ? x(times[at - 1]) : x(times[at]) - 1);
      for (let column = from; column < Math.min(width, x(times[at])); column += 1) {
        image.data.set(table.subarray(3 * values[at], 3 * values[at] + 3), 4 * column);
        image.data[4 * column + 3] = 255;
      }
    }
    pen.putImageData(image, 0, 0);
  }

  function draw() {
    root.classList.toggle("empty", !value);
    empty.hidden = Boolean(value);
    scale.hidden = !value;
    if (!value) {
      list.replaceChildren();
      level.textContent = "–";
      rate.textContent = "";
      meter.querySelector("i").style.width = "0";
      meter.querySelector("b").hidden = true;
      return;
    }
    const [values, table] = [bytes(value.values), bytes(value.table)];
    const times = new Float32Array(bytes(value.times).buffer);
    while (list.children.length < value.labels.length) list.append(row());
    while (list.children.length > value.labels.length) list.lastChild.remove();
    [...list.children].forEach((item, at) => {
      const shown = `${Math.round(100 * value.now[at])} %`;
      item.querySelector(".name").textContent = value.labels[at];
      item.querySelector(".track i").style.width = `${100 * value.now[at]}%`;
      item.querySelector(".value").textContent = shown;
      paint(item.querySelector("canvas"), values.subarray(at * times.length, (at + 1) * times.length), times, table);
    });
    meter.querySelector("i").style.width = `${percent(value.level)}%`;
    meter.querySelector("b").hidden = false;
    meter.querySelector("b").style.left = `${percent(value.peak)}%`;
    meter.setAttribute("aria-valuenow", value.level);
    level.textContent = `${value.level.toFixed(0)} dB`;
  }

  function pace() {
    if (!element.isConnected) return;
    const now = performance.now();
    came = came.filter((time) => now - time < RATE_MS);
    if (value) {
      const over = came.length > 1 ? (came.at(-1) - came[0]) / 1000 : 0;
      const late = !came.length || now - came.at(-1) > LATE_MS;
      root.classList.toggle("late", late);
      rate.textContent = late ? "no sound is coming" : over ? `${((came.length - 1) / over).toFixed(1)} answers per second` : "";
    }
    setTimeout(pace, 500);
  }

  function refuse(text) {
    notice.hidden = !text;
    notice.textContent = text;
  }

  watch("value", () => {
    value = props.value ? JSON.parse(props.value) : null;
    if (value) came.push(performance.now()); else came = [];
    draw();
  });
  passt.refusals.tell(refuse);
  refuse(passt.refusals.impossible);
  draw();
  pace();
};

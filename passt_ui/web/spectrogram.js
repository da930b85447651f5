// The spectrogram: heat map, veil over what was taken, patch grid, playhead, click to seek, drag for a stretch.
window.passt = window.passt || {};

passt.spectrogram = (element, props, watch, trigger, listenEvent, stretchEvent) => {
  const plot = element.querySelector(".passt-plot");
  const head = element.querySelector(".passt-playhead");
  const readout = element.querySelector(".passt-readout");
  const grid = element.querySelector("input[name=grid]");
  const buttons = Object.fromEntries(
    [...element.querySelectorAll("[data-part]")].map((button) => [button.dataset.part, button])
  );
  const player = passt.player;
  const NARROW = 480;
  let picture = {}; // of the window in hand; without a figure: there is none
  let veil = ""; // the trace of what was taken, as it was told

  function traces() {
    const { figure, lines } = picture;
    const drawn = [...figure.data];
    if (veil) {
      const tint = passt.plots.colour("--passt-veil");
      drawn.push({ ...JSON.parse(veil), colorscale: [[0, `rgba(${tint},0)`], [1, `rgba(${tint},.9)`]] });
    }
    if (grid.checked) {
      drawn.push({
        type: "scatter", mode: "lines", x: lines.x, y: lines.y, hoverinfo: "skip", showlegend: false,
        line: { color: "rgba(110,205,255,.6)", width: 1 },
      });
    }
    return drawn;
  }

  function draw() {
    if (!plot.offsetWidth) return;
    if (!picture.figure) return passt.plots.clear(plot);
    const layout = passt.plots.themed({ ...picture.figure.layout, dragmode: false, hovermode: "closest" });
    const drawn = traces();
    if (plot.offsetWidth < NARROW) slim(drawn, layout);
    Plotly.react(plot, drawn, layout, passt.plots.config).then(bind);
  }

  // On a narrow plot the picture gets the room of the colour scale, and every second time stays.
  function slim(drawn, layout) {
    drawn[0] = { ...drawn[0], showscale: false };
    layout.yaxis = { ...layout.yaxis, title: { text: "Hz" } };
    for (const key of ["tickvals", "ticktext"]) {
      layout.xaxis[key] = layout.xaxis[key].filter((_, index) => index % 2 === 0);
    }
  }

  let bound = false;
  function bind() {
    if (bound) return;
    bound = true;
    plot.on("plotly_hover", (event) => read(event.points[0]));
    plot.on("plotly_unhover", () => { readout.textContent = readout.dataset.rest; });
    plot.on("plotly_click", (event) => seek(event.points[0].x));
  }

  function read(point) {
    const { bands_hz: hz, start_s: start, frame_s: frame } = picture;
    const band = Math.min(hz.length - 1, Math.max(0, Math.floor(point.y)));
    const column = Math.floor((point.x - start) / frame);
    const level = point.fullData.name === "taken" ? "" : ` · ${point.z} dB`;
    readout.textContent = `${point.x.toFixed(2)} s · ${hz[band]} Hz${level} · frame ${column}`;
  }

  function seek(time) {
    if (stretch.justDrawn()) return;
    const button = buttons.clip;
    if (button?.dataset.sound) player.start(button.dataset.sound, button.dataset.key, time - picture.start_s);
  }

  function follow() {
    const mine = Object.values(buttons).some((button) => button.dataset.key === player.key);
    const axis = plot._fullLayout?.xaxis;
    const shown = mine && axis && (player.audio.currentTime > 0 || !player.audio.paused);
    head.hidden = !shown;
    if (shown) {
      const x = axis._offset + axis.l2p(picture.start_s + player.audio.currentTime);
      head.style.transform = `translateX(${x}px)`;
      head.style.top = `${plot._fullLayout.yaxis._offset}px`;
      head.style.height = `${plot._fullLayout.yaxis._length}px`;
    }
    stretch.follow();
    requestAnimationFrame(follow);
  }

  function renew() {
    picture = props.value ? JSON.parse(props.value) : {};
    const { key, audio, rest } = picture;
    buttons.clip.dataset.key = `${key}:clip`;
    buttons.clip.dataset.sound = audio ?? "";
    buttons.clip.disabled = !audio;
    readout.dataset.rest = rest ?? "";
    readout.textContent = rest ?? "";
    if (player.key && !player.key.startsWith(key) && /:(clip|left|taken|stretch)$/.test(player.key)) player.stop();
    element.querySelector(".passt-spectrogram").classList.toggle("empty", !picture.figure);
    veil = props.veil;
    forget();
    stretch.renew();
    draw();
  }

  // A new mask makes the sounds of the old one stale.
  function forget() {
    for (const part of ["left", "taken"]) {
      buttons[part].dataset.sound = "";
      buttons[part].dataset.key = `${picture.key}:${part}`;
      buttons[part].disabled = !veil;
      if (player.key === buttons[part].dataset.key) player.stop();
    }
    element.querySelector(".passt-figure").setAttribute("aria-label", picture.summary ?? "");
  }

  for (const part of ["left", "taken"]) {
    buttons[part].addEventListener("click", (event) => {
      if (buttons[part].dataset.sound) return;
      event.stopPropagation();
      buttons[part].setAttribute("aria-busy", "true");
      trigger(listenEvent, { part });
    });
  }

  watch("sounds", () => {
    const { part, left, taken } = props.sounds ?? {};
    if (!left) return;
    buttons.left.dataset.sound = left;
    buttons.taken.dataset.sound = taken;
    for (const button of [buttons.left, buttons.taken]) button.removeAttribute("aria-busy");
    player.start(buttons[part].dataset.sound, buttons[part].dataset.key, 0);
  });
  watch("value", renew);
  watch("veil", () => {
    if (props.veil === veil) return; // the same mask told again: a sound of it may be playing
    veil = props.veil;
    forget();
    draw();
  });
  const stretch = passt.stretch(element, plot, props, () => picture, (start, end) => trigger(stretchEvent, { start, end }));
  watch("stretch", stretch.told);
  grid.addEventListener("change", draw);
  passt.plots.keep(plot, draw);
  renew();
  follow();
};

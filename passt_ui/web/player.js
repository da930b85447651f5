// One sound at a time. Every element with data-sound (a URL) and data-key is a play button.
window.passt = window.passt || {};

passt.player = (() => {
  const audio = new Audio();
  audio.id = "passt-player";
  audio.preload = "none";
  let key = null;

  const mount = () => audio.isConnected || document.body.appendChild(audio);

  function show() {
    for (const button of document.querySelectorAll("[data-key]")) {
      const playing = !audio.paused && button.dataset.key === key;
      button.setAttribute("aria-pressed", String(playing));
    }
  }

  function start(url, newKey, at) {
    mount();
    if (key !== newKey || audio.src !== new URL(url, document.baseURI).href) {
      audio.src = url;
      key = newKey;
    }
    if (at !== undefined) audio.currentTime = at;
    return audio.play().catch((error) => {
      if (error.name !== "AbortError") passt.say(`This sound cannot be played here (${error.message}).`);
    });
  }

  function toggle(url, newKey) {
    if (key === newKey && !audio.paused) audio.pause();
    else start(url, newKey, key === newKey && !audio.ended ? undefined : 0);
  }

  for (const name of ["play", "pause", "ended", "emptied"]) audio.addEventListener(name, show);

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-sound]");
    if (button?.dataset.sound) toggle(button.dataset.sound, button.dataset.key);
  });

  // Any other sound of the page stops ours, and ours stops any other.
  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio, video")) {
      if (other !== event.target) other.pause();
    }
  }, true);

  // Space plays and pauses the sound last heard, unless something else wants the key.
  document.addEventListener("keydown", (event) => {
    const wants = event.target.closest?.("input, textarea, select, button, a, summary, [role=button], [contenteditable]");
    if (event.code !== "Space" || wants || !key) return;
    event.preventDefault();
    if (audio.paused) audio.play(); else audio.pause();
  });

  return {
    audio,
    start,
    toggle,
    refresh: show,
    get key() { return key; },
    stop() { audio.pause(); key = null; show(); },
  };
})();

// A polite line for screen readers and for what went wrong in the browser itself.
passt.say = (text) => {
  let line = document.getElementById("passt-live");
  if (!line) {
    line = document.createElement("div");
    line.id = "passt-live";
    line.setAttribute("role", "status");
    document.body.appendChild(line);
  }
  line.textContent = text;
};

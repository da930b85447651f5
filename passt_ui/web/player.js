// One sound at a time. Every element with data-sound (a URL) and data-key is a play button.
window.passt = window.passt || {};

passt.player = (() => {
  const audio = new Audio();
  audio.id = "passt-player";
  audio.preload = "none";
  const SLACK_S = 0.05;
  let key = null;
  let source = null;
  let stretch = null; // [start, end] in seconds: the part of the file that is the sound; null: all

  const mount = () => audio.isConnected || document.body.appendChild(audio);

  function show() {
    for (const button of document.querySelectorAll("[data-key]")) {
      const playing = !audio.paused && button.dataset.key === key;
      button.setAttribute("aria-pressed", String(playing));
    }
  }

  // A stretch of a file is named by the URL's media fragment: sound.ogg#t=3.5,8
  function open(url, newKey) {
    const place = new URL(url, document.baseURI);
    const times = /^#t=([\d.]+),([\d.]+)$/.exec(place.hash)?.slice(1).map(Number);
    place.hash = "";
    if (key === newKey && source === place.href) return;
    audio.src = source = place.href;
    key = newKey;
    stretch = times && times[1] > times[0] ? times : null;
    show();
  }

  function start(url, newKey, at) {
    mount();
    open(url, newKey);
    if (at !== undefined) audio.currentTime = at;
    watch();
    return audio.play().catch((error) => {
      if (error.name !== "AbortError") passt.say(`This sound cannot be played here (${error.message}).`);
    });
  }

  // From the beginning, which may lie within the file.
  function begin(url, newKey) {
    mount();
    open(url, newKey);
    return start(url, newKey, stretch ? stretch[0] : 0);
  }

  const over = () => audio.ended || (stretch && audio.currentTime >= stretch[1] - SLACK_S);

  function toggle(url, newKey) {
    if (key === newKey && !audio.paused) audio.pause();
    else if (key === newKey && !over()) start(url, newKey);
    else begin(url, newKey);
  }

  // On from where it stood; from the beginning if it is over.
  function resume() {
    if (over() && stretch) audio.currentTime = stretch[0];
    audio.play();
  }

  const finished = () => audio.dispatchEvent(new CustomEvent("passt:finished"));

  // A stretch ends before its file does; where the two end together, the file's own end is waited for.
  function check() {
    if (audio.paused || !stretch || audio.seeking) return;
    if (audio.currentTime < stretch[1] || stretch[1] >= audio.duration - SLACK_S) return;
    audio.pause();
    finished();
  }

  let watching = false;
  function watch() {
    if (watching) return;
    watching = true;
    requestAnimationFrame(function tick() {
      check();
      watching = !audio.paused;
      if (watching) requestAnimationFrame(tick);
    });
  }

  audio.addEventListener("play", watch);
  audio.addEventListener("timeupdate", check); // also in a tab that is not looked at
  audio.addEventListener("ended", finished);
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
    const wants = event.target.closest?.("input, textarea, select, button, a, summary, [role=button], [role=application], [contenteditable]");
    if (event.code !== "Space" || wants || !key) return;
    event.preventDefault();
    if (audio.paused) resume(); else audio.pause();
  });

  return {
    audio,
    start,
    begin,
    resume,
    toggle,
    refresh: show,
    get key() { return key; },
    stop() { audio.pause(); key = source = stretch = null; show(); },
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

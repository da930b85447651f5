// Base64 of little-endian numbers, as the server sends them → a typed array.
window.passt = window.passt || {};

passt.unpacked = (text, Kind = Uint8Array) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
};

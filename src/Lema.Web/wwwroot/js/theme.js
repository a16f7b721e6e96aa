// Keeps the choice of theme for the next first paint, and tells what is drawn on canvases.
export function setTheme(cookie, theme) {
  document.cookie = `${cookie}=${theme}; path=/; max-age=31536000; samesite=strict`;
  document.documentElement.dataset.theme = theme;
}

// Blazor gives up after a while; this goes on until the dashboard is back, takes up the page's circuit where it can, and reloads where it cannot.
const notice = document.getElementById('components-reconnect-modal');
let trying = false;

notice.addEventListener('components-reconnect-state-changed', event => {
  const { state } = event.detail;
  if (state === 'failed') tryForever();
  if (state === 'rejected' || state === 'resume-failed') reloadWhenReachable();
});

async function tryForever() {
  if (trying) return;
  trying = true;
  for (;;) {
    try {
      if (await Blazor.reconnect() || await Blazor.resumeCircuit()) break;
      location.reload();
      return;
    } catch {
      await delay(2000);
    }
  }
  trying = false;
}

async function reloadWhenReachable() {
  for (;;) {
    try {
      await fetch(location.href, { method: 'HEAD', redirect: 'manual' });
      location.reload();
      return;
    } catch {
      await delay(2000);
    }
  }
}

const delay = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

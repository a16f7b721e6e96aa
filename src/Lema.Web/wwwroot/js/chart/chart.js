// A live line chart. The page's circuit sends points; zoom, hover and smoothing happen here, so that they answer at once.
import { Plot } from './plot.js';
import { Series } from './series.js';
import { formatValue } from './scale.js';

const groups = new Map();

class LineChart {
  constructor(root, callbacks, options) {
    this.root = root;
    this.callbacks = callbacks;
    this.canvas = root.querySelector('canvas');
    this.tip = root.querySelector('.chart-tip');
    this.plot = new Plot(this.canvas);
    this.series = new Map();
    this.options = { view: null, smoothing: 0, logY: false, ...options };
    this.peers = groups.get(options.group) ?? groups.set(options.group, new Set()).get(options.group);
    this.peers.add(this);
    this.abort = new AbortController();
    this.listen();
    this.resized = new ResizeObserver(() => this.invalidate());
    this.resized.observe(this.canvas);
    this.themed = new MutationObserver(() => requestAnimationFrame(() => this.invalidate()));
    this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    this.invalidate();
  }

  listen() {
    const on = (name, handler) => this.canvas.addEventListener(name, handler, { signal: this.abort.signal });
    on('pointermove', event => this.moved(event));
    on('pointerdown', event => this.touched(event));
    on('pointerup', () => this.released());
    on('pointerleave', event => { if (!this.drag && event.pointerType !== 'touch') this.hover(null); });
    on('dblclick', () => this.zoom(null));
    on('blur', () => this.hover(null));
    on('keydown', event => this.pressed(event));
  }

  // A finger shows values, which stay when it is lifted, and scrolls the page; a mouse drags.
  touched(event) {
    if (event.pointerType === 'touch') { this.moved(event); return; }
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { from: event.offsetX, to: event.offsetX };
  }

  moved(event) {
    if (this.drag) { this.drag.to = event.offsetX; this.invalidate(); return; }
    const x = this.plot.pixelToX(event.offsetX);
    this.hover(x >= this.plot.range.from && x <= this.plot.range.to ? x : null);
  }

  released() {
    const drag = this.drag;
    this.drag = null;
    if (!drag) return;
    if (Math.abs(drag.to - drag.from) < 6) { this.pick(this.plot.pixelToX(drag.to)); return; }
    const [from, to] = [drag.from, drag.to].sort((a, b) => a - b).map(pixel => this.plot.pixelToX(pixel));
    this.zoom({ from: Math.max(from, this.plot.range.from), to: Math.min(to, this.plot.range.to) });
  }

  pressed(event) {
    const { from, to } = this.plot.range, span = to - from;
    const at = this.cursor ?? (from + to) / 2;
    const keys = {
      ArrowLeft: () => this.hover(this.neighbour(at, -1)),
      ArrowRight: () => this.hover(this.neighbour(at, 1)),
      Enter: () => this.pick(at),
      Home: () => this.hover(from),
      End: () => this.hover(to),
      '+': () => this.zoom({ from: Math.max(from, at - span / 4), to: Math.min(to, at + span / 4) }),
      '-': () => this.zoom(null),
      Escape: () => { this.hover(null); this.zoom(null); },
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  }

  // The next point of the first curve that has any, in a direction, at least one pixel away.
  neighbour(x, direction) {
    const one = this.visible().find(candidate => candidate.x.length);
    if (!one) return null;
    const pixel = (this.plot.range.to - this.plot.range.from) / Math.max(1, this.plot.frame.right - this.plot.frame.left);
    const step = Math.max(1, Math.round(pixel / Math.max(1e-12, (one.x[one.x.length - 1] - one.x[0]) / one.x.length)));
    const index = one.nearest(x) + direction * step;
    return one.x[Math.min(Math.max(index, 0), one.x.length - 1)];
  }

  hover(x) {
    for (const peer of this.peers) { peer.cursor = x; peer.invalidate(); }
  }

  zoom(view) {
    if (!view && !this.options.view) return;
    for (const peer of this.peers) { peer.options.view = view; peer.root.classList.toggle('zoomed', view !== null); peer.invalidate(); }
    this.callbacks.invokeMethodAsync('ZoomedAsync', view?.from ?? null, view?.to ?? null);
  }

  // A click marks a point, and the page puts it into its address.
  pick(x) {
    const one = this.visible().find(candidate => candidate.x.length);
    this.invalidate();
    if (one) this.callbacks.invokeMethodAsync('PickedAsync', one.x[one.nearest(x)]);
  }

  visible() { return [...this.series.values()]; }

  invalidate() {
    if (this.frameRequest || this.abort.signal.aborted) return;
    this.frameRequest = requestAnimationFrame(() => { this.frameRequest = 0; this.render(); });
  }

  render() {
    if (!this.canvas.clientWidth) return;
    const series = this.visible();
    this.plot.draw(series, this.options);
    this.root.dataset.points = series.reduce((sum, one) => sum + one.x.length, 0);
    if (this.drag) this.plot.drawSelection(this.drag.from, this.drag.to);
    this.renderCursor(series);
  }

  renderCursor(series) {
    const cursor = this.cursor ?? this.options.mark;
    const inView = cursor != null && cursor >= this.plot.range.from && cursor <= this.plot.range.to;
    const rows = [];
    if (inView) {
      for (const one of series) {
        const index = one.nearest(cursor);
        if (index < 0) continue;
        const value = one.values(this.options.smoothing)[index];
        if (!Number.isFinite(value) || (this.options.logY && value <= 0)) continue;
        rows.push({ one, index, value, measured: one.y[index] });
      }
    }
    this.tip.hidden = rows.length === 0;
    if (!rows.length) return;
    this.plot.drawCursor(cursor);
    for (const { one, index, value } of rows) this.plot.drawDot(one.x[index], value, one.color);
    this.showTip(rows, cursor);
  }

  // Text nodes only: names of runs and series come from outside.
  showTip(rows, cursor) {
    const { xUnit, yUnit, xName } = this.options;
    const head = document.createElement('div');
    head.className = 'chart-tip-head';
    head.textContent = `${xName} ${formatValue(rows[0].one.x[rows[0].index], xUnit)}`;
    const lines = rows.map(({ one, value, measured }) => {
      const line = document.createElement('div');
      const swatch = document.createElement('span');
      swatch.className = 'chart-swatch';
      swatch.style.background = `var(${one.color})`;
      const name = document.createElement('span');
      name.textContent = one.label;
      const figure = document.createElement('b');
      figure.textContent = formatValue(value, yUnit);
      line.append(swatch, name, figure);
      if (value !== measured) {
        const unsmoothed = document.createElement('span');
        unsmoothed.className = 'chart-tip-measured';
        unsmoothed.textContent = `(${formatValue(measured, yUnit)})`;
        line.append(unsmoothed);
      }
      return line;
    });
    this.tip.replaceChildren(head, ...lines);
    const at = this.plot.xToPixel(cursor), width = this.tip.offsetWidth;
    const left = at + 14 + width > this.canvas.clientWidth ? at - 14 - width : at + 14;
    this.tip.style.transform = `translate(${Math.max(0, Math.round(left))}px, 12px)`;
  }

  dispose() {
    this.abort.abort();
    this.resized.disconnect();
    this.themed.disconnect();
    this.peers.delete(this);
    if (!this.peers.size) groups.delete(this.options.group);
    cancelAnimationFrame(this.frameRequest);
  }

  // Called by the component.
  configure(changes) { Object.assign(this.options, changes); this.invalidate(); }

  define(definitions) {
    const known = this.series;
    this.series = new Map(definitions.map(one => {
      const old = known.get(one.id);
      return [one.id, old ? Object.assign(old, one) : new Series(one)];
    }));
    this.invalidate();
  }

  // One packet: for each series its id, whether to begin anew, and its points as doubles of one buffer.
  receive(parts, bytes) {
    const doubles = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    let offset = 0;
    for (const { id, reset, count } of parts) {
      const one = this.series.get(id);
      const points = doubles.subarray(offset, offset += count * 2);
      if (!one) continue;
      if (reset) one.clear();
      one.append(points);
    }
    this.invalidate();
  }

  resetZoom() { this.zoom(null); }
}

export const create = (root, callbacks, options) => new LineChart(root, callbacks, options);

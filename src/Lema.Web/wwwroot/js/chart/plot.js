// Draws curves, grid and axes on a canvas.
import { formatValue, logTicks, niceTicks } from './scale.js';

const margin = { left: 56, right: 12, top: 10, bottom: 26 };

export class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
  }

  // What is in view: {from, to, low, high}, and the frame of the drawing in CSS pixels.
  measure(series, options) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.frame = { left: margin.left, top: margin.top, right: Math.max(margin.left + 1, width - margin.right), bottom: Math.max(margin.top + 1, height - margin.bottom) };
    let from = Infinity, to = -Infinity;
    if (options.view) ({ from, to } = options.view);
    else for (const one of series) if (one.x.length) { from = Math.min(from, one.x[0]); to = Math.max(to, one.x[one.x.length - 1]); }
    if (!(to > from)) { from = Number.isFinite(from) ? from : 0; to = from + 1; }
    let low = Infinity, high = -Infinity;
    for (const one of series) {
      const values = one.values(options.smoothing);
      const [first, last] = one.window(from, to);
      for (let i = first; i < last; i++) {
        const value = values[i];
        if (!Number.isFinite(value) || (options.logY && value <= 0)) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    if (!Number.isFinite(low)) { low = options.logY ? 0.1 : 0; high = 1; }
    if (options.zeroBased && !options.logY) low = Math.min(0, low);
    if (high === low) { high += Math.abs(high) * 0.1 || 1; low -= options.zeroBased && low === 0 ? 0 : Math.abs(low) * 0.1 || (options.logY ? low / 2 : 1); }
    if (options.logY) { low /= 1.1; high *= 1.1; }
    else { const pad = (high - low) * 0.06; high += pad; if (!(options.zeroBased && low === 0)) low -= pad; }
    this.range = { from, to, low, high };
    this.logY = options.logY;
  }

  xToPixel(x) { return this.frame.left + (x - this.range.from) / (this.range.to - this.range.from) * (this.frame.right - this.frame.left); }
  pixelToX(pixel) { return this.range.from + (pixel - this.frame.left) / (this.frame.right - this.frame.left) * (this.range.to - this.range.from); }
  yToPixel(y) {
    const { low, high } = this.range;
    const share = this.logY ? Math.log(y / low) / Math.log(high / low) : (y - low) / (high - low);
    return this.frame.bottom - share * (this.frame.bottom - this.frame.top);
  }

  draw(series, options) {
    const { canvas, context } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    this.measure(series, options);
    this.style = getComputedStyle(canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    this.drawGrid(options);
    context.save();
    context.beginPath();
    context.rect(this.frame.left - 3, this.frame.top - 3, this.frame.right - this.frame.left + 6, this.frame.bottom - this.frame.top + 6);
    context.clip();
    for (const one of series) {
      const color = this.color(one.color);
      const values = one.values(options.smoothing);
      if (values !== one.y) this.drawLine(one, one.y, color, 1, 0.28, one.dash);
      this.drawLine(one, values, color, 1.75, 1, one.dash);
    }
    context.restore();
  }

  drawGrid(options) {
    const { context, frame, range } = this;
    context.font = `11px ${this.style.fontFamily}`;
    context.lineWidth = 1;
    context.strokeStyle = this.color('--chart-grid');
    context.fillStyle = this.color('--chart-text');
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    const yTicks = this.logY ? logTicks(range.low, range.high) : niceTicks(range.low, range.high, Math.max(2, (frame.bottom - frame.top) / 44), options.yUnit);
    for (const tick of yTicks) {
      const y = Math.round(this.yToPixel(tick)) + 0.5;
      context.beginPath();
      context.moveTo(frame.left, y);
      context.lineTo(frame.right, y);
      context.stroke();
      context.fillText(formatValue(tick, options.yUnit), frame.left - 8, y);
    }
    context.textBaseline = 'top';
    let room = -Infinity;
    for (const tick of niceTicks(range.from, range.to, Math.max(3, (frame.right - frame.left) / 80), options.xUnit)) {
      const x = this.xToPixel(tick), text = formatValue(tick, options.xUnit), half = context.measureText(text).width / 2;
      const at = Math.min(Math.max(x, frame.left + half - 6), frame.right - half);
      if (at - half < room) continue;
      room = at + half + 10;
      context.textAlign = 'center';
      context.fillText(text, at, frame.bottom + 8);
    }
  }

  // With more points than pixels, each pixel column shows its extremes: no peak is lost and the work is bounded by the width.
  drawLine(one, values, color, lineWidth, alpha, dash) {
    const { context } = this;
    const [first, last] = one.window(this.range.from, this.range.to);
    const columns = this.frame.right - this.frame.left;
    context.strokeStyle = color;
    context.globalAlpha = alpha;
    context.lineWidth = lineWidth;
    context.lineJoin = 'round';
    context.setLineDash(dash ? [5, 4] : []);
    context.beginPath();
    let pen = false;
    const point = (x, y) => { if (pen) context.lineTo(x, y); else context.moveTo(x, y); pen = true; };
    const drawn = i => Number.isFinite(values[i]) && (!this.logY || values[i] > 0);
    if (last - first <= columns * 2) {
      for (let i = first; i < last; i++) {
        if (!drawn(i)) { pen = false; continue; }
        point(this.xToPixel(one.x[i]), this.yToPixel(values[i]));
      }
    } else {
      let i = first;
      while (i < last) {
        const column = Math.floor(this.xToPixel(one.x[i]));
        let low = Infinity, high = -Infinity, end;
        for (end = i; end < last && Math.floor(this.xToPixel(one.x[end])) === column; end++) {
          if (!drawn(end)) continue;
          low = Math.min(low, values[end]);
          high = Math.max(high, values[end]);
        }
        if (low <= high) { point(column + 0.5, this.yToPixel(high)); point(column + 0.5, this.yToPixel(low)); }
        i = end;
      }
    }
    context.stroke();
    if (last - first === 1 || (one.sparse && last - first <= columns / 24)) {
      context.fillStyle = color;
      for (let i = first; i < last; i++) {
        if (!drawn(i)) continue;
        context.beginPath();
        context.arc(this.xToPixel(one.x[i]), this.yToPixel(values[i]), 3, 0, 7);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
  }

  drawCursor(x) {
    const { context, frame } = this;
    const at = Math.round(this.xToPixel(x)) + 0.5;
    context.strokeStyle = this.color('--chart-cross');
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(at, frame.top);
    context.lineTo(at, frame.bottom);
    context.stroke();
    context.setLineDash([]);
  }

  drawDot(x, y, color) {
    const { context } = this;
    context.fillStyle = this.color(color);
    context.strokeStyle = this.color('--mud-palette-surface');
    context.lineWidth = 2;
    context.beginPath();
    context.arc(this.xToPixel(x), this.yToPixel(y), 4, 0, 7);
    context.fill();
    context.stroke();
  }

  drawSelection(from, to) {
    const { context, frame } = this;
    context.globalAlpha = 0.14;
    context.fillStyle = this.color('--mud-palette-primary');
    context.fillRect(Math.min(from, to), frame.top, Math.abs(to - from), frame.bottom - frame.top);
    context.globalAlpha = 1;
  }

  color(name) { return name.startsWith('--') ? this.style.getPropertyValue(name).trim() : name; }
}

// One curve: its points in order of x, what smoothing makes of them, and the part that is in view.

export class Series {
  constructor({ id, label, color, dash, sparse }) {
    Object.assign(this, { id, label, color, dash, sparse });
    this.clear();
  }

  clear() {
    this.x = [];
    this.y = [];
    this.smooth = [];
    this.smoothing = undefined;
  }

  // Points come as [x0, y0, x1, y1, ...]; one whose x is not past the last is old news and left out.
  append(points) {
    for (let i = 0; i + 1 < points.length; i += 2) {
      if (this.x.length && points[i] <= this.x[this.x.length - 1]) continue;
      this.x.push(points[i]);
      this.y.push(points[i + 1]);
    }
  }

  // Exponential moving average without the pull to zero at its start (as TensorBoard does).
  values(weight) {
    if (!weight || this.sparse) return this.y;
    if (this.smoothing !== weight) {
      this.smooth = [];
      this.smoothing = weight;
      this.mean = 0;
      this.count = 0;
    }
    for (let i = this.smooth.length; i < this.y.length; i++) {
      const value = this.y[i];
      if (!Number.isFinite(value)) { this.smooth.push(value); continue; }
      this.mean = this.mean * weight + (1 - weight) * value;
      this.count++;
      this.smooth.push(this.mean / (1 - weight ** this.count));
    }
    return this.smooth;
  }

  // Index of the first point at or past x.
  indexAt(x) {
    let low = 0, high = this.x.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.x[middle] < x) low = middle + 1; else high = middle;
    }
    return low;
  }

  nearest(x) {
    if (!this.x.length) return -1;
    const after = Math.min(this.indexAt(x), this.x.length - 1);
    return after > 0 && x - this.x[after - 1] < this.x[after] - x ? after - 1 : after;
  }

  // First and one-past-last index to draw for a view, one point beyond either side so that the line leaves the frame.
  window(from, to) {
    return [Math.max(0, this.indexAt(from) - 1), Math.min(this.x.length, this.indexAt(to) + 1)];
  }
}

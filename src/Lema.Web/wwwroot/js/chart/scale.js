// Axis arithmetic: ranges, ticks and how numbers are written.

// Time is divided by 60 and 24, not by 10.
const clockSteps = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

export function niceTicks(low, high, count, unit) {
  if (unit === 'bytes') {
    const scale = 1024 ** Math.max(0, Math.floor(Math.log(Math.max(Math.abs(high), 1)) / Math.log(1024)));
    // There is no half a byte.
    return niceTicks(low / scale, high / scale, count).map(tick => tick * scale).filter(tick => scale > 1 || Number.isInteger(tick));
  }
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (unit === 'seconds' && clockSteps.find(s => s >= rough && rough > 5)) || [1, 2, 2.5, 5, 10].map(m => m * power).find(s => s >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) ticks.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
  return ticks;
}

// Decades, with 2 and 5 between them where there are few.
export function logTicks(low, high) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const parts = last - first <= 2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let decade = first; decade <= last; decade++) {
    for (const part of parts) {
      const tick = part * 10 ** decade;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks.length > 1 ? ticks : niceTicks(low, high, 4);
}

export function formatValue(value, unit) {
  if (!Number.isFinite(value)) return '–';
  if (value === 0 && unit !== 'share') return '0';
  if (unit === 'bytes') return scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
  if (unit === 'seconds') return duration(value);
  if (unit === 'share') return `${trim(value * 100, 3)} %`;
  const size = Math.abs(value);
  if (size >= 1000 && size < 10000) return trim(value, 4).replace(/^(-?\d)(\d{3})/, '$1,$2');
  if (size >= 10000) return scaled(value, 1000, ['', 'k', 'M', 'G', 'T']);
  if (size !== 0 && size < 0.001) return value.toExponential(2).replace('e-', 'e−');
  return trim(value, 4);
}

function scaled(value, base, units) {
  let size = Math.abs(value), unit = 0;
  while (size >= base && unit < units.length - 1) { size /= base; unit++; }
  return `${trim(Math.sign(value) * size, 3)}${units[unit] ? ' ' : ''}${units[unit]}`;
}

function duration(seconds) {
  if (seconds < 1) return `${trim(seconds * 1000, 3)} ms`;
  if (seconds < 60) return `${trim(seconds, 3)} s`;
  if (seconds < 5400) return `${trim(seconds / 60, 3)} min`;
  return `${trim(seconds / 3600, 3)} h`;
}

const trim = (value, digits) => String(Number(value.toPrecision(digits)));

/** A chart of claims and redemptions in the colours of the page, which follow its scheme. */

import uPlot from "uplot";
import type { Stats } from "../../../../client/client.ts";
import { count } from "../../parts/words.tsx";

const HEIGHT = 240;
const AXIS_HEIGHT = 32;
/** Room for "1,000,000" before the axis. */
const DIGIT_WIDTH = 8;
/** Half of a time below it, which stands in the middle under the first column. */
const LABEL_MIN_WIDTH = 44;
/** Pixels between two lines of the grid, at least. */
const GRID_X = 76;
const GRID_Y = 44;
/** How much of an interval each of its two bars takes. */
const BAR_SHARE = 0.4;
const BAR_WIDTH_MAX = 28;

type Series = Stats["series"];

export interface Plot {
  show: (series: Series) => void;
  end: () => void;
}

const SECONDS: Record<string, number> = { minute: 60, hour: 3_600, day: 86_400 };

const halfOf = (interval: string) => (SECONDS[interval] ?? 0) / 2;

const TIMES: Record<string, Intl.DateTimeFormat> = {
  minute: new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false }),
  hour: new Intl.DateTimeFormat("en", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  }),
  day: new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" }),
};

/** Each interval stands where its middle is. */
function columnsOf(series: Series, half: number): uPlot.AlignedData {
  return [
    series.map(({ start }) => Date.parse(start) / 1_000 + half),
    series.map(({ claimed }) => claimed),
    series.map(({ redeemed }) => redeemed),
  ];
}

/** The place of the interval that is pointed at, or null. */
type Point = (at: number | null) => void;

/** Those of claims stand left of the middle of their interval, those of redemptions right of it. */
const [LEFT, RIGHT] = [-1, 1] as const;

function barsOf(colour: string, align: -1 | 1): uPlot.Series {
  const paths = uPlot.paths.bars?.({ size: [BAR_SHARE, BAR_WIDTH_MAX], align });
  return { fill: colour, width: 0, points: { show: false }, ...(paths ? { paths } : {}) };
}

function optionsFor(place: HTMLElement, interval: string, onPoint: Point): uPlot.Options {
  const style = getComputedStyle(place);
  const colour = (name: string) => style.getPropertyValue(`--plot-${name}`);
  const axis = {
    stroke: style.color,
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
    font: `12px ${style.fontFamily}`,
  };
  const times = TIMES[interval];
  const half = halfOf(interval);
  return {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
    scales: {
      x: { range: (_, first, last) => [first - half, last + half] },
      y: { range: (_, __, most) => [0, Math.max(most * 1.05, 4)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: AXIS_HEIGHT,
        space: GRID_X + (interval === "hour" ? GRID_X / 2 : 0),
        values: (_, at) => at.map((seconds) => times?.format(seconds * 1_000) ?? ""),
      },
      {
        ...axis,
        space: GRID_Y,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5],
        values: (_, at) => at.map(count),
        size: (_, labels) =>
          Math.max(
            LABEL_MIN_WIDTH,
            ...(labels ?? []).map((label) => label.length * DIGIT_WIDTH + 14),
          ),
      },
    ],
    series: [{}, barsOf(colour("claimed"), LEFT), barsOf(colour("redeemed"), RIGHT)],
  };
}

/** Draws into `place`, and anew when its width or the scheme changes. */
export function draw(options: {
  place: HTMLElement;
  interval: string;
  series: Series;
  onPoint: Point;
}): Plot {
  const { place, interval, onPoint } = options;
  const half = halfOf(interval);
  let { series } = options;
  const made = () =>
    new uPlot(optionsFor(place, interval, onPoint), columnsOf(series, half), place);
  let chart = made();
  const redraw = () => {
    chart.destroy();
    chart = made();
  };
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", redraw);
  const observer = new ResizeObserver(() => {
    const width = place.clientWidth;
    if (width > 0 && width !== chart.width) chart.setSize({ width, height: HEIGHT });
  });
  observer.observe(place);
  return {
    show: (next) => {
      series = next;
      chart.setData(columnsOf(series, half));
    },
    end: () => {
      scheme.removeEventListener("change", redraw);
      observer.disconnect();
      chart.destroy();
    },
  };
}

/** Claims and redemptions over time: a chart, the same in words, and as a table. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Campaign, Stats } from "../../../../client/client.ts";
import { Failure, Loading, useLoad } from "../../parts/load.tsx";
import { counted } from "../../parts/numbers.ts";
import { count, Time } from "../../parts/words.tsx";
import { codedrop } from "../../session.ts";
import type { Plot } from "./plot.ts";

/** How far back each goes: what a chart of a page's width can show. */
const INTERVALS = {
  minute: { name: "Minute", ms: 60_000, shown: 120, words: "the last 2 hours" },
  hour: { name: "Hour", ms: 3_600_000, shown: 48, words: "the last 2 days" },
  day: { name: "Day", ms: 86_400_000, shown: 60, words: "the last 60 days" },
} as const;

type Interval = keyof typeof INTERVALS;
export type Series = Stats["series"];

function overSince({ ends_at: end }: Campaign): string | null {
  return end !== null && Date.parse(end) < Date.now() ? end : null;
}

/** Of a campaign that is over, its last stretch is shown: since then nothing has happened. */
function windowOf(campaign: Campaign, interval: Interval) {
  const end = overSince(campaign);
  const isOver = end !== null;
  const until = isOver ? Date.parse(end) + INTERVALS[interval].ms : Date.now();
  const from = new Date(until - INTERVALS[interval].ms * INTERVALS[interval].shown).toISOString();
  return { interval, from, ...(isOver ? { to: new Date(until).toISOString() } : {}) };
}

export function OverTime({ campaign, moved }: { campaign: Campaign; moved: string }) {
  const [interval, setInterval] = useState<Interval>("hour");
  const loaded = useLoad(
    async (signal) => {
      const stats = await codedrop.stats(campaign.id, windowOf(campaign, interval), { signal });
      return { series: stats.series, interval };
    },
    [campaign.id, campaign.ends_at, interval],
  );
  useEffect(() => {
    if (moved !== "") loaded.again();
  }, [moved]);
  // Until there is another one, the last chart stays: nothing on the page jumps.
  const shown = useRef<{ series: Series; interval: Interval } | null>(null);
  if (loaded.state === "there") shown.current = loaded.value;
  return (
    <section class="card stack" aria-labelledby="over-time">
      <header class="bar spread">
        <h2 id="over-time">Claims over time</h2>
        <fieldset class="switch">
          <legend class="visually-hidden">By</legend>
          {(Object.keys(INTERVALS) as Interval[]).map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="interval"
                checked={one === interval}
                onChange={() => setInterval(one)}
              />
              {INTERVALS[one].name}
            </label>
          ))}
        </fieldset>
      </header>
      {loaded.state === "failed" && <Failure error={loaded.error} again={loaded.again} />}
      {shown.current === null ? (
        loaded.state === "loading" && <Loading />
      ) : (
        <Figure {...shown.current} isOver={overSince(campaign) !== null} />
      )}
    </section>
  );
}

function Figure(props: { series: Series; interval: Interval; isOver: boolean }) {
  const { series, interval, isOver } = props;
  const sum = (of: "claimed" | "redeemed") => series.reduce((total, one) => total + one[of], 0);
  const [claimed, redeemed] = [sum("claimed"), sum("redeemed")];
  const busiest = series.reduce<Series[number] | null>(
    (most, one) => (one.claimed > (most?.claimed ?? 0) ? one : most),
    null,
  );
  return (
    <>
      <p>
        {counted(claimed, "claim")} and {counted(redeemed, "redemption")} in{" "}
        {INTERVALS[interval].words}
        {isOver && " before the campaign’s end"}.
        {busiest !== null && (
          <>
            {" "}
            The busiest {interval}: <Start of={busiest} interval={interval} />, with{" "}
            {counted(busiest.claimed, "claim")}.
          </>
        )}
      </p>
      <Chart series={series} interval={interval} />
      <SeriesTable series={series} interval={interval} />
    </>
  );
}

/** Drawn by uPlot, which is fetched when the first chart is shown. */
function Chart({ series, interval }: { series: Series; interval: Interval }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [failed, setFailed] = useState(false);
  const [pointed, setPointed] = useState<number | null>(null);
  const latest = useRef(series);
  latest.current = series;
  useEffect(() => {
    let isHere = true;
    import("./plot.ts").then(
      ({ draw }) => {
        if (isHere && place.current !== null) {
          const [at, all] = [place.current, latest.current];
          plot.current = draw({ place: at, interval, series: all, onPoint: setPointed });
        }
      },
      () => isHere && setFailed(true),
    );
    return () => {
      isHere = false;
      plot.current?.end();
      plot.current = null;
    };
  }, [interval]);
  useEffect(() => plot.current?.show(series), [series]);
  const point = pointed === null ? undefined : series[pointed];
  return (
    <>
      <p class="legend line" aria-hidden="true">
        <span>
          <span class="dot claimed" /> Claims
        </span>
        <span>
          <span class="dot redeemed" /> Redemptions
        </span>
        <span class="pointed">
          {point !== undefined && <Pointed of={point} interval={interval} />}
        </span>
      </p>
      {/* What it shows is said before it and stands in the table behind it. */}
      <div ref={place} class="plot" aria-hidden="true" />
      {failed && <p class="quiet">The chart could not be loaded. The table has the numbers.</p>}
    </>
  );
}

/** A day is one of UTC: as a time of the reader's zone it would be of the day before, or noon. */
const days = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });

interface StartOf {
  of: Series[number];
  interval: Interval;
}

function Start({ of: { start }, interval }: StartOf) {
  if (interval !== "day") return <Time at={start} />;
  return (
    <time dateTime={start} title={start}>
      {days.format(new Date(start))}
    </time>
  );
}

function Pointed({ of, interval }: StartOf) {
  return (
    <>
      <Start of={of} interval={interval} />: {counted(of.claimed, "claim")},{" "}
      {counted(of.redeemed, "redemption")}
    </>
  );
}

function SeriesTable({ series, interval }: { series: Series; interval: Interval }) {
  const [isOpen, setOpen] = useState(false);
  const rows = series.filter(({ claimed, redeemed }) => claimed + redeemed > 0).toReversed();
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The numbers as a table</summary>
      {isOpen && rows.length === 0 && <p class="quiet">Nothing happened in this time.</p>}
      {isOpen && rows.length > 0 && (
        <table>
          <caption class="quiet">
            Newest first; only {interval}s in which something happened.
            {interval === "day" && " Days are those of UTC."}
          </caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col" class="number">
                Claims
              </th>
              <th scope="col" class="number">
                Redemptions
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.start}>
                <td data-name="From">
                  <Start of={row} interval={interval} />
                </td>
                <td data-name="Claims" class="number">
                  {count(row.claimed)}
                </td>
                <td data-name="Redemptions" class="number">
                  {count(row.redeemed)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  );
}

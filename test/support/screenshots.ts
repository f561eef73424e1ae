/**
 * Holds what a page looks like against a reference in test/browser/screenshots/. The browser of the
 * tests has fonts of its own (fonts.conf), so a page is laid out alike on every machine; what still
 * differs between versions of Chromium, the smoothing of edges, is averaged away before comparing.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";
import { resize } from "./browser.ts";

const FOLDER = path.resolve(import.meta.dirname, "../browser/screenshots");
/** Git-ignored. */
const FAILED = path.join(FOLDER, "failed");

/** Squares of so many pixels are compared by their mean colour. */
const SQUARE = 8;
/** How far apart two mean colours may be; black and white are 1 apart. */
const COLOUR_TOLERANCE = 0.06;
/** Squares that may differ within any WINDOW x WINDOW of them: a thirtieth. */
const DIFFERENT_MAX = 4;
const WINDOW = 12;

const WIDTHS = [375, 1280];
const SCHEMES = ["light", "dark"] as const;

type Looks = "alike" | "unlike" | "no-reference";

/** The picture at an eighth of its size; what is beyond the picture is white. */
function shrink(from: PNG, width: number, height: number): PNG {
  const small = new PNG({ width: Math.ceil(width / SQUARE), height: Math.ceil(height / SQUARE) });
  for (let y = 0; y < small.height; y += 1) {
    for (let x = 0; x < small.width; x += 1) {
      const sums = [0, 0, 0];
      for (let i = 0; i < SQUARE * SQUARE; i += 1) {
        const column = x * SQUARE + (i % SQUARE);
        const row = y * SQUARE + Math.floor(i / SQUARE);
        const isIn = column < from.width && row < from.height;
        const at = (row * from.width + column) * 4;
        for (const channel of [0, 1, 2]) {
          sums[channel] = (sums[channel] ?? 0) + (isIn ? (from.data[at + channel] ?? 0) : 255);
        }
      }
      const mean = sums.map((sum) => Math.round(sum / (SQUARE * SQUARE)));
      small.data.set([...mean, 255], (y * small.width + x) * 4);
    }
  }
  return small;
}

/** Whether two pictures show the same, and a picture of where they do not. */
export function compare(reference: Buffer, actual: Buffer): { isAlike: boolean; diff: Buffer } {
  const [one, two] = [PNG.sync.read(reference), PNG.sync.read(actual)];
  const width = Math.max(one.width, two.width);
  const height = Math.max(one.height, two.height);
  const [a, b] = [shrink(one, width, height), shrink(two, width, height)];
  const diff = new PNG({ width: a.width, height: a.height });
  const different = pixelmatch(a.data, b.data, diff.data, a.width, a.height, {
    threshold: COLOUR_TOLERANCE,
    includeAA: true,
    windowSize: WINDOW,
  });
  return { isAlike: different <= DIFFERENT_MAX, diff: PNG.sync.write(diff) };
}

function hold(name: string, actual: Buffer): Looks {
  const file = path.join(FOLDER, `${name}.png`);
  const reference = existsSync(file) ? readFileSync(file) : null;
  const { isAlike, diff } =
    reference === null ? { isAlike: false, diff: null } : compare(reference, actual);
  for (const what of ["actual", "diff"]) {
    rmSync(path.join(FAILED, `${name}.${what}.png`), { force: true });
  }
  if (isAlike) return "alike";
  if (process.env["UPDATE_SCREENSHOTS"] === "1") {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, actual);
    return "alike";
  }
  mkdirSync(FAILED, { recursive: true });
  writeFileSync(path.join(FAILED, `${name}.actual.png`), actual);
  if (diff !== null) writeFileSync(path.join(FAILED, `${name}.diff.png`), diff);
  return diff === null ? "no-reference" : "unlike";
}

/** A page that was made wider or darker may draw a chart anew: until two shots are the same. */
const SHOTS_MAX = 10;

async function stillShot(page: Page, mask: string[]): Promise<Buffer> {
  const shoot = () =>
    page.screenshot({
      fullPage: true,
      animations: "disabled",
      caret: "hide",
      scale: "css",
      mask: mask.map((selector) => page.locator(selector)),
      maskColor: "#808080",
    });
  let last = await shoot();
  for (let i = 1; i < SHOTS_MAX; i++) {
    const next = await shoot();
    if (next.equals(last)) return next;
    last = next;
  }
  return last;
}

/**
 * Takes the page as it is, whole, on a phone and on a desk, light and dark, and throws where one is
 * unlike `<name>-<width>-<scheme>.png`. Selectors in `mask` are painted over: what is another at
 * each run, as a code or a time. The page keeps the last width and scheme.
 */
export async function holdScreenshots(
  page: Page,
  name: string,
  options: { mask?: string[]; widths?: number[]; height?: number } = {},
): Promise<void> {
  const { mask = [], widths = WIDTHS, height = 800 } = options;
  const wrong: string[] = [];
  for (const width of widths) {
    await resize(page, { width, height });
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const actual = await stillShot(page, mask);
      const shot = `${name}-${width}-${colorScheme}`;
      const looks = hold(shot, actual);
      if (looks === "unlike") wrong.push(`${shot} is unlike its reference.`);
      if (looks === "no-reference") wrong.push(`${shot} has no reference.`);
    }
  }
  if (wrong.length === 0) return;
  throw new Error(
    [
      ...wrong,
      `Look at ${path.relative(process.cwd(), FAILED)}/. If it is as it should be:`,
      "UPDATE_SCREENSHOTS=1 npm run test:browser",
      "then look at what git says has changed, and commit it.",
    ].join("\n"),
  );
}

/**
 * Samples of a Markdown file, run one after another as a reader would. Each section says what to do
 * with its blocks, in their order; a block that nobody does anything with fails.
 */

import { deepEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "../..");

export interface Sample {
  /** The heading above it, of whatever depth. */
  section: string;
  language: string;
  text: string;
  /** Where it begins, for whoever must mend it. */
  place: string;
}

export function samplesOf(file: string): Sample[] {
  const blocks: (Omit<Sample, "text"> & { lines: string[] })[] = [];
  let section = "";
  let open: { fence: string; lines: string[] } | null = null;
  readFileSync(path.join(ROOT, file), "utf8")
    .split("\n")
    .forEach((line, i) => {
      const [, fence = "", language = ""] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
      if (open !== null) {
        if (line.trim() === open.fence) open = null;
        else open.lines.push(line);
      } else if (fence !== "") {
        const place = `${file}:${i + 1}`;
        const lines: string[] = [];
        blocks.push({ section, language: language.trim(), lines, place });
        open = { fence, lines };
      } else {
        section = /^#+ (.+)$/.exec(line)?.[1] ?? section;
      }
    });
  if (open !== null) throw new Error(`${file} has a block that never ends.`);
  return blocks.map(({ section: heading, language, lines, place }) => ({
    section: heading,
    language,
    text: lines.join("\n"),
    place,
  }));
}

export interface Handler {
  languages: string[];
  run: (sample: Sample) => void | Promise<void>;
}

/** Handlers by section; a list has one for each block. */
export type Handlers = Record<string, Handler | Handler[]>;

/** What is wrong with the handlers for a file's samples: nothing is left out, nothing too many. */
function unhandled(samples: Sample[], handlers: Handlers): string[] {
  const wrong: string[] = [];
  const sections = new Set(samples.map(({ section }) => section));
  for (const section of sections) {
    const own = samples.filter((sample) => sample.section === section);
    const given = [handlers[section] ?? []].flat();
    if (given.length !== own.length) {
      wrong.push(`"${section}" has ${own.length} blocks, and ${given.length} are handled.`);
    }
    own.forEach(({ language, place }, i) => {
      const { languages = [language] } = given[i] ?? {};
      if (!languages.includes(language)) {
        wrong.push(`${place}: ${language || "no language"} where ${languages.join()} is due.`);
      }
    });
  }
  for (const section of Object.keys(handlers)) {
    if (!sections.has(section)) wrong.push(`"${section}" has no blocks, but handlers.`);
  }
  return wrong;
}

/** Runs all of a file's samples in their order. */
export async function runSamples(file: string, handlers: Handlers): Promise<void> {
  const samples = samplesOf(file);
  deepEqual(unhandled(samples, handlers), []);
  const waiting = new Map(
    Object.entries(handlers).map(([section, given]) => [section, [given].flat()]),
  );
  for (const sample of samples) {
    try {
      await waiting.get(sample.section)?.shift()?.run(sample);
    } catch (error) {
      throw new Error(`${sample.place}: ${String(error)}`, { cause: error });
    }
  }
}

/** For what another test takes from the same file and runs. */
export function ranBy(test: string, ...languages: string[]): Handler {
  return {
    languages,
    run: ({ place }) => {
      const text = readFileSync(path.join(ROOT, test), "utf8");
      if (!text.includes(path.basename(place.split(":")[0] ?? ""))) {
        throw new Error(`${test} does not run it.`);
      }
    },
  };
}

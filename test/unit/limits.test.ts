import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import * as limits from "../../src/http/limits.ts";

it("the brakes of wrangler.toml have the numbers that the answers name", () => {
  const toml = readFileSync(path.resolve(import.meta.dirname, "../../wrangler.toml"), "utf8");
  const bound = [
    ...toml.matchAll(
      /\[\[ratelimits\]\]\nname = "(\w+)_BRAKE"\n.*\nsimple = \{ limit = ([\d_]+), period = (\d+) \}/g,
    ),
  ].map(([, name, limit, period]) => [
    name,
    { quota: Number(limit?.replaceAll("_", "")), windowSeconds: Number(period) },
  ]);
  const { KEY, ADDRESS, WRONG_KEY, WRONG_CODE, USER_WRONG_CODE } = limits;
  const named = { KEY, ADDRESS, WRONG_KEY, WRONG_CODE, USER_WRONG_CODE };
  expect(bound).toHaveLength(5);
  expect(Object.fromEntries(bound)).toEqual(
    Object.fromEntries(
      Object.entries(named).map(([name, { quota, windowSeconds }]) => [
        name,
        { quota, windowSeconds },
      ]),
    ),
  );
});

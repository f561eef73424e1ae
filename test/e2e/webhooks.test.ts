/** The rehearsals of `npm run webhooks` in small: that webhooks arrive, whatever happens. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, inject, it } from "vitest";
import { Ground } from "../webhooks/ground.ts";
import { hostile } from "../webhooks/hostile.ts";
import { kills } from "../webhooks/kills.ts";
import { outages } from "../webhooks/outages.ts";
import { rotation } from "../webhooks/rotation.ts";

const dir = mkdtempSync(path.join(tmpdir(), "codedrop-webhooks-"));
const [bundle, template] = [inject("bundle"), inject("template")];
const ground = new Ground({ bundle, template, dir, log: "record" });

afterAll(async () => {
  await ground.close();
  rmSync(dir, { recursive: true, force: true });
});

// Each rehearsal throws at the first thing that is not as promised. At once, because they mostly
// wait: each has a runtime of its own.
describe.concurrent("webhooks", () => {
  it("all arrive, verified and as the log has them, when receivers fail in every way", async () => {
    const seen = await outages(ground, { claims: 150, hangs: 1, seed: 7 });
    expect(seen).toMatchObject({ "claims answered with 201": 150 });
  });

  it("of every claim that was answered arrive after kill -9, with nobody calling", async () => {
    expect(await kills(ground, { rounds: 3, seed: 7 })).toMatchObject({ kills: 3 });
  });

  it("are signed with both secrets while a rotation overlaps, then with the new one", async () => {
    expect(await rotation(ground, { overlapSeconds: 10 })).toEqual({
      before: "1 signature(s), by secret 1",
      "in the overlap": "2 signature(s), by secret 1 and 2",
      after: "1 signature(s), by secret 2",
    });
  });

  it("follow no redirect, and read no answer to its end that has none", async () => {
    expect(await hostile(ground)).toMatchObject({ "calls of where a redirect leads": 0 });
  });
});

/** The package in an empty project: types, on the host's own Node and in a Worker, for real. */

import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Codedrop } from "../../src/client/client.ts";
import { compile, host, install, run } from "../support/packed.ts";
import { bundle, Runtime } from "../support/runtime.ts";

const modules = path.resolve(import.meta.dirname, "../../node_modules");
const programs = path.resolve(import.meta.dirname, "../support/package");
const work = mkdtempSync(path.join(tmpdir(), "codedrop-package-"));
const project = path.join(work, "project");
const baseUrl = inject("baseUrl");
const operator = new Codedrop({ baseUrl, key: inject("operatorToken") });
let runtime: Runtime | null = null;

beforeAll(async () => {
  await install(project, inject("tarball"));
  for (const file of ["shop.ts", "worker.ts", "page.ts"]) {
    copyFileSync(path.join(programs, file), path.join(project, file));
  }
});

afterAll(async () => {
  await runtime?.kill();
  rmSync(work, { recursive: true, force: true });
});

async function newBrand() {
  const { keys } = await operator.brands.create({ name: "Packed" });
  return { key: keys.secret, codedrop: new Codedrop({ baseUrl, key: keys.secret }) };
}

/** Where each program runs, as its compiler is told. */
const PLACES = {
  "shop.ts": { lib: ["es2022"], types: [path.join(modules, "@types/node")] },
  "worker.ts": { lib: ["es2022"], types: [path.join(modules, "@cloudflare/workers-types")] },
  "page.ts": { lib: ["es2022", "dom"], types: [] },
};
const NODE = { module: "nodenext", moduleResolution: "nodenext" };
const BUNDLER = { module: "esnext", moduleResolution: "bundler" };

describe("the package", () => {
  it("has types for servers, Workers and pages, whichever way modules are resolved", async () => {
    for (const [file, place] of Object.entries(PLACES)) {
      for (const resolution of [NODE, BUNDLER]) {
        const options = { ...resolution, ...place, skipLibCheck: false, noEmit: true };
        await compile(project, file, options);
      }
    }
    const wrong = 'import { Codedrop } from "codedrop/client";\nnew Codedrop({ baseUrl: 1 });\n';
    writeFileSync(path.join(project, "wrong.ts"), wrong);
    const options = { ...BUNDLER, ...PLACES["page.ts"], skipLibCheck: false, noEmit: true };
    await expect(compile(project, "wrong.ts", options)).rejects.toThrow("wrong.ts(2");
  });

  it("gives, spends and is told of a code on the host's own Node", async () => {
    const { key } = await newBrand();
    await compile(project, "shop.ts", { ...NODE, ...PLACES["shop.ts"] });
    const env = { ...host, CODEDROP_URL: baseUrl, CODEDROP_KEY: key };
    const { stdout } = await run("node", ["shop.js"], { cwd: project, env, timeout: 60_000 });
    const { code, codes, ...rest } = JSON.parse(stdout) as { code: string; codes: string[][] };
    expect(code).toMatch(/^(\w{4}-){2}\w{4}$/);
    expect(codes.toSorted()).toEqual([
      ["claim.created", code, "u-1"],
      ["code.redeemed", code, "o-1"],
    ]);
    const forged = ["signature-wrong", "signature-wrong"];
    const refusal = "code-already-redeemed";
    expect(rest).toEqual({ isSame: true, off: 1_500, refusal, spent: [code], forged });
  });

  it("claims in a Worker, which is told of it, and of nothing that others sign", async () => {
    const { key, codedrop } = await newBrand();
    const { id } = await codedrop.campaigns.create({ name: "Spring" });
    await codedrop.batches.create(id, { count: 5 });
    const config = path.join(project, "wrangler.json");
    const worker = { name: "shop", main: "worker.ts", compatibility_date: "2026-10-23" };
    writeFileSync(config, JSON.stringify(worker));
    const folder = path.join(work, "bundle");
    bundle(folder, { root: project });
    const stateDir = path.join(work, "state");
    const vars = { CODEDROP_URL: baseUrl, CODEDROP_KEY: key };
    const started = await Runtime.start({ bundle: folder, stateDir, config, vars });
    runtime = started;
    const call = async <Body>(verb: string) =>
      (await (await fetch(`${started.address}/${verb}`)).json()) as Body;

    await call("listen");
    const claim = await call<{ code: string }>(`claim/${id}/u-1`);
    const { data: claims } = await codedrop.claims.list(id, { user_id: "u-1" }).page();
    expect(claims).toEqual([claim]);
    const told = () => call<{ data: object }[]>("told");
    await expect.poll(told, { timeout: 30_000 }).toHaveLength(1);
    expect((await told())[0]?.data).toMatchObject({ code: claim.code, user_id: "u-1" });
    const forged = await fetch(`${started.address}/hook`, { method: "POST", body: "{}" });
    expect([forged.status, await forged.text()]).toEqual([400, "header-missing"]);
    expect(await told()).toHaveLength(1);
  });
});

/** What a partner installs: packed as npm does it, in an empty project, on the host's own Node. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeService } from "../support/fake-service.ts";
import { compile, host, install, pack, run } from "../support/packed.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** Programs are started, which a busy machine takes its time for. */
const SLOW = { timeout: 60_000 };

let project: string;
let files: string[];
let service: FakeService;

beforeAll(async () => {
  project = mkdtempSync(path.join(tmpdir(), "codedrop-package-"));
  service = await FakeService.start();
  const packed = await pack(project);
  ({ files } = packed);
  await install(project, packed.tarball);
}, 60_000);

afterAll(async () => {
  await service.stop();
  rmSync(project, { recursive: true });
});

/** Runs the installed command on the host's Node. */
async function installed(args: string[]) {
  const bin = path.join(project, "node_modules/.bin/codedrop");
  return run(bin, args, {
    env: { ...host, CODEDROP_URL: service.url, CODEDROP_KEY: "cdk_test_x" },
  });
}

describe("the clone", SLOW, () => {
  it("has a command that may be run, which npx does without installing it", async () => {
    const main = path.join(root, "dist/cli/main.js");
    expect((await run(main, ["--version"], { env: host })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("the package", SLOW, () => {
  it("holds the client and the command line, and brings nothing else with it", () => {
    const own = /^dist\/(client\/[\w-]+(\.d\.ts|\.js)|cli\/[\w/-]+\.js)$/;
    const others = files.filter((file) => !own.test(file));
    expect(others.toSorted()).toEqual(["README.md", "package.json"]);
    const lock = readFileSync(path.join(project, "package-lock.json"), "utf8");
    const { packages } = JSON.parse(lock) as { packages: object };
    expect(Object.keys(packages)).toEqual(["", "node_modules/codedrop"]);
  });

  it("has a command that runs on the host's Node", async () => {
    const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
      version: string;
    };
    expect((await installed(["--version"])).stdout).toBe(`${version}\n`);
    const data = { data: [], next_cursor: null };
    service.on("GET /v1/campaigns/spring/imports", { json: data });
    service.on("POST /v1/campaigns/spring/imports", {
      status: 201,
      json: { id: "imp_1", status: "complete", rejected: 0 },
    });
    const file = path.join(project, "codes.csv");
    writeFileSync(file, "code\nA\n");
    const { stdout } = await installed(["codes", "import", "spring", file, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ id: "imp_1" });
    expect(service.asked.at(-1)?.body).toBe("code\nA\n");
    service.on("GET /v1/campaigns/spring/codes/export", { body: '{"code":"A"}\n' });
    expect((await installed(["codes", "export", "spring", "--json"])).stdout).toBe(
      '{"code":"A"}\n',
    );
  });

  it("has a client whose sample compiles where only its own types are, and runs", async () => {
    const readme = readFileSync(path.join(root, "README.md"), "utf8");
    const [, sample = ""] = /## Client\n\n```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    const program = `
      declare const process: { env: Record<string, string | undefined> };
      ${sample.replace("http://localhost:8787", service.url)}
      const claim = await codedrop.claims.get("clm_1");
      // @ts-expect-error: a claim has no such field.
      claim.nope;`;
    writeFileSync(path.join(project, "shop.ts"), program);
    const options = { module: "nodenext", lib: ["es2022", "dom"], types: [] };
    await compile(project, "shop.ts", options);
    const claim = { code: "AAAA-BBBB" };
    service.on("POST /v1/campaigns/spring/claims", { status: 201, json: claim });
    service.on("GET /v1/claims/clm_1", { json: claim });
    const page = { data: [{ code: "AAAA-BBBB", status: "claimed" }], next_cursor: null };
    service.on("GET /v1/campaigns/spring/codes", { json: page });
    const env = { ...host, CODEDROP_KEY: "cdk_test_x" };
    const { stdout } = await run("node", ["shop.js"], { cwd: project, env });
    expect(stdout).toBe("AAAA-BBBB\n{ code: 'AAAA-BBBB', status: 'claimed' }\n");
  });
});

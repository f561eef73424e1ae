/** The command line, against a service that a test writes. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable, Writable } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { Io } from "../../src/cli/io.ts";
import { Progress } from "../../src/cli/progress.ts";
import { run } from "../../src/cli/run.ts";
import { cutAfter, FakeService, problem, silence, type Reply } from "../support/fake-service.ts";

const KEY = "cdk_test_ofTheTests";
const MAIN = path.resolve(import.meta.dirname, "../../src/cli/main.ts");
const ESC = "\u001b";

let service: FakeService;
let folder: string;

beforeAll(async () => {
  service = await FakeService.start();
});
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "codedrop-cli-"));
});
afterEach(() => {
  service.forget();
  rmSync(folder, { recursive: true });
});
afterAll(() => service.stop());

interface Setting {
  env?: Record<string, string>;
  stdin?: Iterable<string>;
  isTerminal?: boolean;
}

class Sink extends Writable {
  text = "";
  readonly isTTY: boolean;
  readonly columns = 100;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs a command in this process: its exit code and what it printed. */
async function cli(args: string[], setting: Setting = {}) {
  const stdout = new Sink(setting.isTerminal === true);
  const stderr = new Sink(setting.isTerminal === true);
  const code = await run(args, {
    env: { CODEDROP_URL: service.url, CODEDROP_KEY: KEY, ...setting.env },
    stdin: Readable.from(setting.stdin ?? [], { objectMode: false }),
    stdout,
    stderr,
  });
  return { code, out: stdout.text, err: stderr.text };
}

/** The same as a process of its own. */
function start(args: string[]): { child: ChildProcess; out: () => string; err: () => string } {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, CODEDROP_URL: service.url, CODEDROP_KEY: KEY },
  });
  let [out, err] = ["", ""];
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  return { child, out: () => out, err: () => err };
}

const file = (name: string, text = "") => {
  const at = path.join(folder, name);
  if (text !== "") writeFileSync(at, text);
  return at;
};

const campaign = {
  id: "cmp_1",
  slug: "spring",
  name: "Spring",
  mode: "live",
  status: "active",
  discount: { type: "fixed_amount", value: 500, currency: "EUR" },
  starts_at: null,
  ends_at: null,
  claims_per_user: 1,
  code_lifetime_seconds: 2_592_000,
  contact_retention_days: null,
  code_format: { pattern: "####-####" },
  accept_guessable: false,
  consent: null,
  shop_url: null,
  shards: 1,
  reveal: "at_claim",
  reveal_within_seconds: 900,
  holder_only: false,
  redeem_unclaimed: false,
  codes_outlive_campaign: false,
  metadata: {},
  created_at: "2026-11-24T06:06:16.110Z",
};
const batch = (status: string, created: number) => ({
  id: "bat_1",
  campaign_id: "cmp_1",
  status,
  requested: 1_000,
  created,
  created_at: "2026-11-24T06:06:16.110Z",
  finished_at: null,
});
const result = (fields: object) => ({
  id: "imp_1",
  campaign_id: "cmp_1",
  status: "complete",
  dry_run: false,
  rows: 3,
  accepted: 3,
  duplicates: 0,
  rejected: 0,
  errors: [],
  created_at: "2026-11-24T06:06:16.110Z",
  finished_at: "2026-11-24T06:06:17.110Z",
  ...fields,
});
const page = (data: unknown[], next: string | null = null): Reply => ({
  json: { data, next_cursor: next },
});

const IMPORTS = "/v1/campaigns/spring/imports";
const EXPORT = "GET /v1/campaigns/spring/codes/export";
const BATCHES = "POST /v1/campaigns/spring/batches";

describe("a command that is written wrongly", () => {
  it("exits with 2, says what is wrong on stderr, and asks nobody", async () => {
    const wrong: [string[], RegExp][] = [
      [[], /Which command/],
      [["codes"], /needs one of: make, import/],
      [["codes", "mak"], /no "codes mak"; there is: make/],
      [["nope"], /no command "nope"/],
      [["--json", "stats", "spring"], /comes before its options/],
      [["stats"], /<campaign> is missing/],
      [["stats", ""], /<campaign> cannot be ""/],
      [["stats", ".."], /cannot be "\.\."/],
      [["stats", "a", "b"], /"b" is one word too many/],
      [["stats", "spring", "--nope"], /Unknown option '--nope'/],
      [["stats", "spring", "--json=yes"], /--json/],
      [["campaigns", "create", "--name", "-x"], /write --name=VALUE/],
      [["stats", "-5"], /What begins with a dash comes after --/],
      [["codes", "make", "spring", "1e3"], /<count> must be a whole number/],
      [["codes", "make", "spring", "0"], /<count> must be a whole number/],
      [["campaigns", "create"], /--name is missing/],
      [["campaigns", "create", "--name"], /'--name <value>' argument missing/],
      [["campaigns", "create", "--name", "x", "--discount", "15"], /--discount must be/],
      [["campaigns", "create", "--name", "x", "--discount", "5.001 EUR"], /EUR has 2 digits/],
      [["campaigns", "create", "--name", "x", "--lifetime", "soon"], /--lifetime must be/],
      [["campaigns", "create", "--name", "x", "--shards", "two"], /--shards must be/],
      [["codes", "list", "spring", "--status", "new"], /--status must be available, claimed/],
      [["codes", "import", "spring", file("codes.xls")], /pass --format/],
      [["codes", "import", "spring", file("none.csv")], /no such file/],
      [["codes", "revoke"], /Which codes/],
      [["redeem", "AAAA"], /--order is missing/],
      [["validate", "AAAA", "--amount", "10%"], /--amount must be/],
      [["codes", "export", "spring", "--output", folder], /is not a file/],
      [["help", "nope"], /no command "nope"/],
    ];
    for (const [args, message] of wrong) {
      const { code, out, err } = await cli(args);
      expect([args, code, out]).toEqual([args, 2, ""]);
      expect(err).toMatch(message);
      expect(err).toMatch(/More: codedrop help/);
    }
    expect(service.asked).toEqual([]);
  });

  it("shows its usage", async () => {
    const { err } = await cli(["redeem", "AAAA"]);
    expect(err).toContain("Usage: codedrop redeem <code> --order ID [options]");
  });

  it("with the key in it is told where the key belongs, and not repeated", async () => {
    const { code, err } = await cli(["stats", "spring", `--key=${KEY}`]);
    expect(code).toBe(2);
    expect(err).toContain("CODEDROP_KEY, never from an argument");
    expect(err).not.toContain(KEY);
  });
});

describe("the environment", () => {
  it("must hold a key and an address that can be, and neither is repeated", async () => {
    const env: [Record<string, string>, RegExp][] = [
      [{ CODEDROP_KEY: "" }, /CODEDROP_KEY is not set/],
      [{ CODEDROP_KEY: "cdk_ä" }, /CODEDROP_KEY must be visible ASCII/],
      [{ CODEDROP_URL: "localhost:8787" }, /CODEDROP_URL must be an address/],
    ];
    for (const [setting, message] of env) {
      const { code, err } = await cli(["stats", "spring"], { env: setting });
      expect(code).toBe(2);
      expect(err).toMatch(message);
      expect(err).not.toContain("cdk_ä");
    }
    expect(service.asked).toEqual([]);
  });
});

describe("help", () => {
  it("names every command, the environment and the exit codes", async () => {
    for (const args of [["help"], ["--help"], ["-h"]]) {
      const { code, out, err } = await cli(args);
      expect([code, err]).toEqual([0, ""]);
      for (const { name } of COMMANDS) expect(out).toContain(`  ${name}`);
      for (const word of ["CODEDROP_URL", "CODEDROP_KEY", "NO_COLOR", "Exit codes"]) {
        expect(out).toContain(word);
      }
    }
  });

  it("explains each command and each of its options, without a key", async () => {
    for (const { name, options = {} } of COMMANDS) {
      const words = name.split(" ");
      const env = { CODEDROP_KEY: "" };
      const asked = await cli(["help", ...words], { env });
      expect(asked).toEqual(await cli([...words, "--help"], { env }));
      expect(asked).toMatchObject({ code: 0, err: "" });
      expect(asked.out).toContain(`codedrop ${name}`);
      for (const option of [...Object.keys(options), "json"]) {
        expect(asked.out).toContain(`--${option}`);
      }
      for (const line of asked.out.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    }
    expect((await cli(["help", "codes"])).out).toMatch(/codes make .*\n {2}codes import/);
    expect((await cli(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("campaigns create", () => {
  it("sends what was asked for, and nothing else", async () => {
    service.on("POST /v1/campaigns", { status: 201, json: campaign });
    const { code, out } = await cli(["campaigns", "create", "--name", "Spring"]);
    expect(code).toBe(0);
    expect(JSON.parse(service.asked[0]?.body ?? "")).toEqual({ name: "Spring" });
    expect(out).toContain("5.00 EUR");
    expect(out).toContain("30 d from the claim");
    expect(out).toContain("codedrop codes make spring 1000");
    const many =
      "--slug spring --discount 12.5% --pattern ####-#### --alphabet AB --prefix X- --suffix=-Y --length 8 " +
      "--lifetime 90m --starts 2027-01-01T00:00:00Z --ends 2027-02-01T00:00:00Z --shards 4 " +
      "--claims-per-user 2 --accept-guessable --shop-url https://shop.example/ --mode test " +
      "--low-stock 10%,1_000,5 --on-demand --reveal-within 10m --holder-only --redeem-unclaimed " +
      "--codes-outlive-campaign";
    await cli(["campaigns", "create", "--name", "Spring", ...many.split(" ")]);
    expect(JSON.parse(service.asked[1]?.body ?? "")).toEqual({
      name: "Spring",
      slug: "spring",
      mode: "test",
      discount: { type: "percentage", value: 12.5 },
      code_format: { pattern: "####-####", length: 8, alphabet: "AB", prefix: "X-", suffix: "-Y" },
      accept_guessable: true,
      code_lifetime_seconds: 5_400,
      starts_at: "2027-01-01T00:00:00Z",
      ends_at: "2027-02-01T00:00:00Z",
      claims_per_user: 2,
      shards: 4,
      shop_url: "https://shop.example/",
      low_stock_thresholds: ["10%", 1_000, 5],
      reveal: "on_demand",
      reveal_within_seconds: 600,
      holder_only: true,
      redeem_unclaimed: true,
      codes_outlive_campaign: true,
    });
  });

  it("tells when codes are shown and who may redeem them, where that is not the usual", async () => {
    service.on("POST /v1/campaigns", { status: 201, json: campaign });
    const usual = await cli(["campaigns", "create", "--name", "Spring"]);
    expect(usual.out).not.toMatch(/on demand|holder|unclaimed|outlive/);
    const rules = { reveal: "on_demand", holder_only: true, codes_outlive_campaign: true };
    service.on("POST /v1/campaigns", { status: 201, json: { ...campaign, ...rules } });
    const { out } = await cli(["campaigns", "create", "--name", "Spring"]);
    expect(out).toContain("on demand, within 15 min");
    expect(out).toContain("redeemed by their holder only, may outlive the campaign");
  });

  it("refuses thresholds that are none, before anything is sent", async () => {
    for (const list of ["", "0", "10%,", "100%", "0%", "1.5%", "many"]) {
      const args = ["campaigns", "create", "--name", "x", `--low-stock=${list}`];
      const { code, err } = await cli(args);
      expect([list, code]).toEqual([list, 2]);
      expect(err).toContain("--low-stock");
    }
    expect(service.asked).toEqual([]);
  });

  it("limits a discount in its one currency, and shows the limits", async () => {
    const create = (args: string[]) => cli(["campaigns", "create", "--name", "x", ...args]);
    const limits = ["--minimum-order", "50.00 eur", "--maximum-discount", "20 EUR"];
    const discount = {
      type: "percentage",
      value: 15,
      currency: "EUR",
      minimum_order_amount: 5_000,
      maximum_discount_amount: 2_000,
    };
    service.on("POST /v1/campaigns", { status: 201, json: { ...campaign, discount } });
    const { out } = await create(["--discount", "15%", ...limits]);
    expect(JSON.parse(service.asked[0]?.body ?? "")).toEqual({ name: "x", discount });
    expect(out).toContain("15%, 20.00 EUR at most, for orders from 50.00 EUR");
    const wrong: [string[], RegExp][] = [
      [limits, /--minimum-order needs a --discount/],
      [["--discount", "5 USD", ...limits.slice(0, 2)], /are of one currency/],
      [["--discount", "15%", "--maximum-discount", "20"], /--maximum-discount must be such as/],
    ];
    for (const [args, message] of wrong) {
      const { code, err } = await create(args);
      expect([args, code]).toEqual([args, 2]);
      expect(err).toMatch(message);
    }
    expect(service.asked.length).toBe(1);
  });

  it("knows the minor units of a currency", async () => {
    service.on("POST /v1/campaigns", { status: 201, json: campaign });
    const amounts: [string, number, string][] = [
      ["5.00 EUR", 500, "EUR"],
      ["5 eur", 500, "EUR"],
      ["0.5USD", 50, "USD"],
      ["500 JPY", 500, "JPY"],
      ["1.234 KWD", 1_234, "KWD"],
      ["500 HUF", 50_000, "HUF"],
    ];
    for (const [text, value, currency] of amounts) {
      await cli(["campaigns", "create", "--name", "x", "--discount", text]);
      expect(JSON.parse(service.asked.at(-1)?.body ?? "")).toMatchObject({
        discount: { type: "fixed_amount", value, currency },
      });
    }
    await cli(["campaigns", "create", "--name", "x", "--discount", "free shipping"]);
    expect(JSON.parse(service.asked.at(-1)?.body ?? "")).toMatchObject({
      discount: { type: "free_shipping" },
    });
  });
});

describe("a list", () => {
  const LIST = "GET /v1/campaigns/spring/claims";
  const claims = Array.from({ length: 30 }, (_, i) => ({
    code: `C-${i}`,
    user_id: `u-${i}`,
    status: "claimed",
    claimed_at: "2026-11-24T06:06:16.110Z",
    id: `clm_${i}`,
  }));

  it("shows the first rows, and says that there are more", async () => {
    service.on(LIST, page(claims));
    const { code, out, err } = await cli(["claims", "list", "spring"]);
    expect(code).toBe(0);
    expect(out.split("\n").length).toBe(22);
    expect(out).toMatch(/^CODE +USER/);
    expect(err).toMatch(/20 shown, there are more/);
  });

  it("shows as many as were asked for, over pages", async () => {
    service.on(LIST, page(claims.slice(0, 20), "next"), page(claims.slice(20)));
    expect((await cli(["claims", "list", "spring", "--all"])).out.split("\n").length).toBe(32);
    expect((await cli(["claims", "list", "spring", "--limit", "3", "--user", "u-1"])).out).toMatch(
      /C-22 .*\n$/,
    );
    expect(service.asked.at(-1)?.query).toMatchObject({ user_id: "u-1" });
  });

  it("is lines of JSON with --json, and nothing else", async () => {
    service.on(LIST, page(claims));
    const { out, err } = await cli(["claims", "list", "spring", "--json", "--limit", "2"]);
    expect(out).toBe(`${JSON.stringify(claims[0])}\n${JSON.stringify(claims[1])}\n`);
    expect(err).toMatch(/2 shown/);
    service.on(LIST, page([]));
    const none = await cli(["claims", "list", "spring", "--json"]);
    expect([none.code, none.out]).toEqual([0, ""]);
  });
});

describe("codes make", () => {
  it("tells of a batch that is complete in the answer, and what comes next", async () => {
    service.on(BATCHES, { status: 201, json: batch("complete", 1_000) });
    const { code, out, err } = await cli(["codes", "make", "spring", "1_000"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("Made 1,000 codes");
    expect(out).toContain("codedrop claims create spring <user>");
    expect(JSON.parse(service.asked[0]?.body ?? "")).toEqual({ count: 1_000 });
  });

  const running: Reply = { status: 202, json: batch("running", 0) };

  it("watches a running one with a bar, on a terminal's stderr only", async () => {
    service.on(BATCHES, running);
    service.on(
      "GET /v1/batches/bat_1",
      { json: batch("running", 400) },
      { json: batch("complete", 1_000) },
    );
    const { code, out, err } = await cli(["codes", "make", "spring", "1000", "--json"], {
      isTerminal: true,
    });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(batch("complete", 1_000));
    expect(out).toBe(`${out.trim()}\n`);
    expect(err).toContain("[........................] 0 %, 0 of 1,000 codes");
    expect(err).toMatch(/\[#+\.*\] 100 %, 1,000 of 1,000 codes, [\d,]+\/s/);
    expect(err.endsWith(`\r${ESC}[K`)).toBe(true);
  });

  it("draws nothing where nobody watches", async () => {
    service.on(BATCHES, running);
    service.on("GET /v1/batches/bat_1", { json: batch("complete", 1_000) });
    expect((await cli(["codes", "make", "spring", "1000"])).err).toBe("");
  });

  it("does not wait with --no-wait", async () => {
    service.on(BATCHES, running);
    const { code, out } = await cli(["codes", "make", "spring", "1000", "--no-wait"]);
    expect(code).toBe(0);
    expect(out).toContain("codedrop batches watch bat_1");
    expect(service.asked.length).toBe(1);
  });

  it("exits with 1 when the batch did not come to its end", async () => {
    for (const status of ["failed", "cancelled"]) {
      service.on(BATCHES, running);
      service.on("GET /v1/batches/bat_1", { json: batch(status, 400) });
      const { code, out } = await cli(["codes", "make", "spring", "1000"]);
      expect(code).toBe(1);
      expect(out).toContain(`${status} after 400 of 1,000 codes`);
      expect(out).toContain("codedrop codes make spring 600");
    }
  });

  it("says on Ctrl-C that the service goes on, and how to watch or cancel", async () => {
    service.on(BATCHES, running);
    service.on("GET /v1/batches/bat_1", { json: batch("running", 400) });
    const { child, out, err } = start(["codes", "make", "spring", "1000"]);
    await expect.poll(() => service.asked.length, { timeout: 10_000 }).toBeGreaterThan(1);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    expect(out()).toBe("");
    expect(err()).toContain("goes on");
    expect(err()).toContain("codedrop batches watch bat_1");
    expect(err()).toContain("codedrop batches cancel bat_1");
  });

  it("that is lost from sight says that the service goes on", async () => {
    service.on(BATCHES, running);
    service.on("GET /v1/batches/bat_1", (request) => request.socket.destroy());
    const { code, out, err } = await cli(["codes", "make", "spring", "1000"]);
    expect([code, out]).toEqual([3, ""]);
    expect(err).toContain("goes on");
    expect(err).toContain("codedrop batches watch bat_1");
  });

  it("whose answer was lost each time says where to look before it is repeated", async () => {
    service.on(BATCHES, problem(503, "service-unavailable"));
    const refused = await cli(["codes", "make", "spring", "5"]);
    expect([refused.code, service.asked.length]).toEqual([1, 4]);
    expect(refused.err).toContain("`codedrop batches list spring` before you repeat it");
    service.on(BATCHES, (request) => request.socket.destroy());
    const lost = await cli(["codes", "make", "spring", "5"]);
    expect([lost.code, lost.out, service.asked.length]).toEqual([3, "", 8]);
    expect(lost.err).toContain("`codedrop batches list spring` before you repeat it");
  }, 30_000);
});

describe("progress", () => {
  /** What is said of `done` of 1,000 codes at each moment. */
  function said(isTerminal: boolean, moments: [ms: number, done: number][]): string[] {
    const stderr = new Sink(isTerminal);
    const system = { env: {}, stdin: Readable.from([]), stdout: new Sink(false), stderr };
    let clock = 0;
    const options = { unit: "codes", total: 1_000, now: () => clock };
    const progress = new Progress(new Io(system, false), options);
    for (const [ms, done] of moments) {
      clock = ms;
      progress.update(done);
    }
    return stderr.text.split(isTerminal ? `\r${ESC}[K` : "\n").filter((line) => line !== "");
  }

  it("is a line every five seconds where nobody watches", () => {
    const moments = Array.from({ length: 12 }, (_, i): [number, number] => [i * 1_000, i * 50]);
    expect(said(false, moments)).toEqual([
      "25 %, 250 of 1,000 codes, 50/s, 15 s left",
      "50 %, 500 of 1,000 codes, 50/s, 10 s left",
    ]);
  });

  it("is a bar where somebody does, ten times a second at most", () => {
    const moments: [number, number][] = [
      [0, 0],
      [50, 10],
      [1_000, 500],
      [1_001, 501],
      [2_000, 1_000],
    ];
    expect(said(true, moments)).toEqual([
      `[${".".repeat(24)}] 0 %, 0 of 1,000 codes`,
      `[${"#".repeat(12)}${".".repeat(12)}] 50 %, 500 of 1,000 codes, 500/s, 1.0 s left`,
      `[${"#".repeat(24)}] 100 %, 1,000 of 1,000 codes, 500/s`,
    ]);
  });

  it("takes its speed from the last ten seconds", () => {
    const moments: [number, number][] = [
      [5_000, 500],
      [10_000, 500],
      [15_000, 500],
      [20_000, 600],
    ];
    expect(said(false, moments).at(-1)).toBe("60 %, 600 of 1,000 codes, 10/s, 40 s left");
  });
});

describe("codes import", () => {
  const bad = Array.from({ length: 12 }, (_, i) => ({
    line: i + 2,
    code: `=BAD-${i}`,
    reason: "too-short",
    detail: 'Has "1" character, needs 4.',
  }));

  it("sends the file as it is, says the counts and shows the first bad rows", async () => {
    service.on(`GET ${IMPORTS}`, page([]));
    service.on(`POST ${IMPORTS}`, {
      status: 201,
      json: result({ rows: 15, rejected: 12, errors: bad }),
    });
    const text = "code\nÄ-1\nB-2\nC-3\n";
    const from = file("codes.CSV", text);
    const { code, out, err } = await cli(["codes", "import", "spring", from]);
    expect(code).toBe(1);
    expect(service.asked.at(-1)).toMatchObject({
      body: text,
      query: {},
      headers: { "content-type": "text/csv" },
    });
    expect(out).toContain("3 of 15 codes taken");
    expect(out).toMatch(/LINE +CODE +REASON +DETAIL\n2 +=BAD-0 +too-short +Has "1"/);
    expect(out).toContain("=BAD-9");
    expect(out).not.toContain("=BAD-10");
    expect(out).toContain("codedrop imports errors imp_1 --all");
    expect(err).toBe("");
  });

  it("exits with 0 when only duplicates were left out", async () => {
    service.on(`GET ${IMPORTS}`, page([]));
    service.on(`POST ${IMPORTS}`, { status: 201, json: result({ accepted: 0, duplicates: 3 }) });
    const from = file("codes.csv", "code\nA\n");
    expect((await cli(["codes", "import", "spring", from])).code).toBe(0);
  });

  it("knows the format by the file's name or by --format, and reads stdin", async () => {
    service.on(`GET ${IMPORTS}`, page([]));
    service.on(`POST ${IMPORTS}`, { status: 201, json: result({}) });
    const types: [string, string[], string][] = [
      ["a.csv", [], "text/csv"],
      ["a.txt", [], "text/csv"],
      ["a.ndjson", [], "application/x-ndjson"],
      ["a.jsonl", [], "application/x-ndjson"],
      ["a.json", [], "application/json"],
      ["a.json", ["--format", "ndjson"], "application/x-ndjson"],
    ];
    for (const [name, options, type] of types) {
      await cli(["codes", "import", "spring", file(name, "x"), ...options]);
      expect(service.asked.at(-1)?.headers["content-type"]).toBe(type);
    }
    const stdin = ["code\n", "A\n"];
    await cli(["codes", "import", "spring", "-", "--format", "csv", "--dry-run"], { stdin });
    expect(service.asked.at(-1)).toMatchObject({ body: "code\nA\n", query: { dry_run: "true" } });
    expect((await cli(["codes", "import", "spring", "-"], { stdin })).code).toBe(2);
  });

  it("shows a bar by bytes, and then how many rows the service has checked", async () => {
    service.on(`GET ${IMPORTS}`, page([]), page([result({ status: "running", rows: 1_234 })]));
    service.on(`POST ${IMPORTS}`, (request, response) => {
      request.resume();
      const answer = () => response.writeHead(201).end(JSON.stringify(result({})));
      request.on("end", () => setTimeout(answer, 1_300));
    });
    const from = file("codes.csv", `code\n${"A".repeat(200_000)}\n`);
    const { code, out, err } = await cli(["codes", "import", "spring", from, "--json"], {
      isTerminal: true,
    });
    expect([code, JSON.parse(out)]).toEqual([0, result({})]);
    expect(err).toMatch(/\[#+\.*\] \d+ %, [\d.]+ kB of 200\.0 kB/);
    expect(err).toContain("1,234 rows checked");
  });

  it("writes all bad rows with --errors, safe for spreadsheets", async () => {
    service.on(`GET ${IMPORTS}`, page([]));
    service.on(`POST ${IMPORTS}`, { status: 201, json: result({ rejected: 12, errors: bad }) });
    service.on("GET /v1/imports/imp_1/errors", page(bad.slice(0, 6), "next"), page(bad.slice(6)));
    const [from, to] = [file("codes.csv", "code\nA\n"), file("bad.csv")];
    await cli(["codes", "import", "spring", from, "--errors", to]);
    const lines = readFileSync(to, "utf8").split("\r\n");
    expect(lines.length).toBe(14);
    expect(lines[0]).toBe("line,code,reason,detail");
    expect(lines[1]).toBe(`2,'=BAD-0,too-short,"Has ""1"" character, needs 4."`);
    expect(lines[12]).toContain("'=BAD-11");
  });

  it("tells a wrong campaign before it sends the file, and leaves no errors file", async () => {
    const [from, to] = [file("codes.csv", "code\nA\n"), file("bad.csv")];
    const { code, err } = await cli(["codes", "import", "spring", from, "--errors", to]);
    expect(code).toBe(1);
    expect(err).toContain("404 not-found");
    expect(service.asked.map(({ route }) => route)).toEqual([`GET ${IMPORTS}`]);
    expect(readdirSync(folder)).toEqual(["codes.csv"]);
  });

  it("says on Ctrl-C what may have happened", async () => {
    service.on(`GET ${IMPORTS}`, page([]));
    service.on(`POST ${IMPORTS}`, silence);
    const { child, err } = start(["codes", "import", "spring", file("codes.csv", "code\nA\n")]);
    await expect.poll(() => service.asked.length, { timeout: 10_000 }).toBe(2);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    expect(err()).toContain("may have been done nevertheless");
    expect(err()).toContain("codedrop imports list spring");
  });

  it("ends when the service refuses a pipe that goes on for ever", async () => {
    service.on(`GET ${IMPORTS}`, page([]));
    service.on(`POST ${IMPORTS}`, (_, response) => {
      const { status, headers, json } = problem(413, "payload-too-large");
      response.writeHead(status ?? 0, headers).end(JSON.stringify(json));
    });
    const { child, err } = start(["codes", "import", "spring", "-", "--format", "csv"]);
    child.stdin?.on("error", () => undefined);
    child.stdin?.write("code\n");
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(err()).toContain("Split the file");
  });
});

describe("codes export", () => {
  const csv = "code,status\r\nA,available\r\nB,available\r\n";

  it("writes bytes to stdout as they come, and nothing else", async () => {
    service.on(EXPORT, { body: csv });
    const { code, out, err } = await cli(["codes", "export", "spring", "--status", "available"]);
    expect([code, out, err]).toEqual([0, csv, ""]);
    expect(service.asked[0]?.query).toEqual({ status: "available", format: "csv" });
  });

  it("writes a file that only its owner may read, and counts rows", async () => {
    service.on(EXPORT, { body: csv });
    const to = file("codes.csv");
    const { code, out } = await cli(["codes", "export", "spring", "--output", to]);
    expect([code, readFileSync(to, "utf8")]).toEqual([0, csv]);
    expect(out).toBe(`Wrote 2 rows to ${to}.\n`);
    expect(statSync(to).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["codes.csv"]);
  });

  it("is NDJSON by --format, by the file's name, and with --json", async () => {
    service.on(EXPORT, { body: '{"code":"A"}\n' });
    const to = file("codes.ndjson");
    const { out } = await cli(["codes", "export", "spring", "--output", to, "--json"]);
    expect(JSON.parse(out)).toEqual({ file: to, format: "ndjson", rows: 1 });
    expect((await cli(["codes", "export", "spring", "--json"])).out).toBe('{"code":"A"}\n');
    await cli(["codes", "export", "spring", "--format", "ndjson"]);
    expect(service.asked.map(({ query }) => query["format"])).toEqual(Array(3).fill("ndjson"));
  });

  it("that is cut leaves no half file, keeps an older one, and fails", async () => {
    service.on(EXPORT, cutAfter(csv));
    const to = file("codes.csv", "older");
    const { code, out, err } = await cli(["codes", "export", "spring", "--output", to]);
    expect([code, out]).toEqual([3, ""]);
    expect(err).toContain(`${to} was not written.`);
    expect(readFileSync(to, "utf8")).toBe("older");
    expect(readdirSync(folder)).toEqual(["codes.csv"]);
  });

  it("that is cut on stdout says that it is not complete, and fails", async () => {
    service.on(EXPORT, cutAfter(csv));
    const { code, out, err } = await cli(["codes", "export", "spring"]);
    expect([code, out]).toEqual([3, csv]);
    expect(err).toContain("The output is not complete.");
  });

  it("that is stopped by Ctrl-C leaves no file", async () => {
    service.on(EXPORT, (_, response) => void response.write(csv));
    const { child, err } = start(["codes", "export", "spring", "--output", file("codes.csv")]);
    await expect.poll(() => readdirSync(folder), { timeout: 10_000 }).toEqual(["codes.csv.part"]);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    expect(err()).toContain("was not written");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("to a full disk says so, and leaves no file", async () => {
    if (!existsSync("/dev/full")) return;
    service.on(EXPORT, { body: csv });
    const to = file("codes.csv");
    symlinkSync("/dev/full", `${to}.part`);
    const { code, err } = await cli(["codes", "export", "spring", "--output", to]);
    expect([code, readdirSync(folder)]).toEqual([1, []]);
    expect(err).toContain("ENOSPC");
    expect(err).not.toContain("report it");
  });

  it("that is refused writes nothing", async () => {
    const to = file("codes.csv");
    const { code, err } = await cli(["codes", "export", "spring", "--output", to]);
    expect([code, existsSync(to)]).toEqual([1, false]);
    expect(err).toContain("404 not-found");
    expect((await cli(["codes", "export", "spring"])).err).not.toContain("not complete");
  });

  it("stops without complaint when its reader does", async () => {
    service.on(EXPORT, (_, response) => {
      const timer = setInterval(() => response.write("A,available\r\n".repeat(1_000)), 1);
      response.on("close", () => clearInterval(timer));
    });
    const { child, err } = start(["codes", "export", "spring"]);
    child.stdout?.once("data", () => child.stdout?.destroy());
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(err()).toBe("");
  });
});

const redemption = {
  id: "rdm_1",
  code: "AAAA",
  user_id: "u-1",
  order_id: "o-1",
  status: "redeemed",
  order: null,
  discount: null,
  discount_amount: null,
  redeemed_at: "2026-11-24T07:06:16.110Z",
  rolled_back_at: null,
  rollback_reason: null,
};

describe("a code", () => {
  it("is found with its history", async () => {
    service.on("POST /v1/codes/lookup", {
      json: {
        code: "AAAA",
        status: "redeemed",
        campaign_id: "cmp_1",
        batch_id: null,
        claim_id: "clm_1",
        user_id: "u-1",
        claimed_at: "2026-11-24T06:06:16.110Z",
        expires_at: null,
        redemption_id: "rdm_1",
        order_id: "o-1",
        redeemed_at: "2026-11-24T07:06:16.110Z",
        revoked_at: null,
        history: [{ at: "2026-11-24T06:06:16.110Z", event: "claimed" }],
      },
    });
    const { code, out } = await cli(["codes", "find", "AAAA"]);
    expect(code).toBe(0);
    expect(out).toContain("AAAA is redeemed");
    expect(out).toContain("2026-11-24T06:06:16.110Z  claimed");
    expect(out).not.toContain("batch");
  });

  it("is revoked, a thousand in a call; 1 when one could not be", async () => {
    service.on("POST /v1/codes/revoke", {
      json: { data: [{ code: "A", result: "revoked" }] },
    });
    const list = file("codes.txt", Array.from({ length: 1_500 }, (_, i) => `C${i}`).join("\r\n"));
    const args = ["codes", "revoke", "A", "--file", list, "--reason", "leaked"];
    expect((await cli(args)).code).toBe(0);
    const bodies = service.asked.map(({ body }) => JSON.parse(body) as { codes: string[] });
    expect(bodies.map(({ codes }) => codes.length)).toEqual([1_000, 501]);
    expect(bodies[0]).toMatchObject({ reason: "leaked" });
    expect(bodies[0]?.codes.slice(0, 2)).toEqual(["A", "C0"]);
    service.on("POST /v1/codes/revoke", { json: { data: [{ code: "A", result: "unknown" }] } });
    expect((await cli(["codes", "revoke", "--file", "-"], { stdin: ["A\n"] })).code).toBe(1);
  });

  it("is validated: 0 when it is good, 1 when not", async () => {
    const VALIDATE = "POST /v1/codes/validate";
    const discount = { type: "percentage", value: 10 };
    service.on(VALIDATE, {
      json: { valid: true, reason: null, campaign_id: "cmp_1", discount, discount_amount: 499 },
    });
    const good = await cli(["validate", "AAAA", "--user", "u-1", "--amount", "49.90 EUR"]);
    expect(good.code).toBe(0);
    expect(good.out).toContain("4.99 EUR");
    expect(JSON.parse(service.asked[0]?.body ?? "")).toEqual({
      code: "AAAA",
      user_id: "u-1",
      order: { amount: 4_990, currency: "EUR" },
    });
    service.on(VALIDATE, {
      json: { valid: false, reason: "not-yours", campaign_id: null, discount: null },
    });
    const bad = await cli(["validate", "AAAA"]);
    expect([bad.code, bad.out]).toEqual([1, "AAAA belongs to another user\n"]);
  });

  it("is redeemed for an order", async () => {
    service.on("POST /v1/redemptions", {
      status: 201,
      json: redemption,
    });
    const args = ["redeem", "AAAA", "--order", "o-1", "--user", "u-1", "--hold", "hld_1"];
    const { code, out } = await cli(args);
    expect(code).toBe(0);
    expect(out).toContain("AAAA is redeemed");
    expect(out).not.toContain("rolled back");
    expect(JSON.parse(service.asked[0]?.body ?? "")).toEqual({
      code: "AAAA",
      order_id: "o-1",
      user_id: "u-1",
      hold_id: "hld_1",
    });
  });

  it("is given back by a rollback, with its reason", async () => {
    const [rolled_back_at, rollback_reason] = ["2026-11-24T08:06:16.110Z", "cancelled"];
    service.on("POST /v1/redemptions/rdm_1/rollback", {
      json: { ...redemption, status: "rolled_back", rolled_back_at, rollback_reason },
    });
    const { code, out } = await cli(["rollback", "rdm_1", "--reason", "cancelled"]);
    expect(code).toBe(0);
    expect(out).toContain("AAAA is rolled back");
    expect(out).toMatch(/because +cancelled/);
    expect(JSON.parse(service.asked[0]?.body ?? "")).toEqual({ reason: "cancelled" });
    expect((await cli(["rollback", "rdm_1"])).code).toBe(2);
  });

  it("is held for an order, and let go", async () => {
    const hold = {
      id: "hld_1",
      campaign_id: "cmp_1",
      code: "AAAA",
      user_id: null,
      order_id: "o-1",
      status: "open",
      created_at: "2026-11-24T07:06:16.110Z",
      expires_at: "2026-11-24T07:08:16.110Z",
    };
    service.on("POST /v1/holds", { status: 201, json: hold });
    const { code, out } = await cli(["hold", "AAAA", "--order", "o-1", "--for", "2m"]);
    expect(code).toBe(0);
    expect(out).toContain("AAAA is held");
    expect(out).toMatch(/hold +hld_1/);
    await cli(["hold", "AAAA", "--order", "o-1"]);
    const bodies = service.asked.map(({ body }) => JSON.parse(body) as unknown);
    const asked = { code: "AAAA", order_id: "o-1" };
    expect(bodies).toEqual([
      { ...asked, ttl_seconds: 120 },
      { ...asked, ttl_seconds: 600 },
    ]);
    service.on("DELETE /v1/holds/hld_1", { status: 204 });
    const released = await cli(["release", "hld_1", "--json"]);
    expect([released.code, released.out]).toEqual([0, '{"id":"hld_1"}\n']);
  });

  it("that is reserved is shown once it is revealed", async () => {
    const claim = {
      id: "clm_1",
      campaign_id: "cmp_1",
      code: null,
      user_id: "u-1",
      status: "reserved",
      discount: null,
      claimed_at: "2026-11-24T07:06:16.110Z",
      reveal_by: "2026-11-24T07:21:16.110Z",
      expires_at: null,
      shop_url: null,
    };
    service.on("GET /v1/claims/clm_1", { json: claim });
    const reserved = await cli(["claims", "get", "clm_1"]);
    expect(reserved.out).toMatch(/^A code is reserved\n/);
    expect(reserved.out).toMatch(/reveal by +2026-11-24T07:21:16.110Z/);
    service.on("POST /v1/claims/clm_1/reveal", {
      json: { ...claim, code: "AAAA", status: "claimed", reveal_by: null },
    });
    const revealed = await cli(["claims", "reveal", "clm_1"]);
    expect([revealed.code, revealed.out.split("\n")[0]]).toEqual([0, "AAAA"]);
    expect(revealed.out).not.toContain("reveal by");
  });
});

describe("reports", () => {
  it("count, and never round up to all", async () => {
    service.on("GET /v1/campaigns/spring/stats", {
      json: {
        totals: { codes: 2_000, available: 1_999, claimed: 1, redeemed: 0, expired: 0, revoked: 0 },
      },
    });
    const { out } = await cli(["stats", "spring"]);
    expect(out).toMatch(/available +1,999 +99\.9 %/);
    expect(out).toMatch(/claimed +1 +< 0\.1 %/);
    expect(out).toMatch(/redeemed +0 +0\.0 %/);
  });

  it("exit with 1 when the proof fails", async () => {
    service.on(
      "GET /v1/campaigns/spring/integrity",
      { json: { ok: true, codes: 1 } },
      {
        json: { ok: false, codes: 1 },
      },
    );
    expect((await cli(["integrity", "spring", "--json"])).code).toBe(0);
    expect((await cli(["integrity", "spring", "--json"])).code).toBe(1);
  });
});

describe("a refusal", () => {
  it("exits with 1 and tells everything on stderr, also with --json", async () => {
    const errors = [{ in: "body", pointer: "/code_format/pattern", detail: "Has no #." }];
    service.on("POST /v1/campaigns", problem(422, "validation-failed", { errors }));
    for (const json of [[], ["--json"]]) {
      const { code, out, err } = await cli(["campaigns", "create", "--name", "x", ...json]);
      expect([code, out]).toEqual([1, ""]);
      expect(err).toContain("Title of validation-failed (422 validation-failed)");
      expect(err).toContain("body /code_format/pattern: Has no #.");
      expect(err).toContain("Request id: req-1");
      expect(err).toContain("What to do: ");
    }
  });

  it("of a kind that is not known here leads to the problem's page", async () => {
    service.on("GET /v1/campaigns/spring", problem(409, "quite-new"));
    const { err } = await cli(["campaigns", "get", "spring"]);
    expect(err).toContain("Detail of quite-new.");
    expect(err).toContain("What to do: https://codes.example/problems/quite-new");
  });
});

describe("a service that cannot be reached", () => {
  it("exits with 3, after telling of each try", async () => {
    const gone = await FakeService.start();
    const env = { CODEDROP_URL: gone.url };
    await gone.stop();
    const { code, out, err } = await cli(["stats", "spring", "--json"], { env });
    expect([code, out]).toEqual([3, ""]);
    expect(err).toMatch(/ECONNREFUSED.*3 more tries/);
    expect(err).toMatch(/1 more try\./);
    expect(err).toContain("check CODEDROP_URL");
  });
});

describe("text from the service", () => {
  // Clears the screen, sets the title, by ESC and by the single character U+009B; turns the
  // direction around; begins a line of its own.
  const hostile = `${ESC}[2J\u009b2J${ESC}]0;x\u0007\u202e\r\nok: 0`;
  const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/; // oxlint-disable-line no-control-regex
  const row = {
    code: hostile,
    user_id: hostile,
    status: hostile,
    claimed_at: hostile,
    id: hostile,
  };

  it("reaches no terminal as anything but text", async () => {
    service.on("GET /v1/campaigns/spring/claims", page([row]));
    service.on("POST /v1/campaigns/spring/claims", { status: 201, json: row });
    service.on("GET /v1/campaigns/spring", problem(409, hostile, { title: hostile }));
    service.on(EXPORT, { body: `code\r\n${hostile}\r\n` });
    const env = { NO_COLOR: "1" };
    for (const args of [
      ["claims", "list", "spring"],
      ["claims", "create", "spring", "u-1"],
      ["campaigns", "get", "spring"],
      ["codes", "export", "spring"],
    ]) {
      const { out, err } = await cli(args, { env, isTerminal: true });
      const shown = (out + err).replaceAll(`\r${ESC}[K`, "").replaceAll("\r\n", "\n");
      expect([args, obeyed.exec(shown)]).toEqual([args, null]);
      expect(shown).toContain("\\u{1b}[2J\\u{9b}2J");
    }
    const { out } = await cli(["claims", "list", "spring"], { env });
    expect(out.split("\n").length).toBe(3);
  });

  it("is the same value in JSON, with nothing that is obeyed", async () => {
    service.on("GET /v1/campaigns/spring/claims", page([row]));
    const { out } = await cli(["claims", "list", "spring", "--json"]);
    expect(obeyed.exec(out)).toBeNull();
    expect(JSON.parse(out)).toEqual(row);
  });

  it("is not touched in an export that is not shown", async () => {
    service.on(EXPORT, { body: hostile });
    expect((await cli(["codes", "export", "spring"])).out).toBe(hostile);
  });
});

describe("colours", () => {
  it("are for terminals, and not where NO_COLOR or TERM=dumb is set", async () => {
    service.on("GET /v1/campaigns/spring", { json: campaign });
    const args = ["campaigns", "get", "spring"];
    expect((await cli(args, { isTerminal: true })).out).toContain(`${ESC}[1mSpring${ESC}[0m`);
    for (const setting of [
      {},
      { isTerminal: true, env: { NO_COLOR: "1" } },
      { isTerminal: true, env: { TERM: "dumb" } },
    ]) {
      expect((await cli(args, setting)).out).not.toContain(ESC);
    }
  });
});

describe("the process", () => {
  it("exits with the command's code and reads nothing but its arguments", async () => {
    service.on("GET /v1/campaigns/spring/stats", problem(401, "unauthenticated"));
    const { child, out, err } = start(["stats", "spring", "--json"]);
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(out()).toBe("");
    expect(err()).toContain("CODEDROP_KEY");
    expect(err()).not.toContain(KEY);
  });
});

/** Imports: a brand's own codes, from a file that is read as it arrives. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { tellOfStock } from "../../code-pool/stub.ts";
import type { CampaignRow } from "../../db/campaigns.ts";
import { repeated } from "../../db/database.ts";
import {
  completeImport,
  createImport,
  failImport,
  findImport,
  listImports,
} from "../../db/imports.ts";
import { newId } from "../../db/new-id.ts";
import {
  IMPORT_BYTES_MAX,
  IMPORT_ROWS_MAX,
  IMPORT_STEP,
  importStatus,
} from "../../domain/import.ts";
import { inventoryOf } from "../../domain/inventory.ts";
import { DryRun } from "../../inventory/dry-run.ts";
import { listErrors } from "../../inventory/import-errors.ts";
import { ImportStuckError, OwnCodes } from "../../inventory/imports.ts";
import { readRows } from "../../inventory/rows/read-rows.ts";
import { MalformedJsonError, UnreadableImportError } from "../../inventory/rows/row.ts";
import { runImport } from "../../inventory/run-import.ts";
import { forSecretKey } from "../auth.ts";
import { change } from "../change.ts";
import { heralded } from "../heralded.ts";
import type { HttpEnv } from "../http-env.ts";
import {
  ERRORS_SHOWN_MAX,
  FILE,
  Import,
  ImportSummary,
  presentError,
  presentImport,
  presentSummary,
  RowError,
} from "../import-schemas.ts";
import { IdempotencyHeader } from "../idempotency.ts";
import { ONCE_PROBLEMS, onceOver, TwinError, type Resumed } from "../once.ts";
import { pageAsked, pageFound, pageOf, pageQuery } from "../paging.ts";
import { ProblemError } from "../problems.ts";
import { requireCampaign, requireNotEnded } from "../require-campaign.ts";
import {
  created,
  json,
  KEY_PROBLEMS,
  NoQuery,
  PathId,
  PathKey,
  problemResponses,
} from "../schemas.ts";
import { openUpload, uploadDigest, uploadFormat, UploadTooLargeError } from "../upload.ts";

export const importRoutes = new OpenAPIHono<HttpEnv>();

/** What the caller is told of a file that could not be taken whole. */
function brokenOff(error: unknown, importId: string, tookNothing: boolean): Error {
  const extra = { import_id: importId };
  // Of a step that D1 did not answer nobody can say so.
  const kept =
    tookNothing && !(error instanceof ImportStuckError)
      ? "Nothing was taken."
      : `What came before is kept: GET /v1/imports/${importId}. Send the whole file again; codes that are there count as duplicates.`;
  if (error instanceof UnreadableImportError) {
    const at = error.line === null ? "" : `Line ${error.line}: `;
    const slug = error instanceof MalformedJsonError ? "malformed-json" : "import-unreadable";
    return new ProblemError(slug, { detail: `${at}${error.message} ${kept}`, extra });
  }
  if (error instanceof UploadTooLargeError) {
    const detail = `A file may have ${IMPORT_BYTES_MAX} bytes at most; send it in parts. ${kept}`;
    return new ProblemError("payload-too-large", { detail, extra });
  }
  if (error instanceof ImportStuckError) {
    return new ProblemError("service-unavailable", { detail: kept, extra });
  }
  return error instanceof Error ? error : new Error("An import failed", { cause: error });
}

async function importFile(
  c: Context<HttpEnv>,
  campaign: CampaignRow,
  { importId, dryRun }: { importId: string; dryRun: boolean },
): Promise<{ digest: string | undefined }> {
  const { DB: db } = c.env;
  const campaignId = campaign.id;
  const inventory = inventoryOf(campaign.brandId, campaign.mode);
  const format = uploadFormat(c);
  const upload = openUpload(c);
  await change(
    c,
    { action: "createImport", target: importId, fields: c.req.query(), made: () => undefined },
    (along) => createImport(db, { id: importId, campaignId, dryRun }, along),
  );
  const taker = dryRun
    ? new DryRun({ db, importId, inventory })
    : new OwnCodes({ db, importId, campaignId, inventory });
  const onStock = async () => {
    if (!dryRun) await tellOfStock(c.env, campaign);
  };
  try {
    const rows = readRows(upload.body, format, IMPORT_STEP);
    const { tooMany } = await runImport({ db, importId, rows, taker, onStock });
    if (taker.counts.accepted > 0) await onStock();
    if (!tooMany) return { digest: await upload.digest() };
  } catch (error) {
    // One that cannot be called failed is silent from now on, which comes to the same.
    await repeated(() => failImport(db, importId)).catch(() => null);
    throw brokenOff(error, importId, dryRun || taker.counts.accepted === 0);
  }
  await repeated(() => failImport(db, importId));
  throw new ProblemError("payload-too-large", {
    detail: `A file may have ${IMPORT_ROWS_MAX} rows at most. Those were ${dryRun ? "judged" : "imported"}; send the rest as another file.`,
    extra: { import_id: importId },
  });
}

/** Notes that the import is complete, and in the same transaction what it is answered. */
async function finish(c: Context<HttpEnv>, id: string, digest: string | undefined) {
  const { DB: db } = c.env;
  const row = await repeated(() => findImport(db, id, c.var.scope));
  if (row === null) throw new Error(`Import ${id} vanished`);
  const errors = await repeated(() => listErrors(db, id, { after: null, limit: ERRORS_SHOWN_MAX }));
  const finishedAt = Date.now();
  const body = presentImport({ ...row, status: "complete", finishedAt }, errors);
  const answer = { status: 201 as const, location: `/v1/imports/${id}`, body, digest };
  const settlement = (await c.get("once")?.settlement(id, answer)) ?? null;
  const isFirst = await heralded(c, !row.dryRun, () =>
    repeated(() => completeImport(db, row, { finishedAt, settlement })),
  );
  if (!isFirst) throw new TwinError();
  return answer;
}

/** What becomes of an upload that was not answered: one that broke off is sent again whole. */
async function resume(c: Context<HttpEnv>, id: string): Promise<Resumed> {
  const row = await findImport(c.env.DB, id, c.var.scope);
  const isRunning = row !== null && importStatus(row, Date.now()) === "running";
  return { kind: isRunning ? "under-way" : "broken-off" };
}

importRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/campaigns/{campaign}/imports",
    operationId: "createImport",
    summary: "Bring your own codes",
    description: `Up to ${IMPORT_ROWS_MAX} rows and ${IMPORT_BYTES_MAX} bytes, read as they arrive; accepted codes can be claimed at once. Codes keep their spelling. The same file again changes nothing, so one that broke off is simply sent again.`,
    tags: ["Codes"],
    ...forSecretKey("codes:write", onceOver({ resume, digest: uploadDigest })),
    request: {
      params: z.object({ campaign: PathKey }),
      headers: IdempotencyHeader,
      query: z.strictObject({
        dry_run: z.enum(["true", "false"]).optional().meta({
          description: "true: judge the file and take nothing.",
        }),
      }),
      body: FILE,
    },
    responses: {
      201: created(Import, "What became of the rows"),
      ...problemResponses(
        "not-found",
        "campaign-ended",
        "malformed-json",
        "payload-too-large",
        "unsupported-media-type",
        "import-unreadable",
        ...ONCE_PROBLEMS,
        ...KEY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const campaign = await requireCampaign(c);
    requireNotEnded(campaign);
    const dryRun = c.req.valid("query").dry_run === "true";
    const importId = newId("import");
    const { digest } = await importFile(c, campaign, { importId, dryRun });
    const answer = await finish(c, importId, digest);
    c.header("Location", answer.location);
    return c.json(answer.body, 201);
  },
);

importRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns/{campaign}/imports",
    operationId: "listImports",
    summary: "List a campaign's imports, newest first",
    tags: ["Codes"],
    ...forSecretKey("codes:read"),
    request: { params: z.object({ campaign: PathKey }), query: z.strictObject(pageQuery) },
    responses: {
      200: json(pageOf(ImportSummary, "ImportPage"), "A page of imports"),
      ...problemResponses("not-found", "invalid-cursor", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const campaign = await requireCampaign(c);
    const list = `imports:${campaign.id}`;
    const page = pageAsked(c.req.valid("query"), list, ["string"], ([id]) => String(id));
    const found = await listImports(c.env.DB, campaign.id, page);
    return c.json(
      pageFound(page, found, (row) => [row.id], presentSummary),
      200,
    );
  },
);

/** The import in the path, if the key may see it. */
async function requireImport(c: {
  env: Env;
  var: HttpEnv["Variables"];
  req: { param: (name: "import") => string | undefined };
}) {
  const found = await findImport(c.env.DB, c.req.param("import") ?? "", c.var.scope);
  if (found === null) throw new ProblemError("not-found");
  return found;
}

importRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/imports/{import}",
    operationId: "getImport",
    summary: "Read an import",
    description: "Its counts grow while it runs.",
    tags: ["Codes"],
    ...forSecretKey("codes:read"),
    request: { params: z.object({ import: PathId }), query: NoQuery },
    responses: {
      200: json(Import, "The import"),
      ...problemResponses("not-found", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const row = await requireImport(c);
    const page = { after: null, limit: ERRORS_SHOWN_MAX };
    return c.json(presentImport(row, await listErrors(c.env.DB, row.id, page)), 200);
  },
);

importRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/imports/{import}/errors",
    operationId: "listImportErrors",
    summary: "List the rows of an import that were not accepted, in the file's order",
    tags: ["Codes"],
    ...forSecretKey("codes:read"),
    request: { params: z.object({ import: PathId }), query: z.strictObject(pageQuery) },
    responses: {
      200: json(pageOf(RowError, "ImportErrorPage"), "A page of rows"),
      ...problemResponses("not-found", "invalid-cursor", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const { id } = await requireImport(c);
    const page = pageAsked(
      c.req.valid("query"),
      `import-errors:${id}`,
      ["number", "number"],
      ([at, index]): [number, number] => [Number(at), Number(index)],
    );
    const found = await listErrors(c.env.DB, id, page);
    return c.json(
      pageFound(page, found, ({ key }) => [...key], presentError),
      200,
    );
  },
);

/**
 * What a claim and a checkout have to look up, without D1 on its way: whose key it is, which
 * campaign, and how codes look. Copies of the facts that D1 owns; never stock, never a
 * claim. Every other call asks D1 itself.
 */

import {
  findKeyByHash,
  hashKey,
  isOriginOfAKey,
  listKeyHashes,
  markUsed,
  type ApiKeyRow,
  type OwnedKey,
} from "../db/api-keys.ts";
import { findCampaign, type CampaignRow, type CampaignScope } from "../db/campaigns.ts";
import { listShapes, ruleOf, type CodeShapeRow } from "../db/code-shapes.ts";
import { columnsOf } from "../db/database.ts";
import { apiKeys, brands, campaigns as campaignTable, codeShapes } from "../db/schema.ts";
import { rulesForged } from "../domain/code-format.ts";
import { SHAPE_COPY_AGE_MAX_MS } from "../domain/code-shape-copies.ts";
import { isOrigin } from "../domain/origin.ts";
import type { InventoryId } from "../domain/inventory.ts";
import { matchKey } from "../domain/match-key.ts";
import { SLUG } from "../domain/slug.ts";
import { Copies, type Near } from "./copies.ts";

const keys = new Copies<OwnedKey>({
  kind: "key",
  columns: columnsOf(apiKeys, brands),
  load: ({ db }, hash) => findKeyByHash(db, hash),
});

/** Nothing else is looked up: KV refuses keys above 512 bytes, and would seem to be down. */
const CAMPAIGN_ID = /^cmp_[0-9a-z]{20}$/;

/** By brand and by what the path says: an id or a slug, which is only unique within its brand. */
const campaigns = new Copies<CampaignRow>({
  kind: "campaign",
  columns: columnsOf(campaignTable),
  load: async ({ db }, id) => {
    const slash = id.indexOf("/");
    const scope = { brandId: id.slice(0, slash), mode: null };
    return findCampaign(db, scope, id.slice(slash + 1));
  },
});

/** An inventory with more shapes has its codes looked for: each guess would be held against all. */
const SHAPES_MAX = 200;

/**
 * By inventory. Never older than what was promised to whoever adds a shape, also while D1 is down.
 */
const shapes = new Copies<CodeShapeRow[]>({
  kind: "shapes",
  columns: columnsOf(codeShapes),
  ages: { maxMs: SHAPE_COPY_AGE_MAX_MS, staleMaxMs: SHAPE_COPY_AGE_MAX_MS },
  load: async ({ db }, inventory) => {
    const known = await listShapes(db, inventory as InventoryId);
    return known.length > SHAPES_MAX ? [] : known;
  },
});

/**
 * Whether a typed code is none of the inventory's, by its looks alone: it has the shape of
 * generated ones, but not their check characters. False when only a look at the codes can tell.
 */
export async function looksForged(
  near: Near,
  inventory: InventoryId,
  typed: string,
): Promise<boolean> {
  const known = await shapes.find({ ...near, kv: null }, inventory).catch(() => null);
  return rulesForged((known ?? []).map(ruleOf), matchKey(typed)).length > 0;
}

/** The key and its brand, whatever their state, or null when there is no such key. */
export async function findKeyNear(near: Near, key: string): Promise<OwnedKey | null> {
  return keys.find(near, await hashKey(key));
}

const origins = new Copies<true>({
  kind: "origin",
  columns: columnsOf(apiKeys),
  load: async ({ db }, origin) => ((await isOriginOfAKey(db, origin)) ? true : null),
});

/** Whether any key may be used from pages of the origin: all that a preflight can be told by. */
export async function isOriginListed(near: Near, origin: string): Promise<boolean> {
  return isOrigin(origin) && (await origins.find(near, origin)) === true;
}

/** How far the time of a key's last use may lag: one write for all its uses in between. */
const USE_NOTED_EVERY_MS = 300_000;
/** Keys whose last note this isolate remembers; with more in use they are noted more often. */
const USES_MAX = 1_000;
const usesNotedAt = new Map<string, number>();

/** Notes after the answer that the key was used. D1 failing costs the note, nothing else. */
export function noteUse(near: Near, key: ApiKeyRow, now: number): void {
  const notedAt = Math.max(usesNotedAt.get(key.id) ?? 0, key.lastUsedAt ?? 0);
  if (now - notedAt < USE_NOTED_EVERY_MS) return;
  if (usesNotedAt.size >= USES_MAX) usesNotedAt.clear();
  usesNotedAt.set(key.id, now);
  near.waitUntil(markUsed(near.db, key.id, now).catch(() => undefined));
}

/** The campaign, if the scope may see it. Its pool may know newer settings. */
export async function findCampaignNear(
  near: Near,
  scope: CampaignScope,
  idOrSlug: string,
): Promise<CampaignRow | null> {
  if (!SLUG.test(idOrSlug) && !CAMPAIGN_ID.test(idOrSlug)) return null;
  return within(scope, await campaigns.find(near, `${scope.brandId}/${idOrSlug}`));
}

/**
 * The campaign as D1 has it now, for who has learnt that a copy found under `name` is out of date.
 * A name may have become another campaign's since; then this one is looked up by its id.
 */
export async function findCampaignAnew(
  near: Near,
  old: CampaignRow,
  name: string,
): Promise<CampaignRow> {
  const named = await campaigns.findAnew(near, `${old.brandId}/${name}`);
  if (named?.id === old.id) return named;
  return (await campaigns.findAnew(near, `${old.brandId}/${old.id}`)) ?? old;
}

function within({ mode }: CampaignScope, campaign: CampaignRow | null): CampaignRow | null {
  return mode === null || campaign?.mode === mode ? campaign : null;
}

/** To be called after a brand was changed: its status is part of every copy of its keys. */
export async function forgetBrand(near: Near, brandId: string): Promise<void> {
  const hashes = await listKeyHashes(near.db, brandId);
  await Promise.all(hashes.map((hash) => keys.forget(near, hash)));
}

/** To be called after a key was changed. */
export async function forgetKey(near: Near, key: Pick<ApiKeyRow, "hash">): Promise<void> {
  await keys.forget(near, key.hash);
}

/** To be called after a campaign was changed, with every slug that it had and has. */
export async function forgetCampaign(near: Near, ...versions: CampaignRow[]): Promise<void> {
  const ids = new Set(
    versions.flatMap(({ brandId, id, slug }) => [`${brandId}/${id}`, `${brandId}/${slug}`]),
  );
  await Promise.all([...ids].map((id) => campaigns.forget(near, id)));
}

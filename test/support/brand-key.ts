import { env } from "cloudflare:workers";
import { hashKey } from "../../src/db/api-keys.ts";
import { newId, randomBytes } from "../../src/db/new-id.ts";
import { formatApiKey, type KeyMode } from "../../src/domain/api-key.ts";

/** Another secret key of the brand. */
export async function newSecretKey(brandId: string, mode: KeyMode): Promise<string> {
  const key = formatApiKey("secret", mode, randomBytes);
  await env.DB.prepare(
    `INSERT INTO api_keys (id, brand_id, kind, mode, name, hash, hint, created_at)
     VALUES (?, ?, 'secret', ?, 'Another', ?, ?, 0)`,
  )
    .bind(newId("apiKey"), brandId, mode, await hashKey(key), key.slice(-4))
    .run();
  return key;
}

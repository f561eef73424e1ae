/**
 * The rival: claims decided by D1 in one statement. Correct, with the indexes that it needs, and
 * spared what it could be asked for: no key, no schema, no campaign to look up, no router.
 */

interface RivalEnv {
  DB: D1Database;
}

const CLAIM = `
  UPDATE codes SET user_id = ?2, claimed_at = ?3
  WHERE id = (SELECT id FROM codes WHERE campaign = ?1 AND user_id IS NULL ORDER BY id LIMIT 1)
  RETURNING code`;

async function claim(db: D1Database, campaign: string, userId: string): Promise<Response> {
  let row;
  try {
    row = await db.prepare(CLAIM).bind(campaign, userId, Date.now()).first<{ code: string }>();
  } catch (error) {
    if (!String(error).includes("UNIQUE constraint failed")) throw error;
    // The user has a code of this campaign: the same one again.
    const held = await db
      .prepare("SELECT code FROM codes WHERE campaign = ?1 AND user_id = ?2")
      .bind(campaign, userId)
      .first<{ code: string }>();
    return Response.json({ code: held?.code, user_id: userId }, { status: 200 });
  }
  if (row === null) return Response.json({ error: "codes-exhausted" }, { status: 409 });
  return Response.json({ code: row.code, user_id: userId }, { status: 201 });
}

async function addCodes(db: D1Database, campaign: string, count: number): Promise<Response> {
  await db
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)
       INSERT INTO codes (campaign, code) SELECT ?1, hex(randomblob(8)) FROM numbers`,
    )
    .bind(campaign, count)
    .run();
  return Response.json({ count }, { status: 201 });
}

export default {
  async fetch(request, env) {
    const [, campaign = "", action] = new URL(request.url).pathname.split("/");
    const body = await request.json<{ user: { id: string }; count: number }>();
    if (action === "claims") return claim(env.DB, campaign, body.user.id);
    if (action === "batches") return addCodes(env.DB, campaign, body.count);
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<RivalEnv>;

/** Claims decided by D1 in one statement. Correct, and with the indexes that it needs. */

const CLAIM = `
  UPDATE rival_codes SET user_id = ?2, claimed_at = ?3
  WHERE id = (SELECT id FROM rival_codes WHERE campaign = ?1 AND user_id IS NULL ORDER BY id LIMIT 1)
  RETURNING code`;

export async function claimInD1(
  db: D1Database,
  campaign: string,
  userId: string,
): Promise<Response> {
  let row;
  try {
    row = await db.prepare(CLAIM).bind(campaign, userId, Date.now()).first<{ code: string }>();
  } catch (error) {
    if (!String(error).includes("UNIQUE constraint failed")) throw error;
    // The user has a code of this campaign: the same one again.
    const held = await db
      .prepare("SELECT code FROM rival_codes WHERE campaign = ?1 AND user_id = ?2")
      .bind(campaign, userId)
      .first<{ code: string }>();
    return Response.json({ code: held?.code, user_id: userId }, { status: 200 });
  }
  if (row === null) return Response.json({ error: "codes-exhausted" }, { status: 409 });
  return Response.json({ code: row.code, user_id: userId }, { status: 201 });
}

export async function addRivalCodes(
  db: D1Database,
  campaign: string,
  count: number,
): Promise<Response> {
  await db
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)
       INSERT INTO rival_codes (campaign, code) SELECT ?1, hex(randomblob(8)) FROM numbers`,
    )
    .bind(campaign, count)
    .run();
  return Response.json({ count }, { status: 201 });
}

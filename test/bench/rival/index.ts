/**
 * The rival, bare: a Worker that is spared what it could be asked for. No key, no schema, no
 * campaign to look up, no router.
 */

import { addRivalCodes, claimInD1 } from "./claim.ts";

interface RivalEnv {
  DB: D1Database;
}

export default {
  async fetch(request, env) {
    const [, campaign = "", action] = new URL(request.url).pathname.split("/");
    const body = await request.json<{ user: { id: string }; count: number }>();
    if (action === "claims") return claimInD1(env.DB, campaign, body.user.id);
    if (action === "batches") return addRivalCodes(env.DB, campaign, body.count);
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<RivalEnv>;

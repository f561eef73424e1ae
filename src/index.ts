import type { News } from "./domain/news.ts";
import { createApp } from "./http/app.ts";
import { dispatchNews } from "./webhooks/dispatch.ts";

export { BatchRunner } from "./batch-runner/batch-runner.ts";
export { CodePool } from "./code-pool/code-pool.ts";
export { Herald } from "./herald/herald.ts";
export { UserEraser } from "./users/user-eraser.ts";
export { WebhookSender } from "./webhooks/webhook-sender.ts";

const app = createApp();

export default {
  fetch: app.fetch,
  queue: (batch, env) => dispatchNews(batch, env),
} satisfies ExportedHandler<Env, News>;

import { createApp } from "./http/app.ts";

export { BatchRunner } from "./batch-runner/batch-runner.ts";
export { CodePool } from "./code-pool/code-pool.ts";
export { Herald } from "./herald/herald.ts";
export { UserEraser } from "./users/user-eraser.ts";

const app = createApp();

export default { fetch: app.fetch } satisfies ExportedHandler<Env>;

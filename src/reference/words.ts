/** What the reference says beside its schemas: of its parts, and of calls that need few words. */

export const TAGS: Record<string, string> = {
  Operator: "Brands, made and looked after by whoever runs this deployment.",
  Brand: "Your own brand: its name, and who says who your users are.",
  Keys: "Secret keys for servers, publishable keys for pages.",
  Campaigns: "What is given out, to whom and for how long.",
  Codes: "Made here or brought along, listed, looked up, exported and revoked.",
  Claims: "One user asks for a code, and gets one that nobody else gets.",
  Checkout: "Codes judged, kept for an order, spent on it, and given back.",
  Users: "What is held about one user, and its erasure.",
  Events: "What happened in a campaign, in its order and without a gap.",
  Webhooks: "Events sent to your servers, signed, again until they are taken.",
  Reports: "Counts, the ledger held against the inventory, and the audit log.",
  Platform: "Whether the service runs, and what its problems mean.",
};

/** By operationId. */
export const DESCRIPTIONS: Record<string, string> = {
  checkHealth: "Answers as soon as the Worker runs. Asks nothing else.",
  checkReadiness: "Asks the database and a pool, and answers when both have.",
  createBrand: "The keys are shown this once. The slug is made from the name when left out.",
  createCampaign: "It has no codes yet: make some, or bring your own.",
  explainProblem: "The page behind the `type` of a problem, for people.",
  getBatch: "Its `created` grows to `requested` while it runs.",
  getBrand: "One brand, by its id or slug. Never its keys.",
  getClaim: "One claim as it is now, its code among it.",
  getDelivery: "When each attempt was made, how long it took, and how the answer began.",
  getErasure: "It is complete once nothing of the user is left anywhere.",
  getHold: "One hold as it is now: one that has run out is lapsed.",
  getKey: "One key by its id. Never the key itself.",
  getProfile: "The brand whose key asks.",
  getRedemption: "One redemption as it is now, rolled back or not.",
  getStats: "Counts of this moment, and the claims and redemptions of each interval.",
  getWebhookEndpoint: "One endpoint by its id. Never its secret.",
  listBatches: "Each with how far it is. Imports are a list of their own.",
  listBrands: "All brands of this deployment, page by page.",
  listCampaigns: "All campaigns of the key's mode, page by page.",
  listImportErrors: "Each with what is wrong with it and what to change, page by page.",
  listImports: "Each with how many rows were taken. Batches are a list of their own.",
  listWebhookEndpoints: "All endpoints of the key's mode, page by page. Never their secrets.",
  updateBrand: "The keys of a suspended brand are refused until it is active again.",
};
